"""The part of a site that the rest of the network needs.

A map can be found through a copy of a variable that nobody reads. What the network needs is asked of the network
itself: the subspace of lowest rank such that, with the rest of the state at its mean, it still gives its own answers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.interchange.cache import Batch, Cache, Problems, cache_activations
from interlocus.alignment.interchange.gradients import logit_gradients
from interlocus.alignment.interchange.losses import CrossEntropy
from interlocus.core.linalg import BufferPool
from interlocus.core.random import derived_generator
from interlocus.core.threads import one_thread
from interlocus.featurizers import Frames, Rotation
from interlocus.networks import AbstractNetworks
from interlocus.networks.subspace import SubspaceRestricted
from interlocus.searches.chunks import Chunk, SearchBatch
from interlocus.tasks import AbstractTask, Split

REQUIRED_AGREEMENT = 0.999
"""Share of its own answers that a network has to keep."""
TRIED_RANKS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 48, 64)
"""What is tried; a site of which none will do is taken whole."""
AGREEMENT_ROWS, AGREEMENT_BATCH = 16_384, 512
AGREEMENT_STEPS, AGREEMENT_RATE = 400, 0.03
RANDOM_STARTS = 1
"""Random starts beside the one from gradients."""
AGREEMENT_GRADIENT_ROWS = 2048


@dataclass(frozen=True, kw_only=True)
class UsedSubspace:
    """What one network needs of a site.

    Args:
        site: where.
        mean: the mean state m.
        rows: Q, orthonormal: with the state h replaced by m + QᵀQ (h − m) the network gives its own answers.
        agreement: share of them, on fresh examples.
    """

    site: str
    mean: Float[Tensor, " width"]
    rows: Float[Tensor, "rank width"]
    agreement: float

    @property
    def rank(self) -> int:
        """How many directions are needed."""
        return len(self.rows)


def hint_of(alignment: Alignment | None) -> Float[Tensor, "_ width"] | None:
    """Orthonormal directions that an alignment reads, which may be part of what is used; `None` where it has none."""
    if alignment is None or not isinstance(alignment.frames, Frames):
        return None
    rows = alignment.frames.read.flatten(0, 1)
    return torch.linalg.qr(rows[(rows != 0).any(1)].T).Q.T


def used_subspaces(
    networks: AbstractNetworks,
    task: AbstractTask,
    *,
    site: str,
    agreement: float = REQUIRED_AGREEMENT,
    hints: Sequence[Float[Tensor, "_ width"] | None] = (),
    seed: int = 0,
) -> list[UsedSubspace]:
    """For each network the smallest subspace of a site that it needs.

    Several may be equally small. The first is taken of those that are learned from a hint, from gradients, and from
    random directions, so a subspace in which something was found is only left for a smaller one.

    Args:
        networks: which are asked.
        task: what they solve; its examples are where their answers have to be kept.
        site: one of the networks', by name.
        agreement: share of its own answers that a network has to keep.
        hints: for each network orthonormal directions that may be part of it.
        seed: decides on examples and random starts.

    Raises:
        UnknownNameError: the networks have no such site.
        NetworkError: activations that are not finite.

    Source: the used subspace, after the dormant pathways of arXiv 2311.17030.
    """
    ranks = tuple(rank for rank in TRIED_RANKS if rank < networks.width(site))

    def view(split: Split) -> AgreementData:
        pool = task.draw_examples(AGREEMENT_ROWS, split=split, generator=derived_generator(seed, "used", split))
        return AgreementData.of(networks, site, cache_activations(networks, site, pool))

    train, validation, test = view("train"), view("validation"), view("test")

    def keeps(network: int, rows: Float[Tensor, "rank width"]) -> bool:
        return validation.kept(networks, site, network, train.mean[network], rows) >= agreement

    with one_thread():
        leading = [_leading(networks, site, train, network) for network in range(len(networks))]
        enough = [next((rank for rank in ranks if keeps(i, rows[:rank])), len(rows)) for i, rows in enumerate(leading)]
        tried = tuple(rank for rank in ranks if rank <= max(enough))
        begin = [_begin(rows, hint) for rows, hint in zip(leading, hints or [None] * len(leading), strict=True)]
        learned = _learn(networks, site, train, tried, begin, seed) if tried else {}
        found: list[UsedSubspace] = []
        for network, rows in enumerate(leading):
            candidates = [one for rank in tried if rank <= enough[network] for one in learned[network, rank]]
            chosen = next((one for one in candidates if keeps(network, one)), rows[: enough[network]])
            mean = train.mean[network]
            share = test.kept(networks, site, network, mean, chosen)
            found.append(UsedSubspace(site=site, mean=mean, rows=chosen, agreement=share))
    return found


def restrict_to(
    networks: AbstractNetworks, used: Sequence[UsedSubspace], *, room: int | None = None
) -> SubspaceRestricted:
    """The same networks with their states confined.

    Args:
        networks: which.
        used: their subspaces, all of one site.
        room: coordinates of the result; those beyond a subspace's rank are zero and have no effect. By default the
            largest rank.
    """
    room = room or max(one.rank for one in used)
    return SubspaceRestricted(
        networks=networks,
        site=used[0].site,
        mean=torch.stack([one.mean for one in used]),
        rows=torch.stack([torch.nn.functional.pad(one.rows, (0, 0, 0, room - one.rank)) for one in used]),
    )


@dataclass(frozen=True, kw_only=True)
class AgreementData:
    """States of some examples, and what the networks answer."""

    cache: Cache
    mean: Float[Tensor, "network width"]
    answers: Int[Tensor, "network row"]
    classes: int

    @classmethod
    def of(cls, networks: AbstractNetworks, site: str, cache: Cache) -> AgreementData:
        logits = networks.run_from(site, cache.activations, cache.inputs)
        return cls(cache=cache, mean=cache.activations.mean(1), answers=logits.argmax(2), classes=logits.shape[2])

    def kept(
        self,
        networks: AbstractNetworks,
        site: str,
        network: int,
        mean: Float[Tensor, " width"],
        rows: Float[Tensor, "rank width"],
    ) -> float:
        """Share of its own answers that a network gives from the subspace alone."""
        states = self.cache.activations[network]
        confined = mean + (states - mean) @ rows.T @ rows
        logits = networks[network].run_from(site, confined.unsqueeze(0), self.cache.inputs)
        return float((logits[0].argmax(1) == self.answers[network]).double().mean())

    def batch(self, index: Int[Tensor, " batch"], projected: Float[Tensor, "network projected"]) -> Batch:
        """From the mean state to that of some examples: an interchange whose base is always the mean."""
        count, labels = len(index), self.answers[:, index]
        difference = (self.cache.activations[:, index] - self.mean.unsqueeze(1)).transpose(1, 2).contiguous()
        one_hot = torch.nn.functional.one_hot(labels, self.classes).transpose(1, 2).unsqueeze(1)
        inputs = self.cache.inputs
        return Batch(
            base=projected.unsqueeze(2).expand(-1, -1, count).contiguous(),
            differences=(difference,),
            places=(slice(0, count),),
            one_hot=one_hot.to(difference).contiguous(),
            inputs=None if inputs is None else inputs[index].expand(len(labels), *[-1] * inputs.dim()),
        )


def _leading(networks: AbstractNetworks, site: str, view: AgreementData, network: int) -> Float[Tensor, "width width"]:
    """All directions of a site, those first that move the answer of a network most."""
    slope = logit_gradients(
        networks.suffix(site), view.cache, network, slice(0, AGREEMENT_GRADIENT_ROWS), view.classes
    ).flatten(0, 1)
    return torch.linalg.svd(slope.T @ slope).Vh


def _begin(
    leading: Float[Tensor, "width width"], hint: Float[Tensor, "_ width"] | None
) -> list[Float[Tensor, "width width"]]:
    """Orthonormal rows, as many as the site is wide, whose first ones a subspace may begin with: one such a start."""
    if hint is None or not len(hint):
        return [leading]
    return [torch.linalg.qr(torch.cat([hint.to(leading), leading]).T).Q.T, leading]


def _learn(
    networks: AbstractNetworks,
    site: str,
    view: AgreementData,
    ranks: Sequence[int],
    begins: Sequence[Sequence[Float[Tensor, "width width"]]],
    seed: int,
) -> dict[tuple[int, int], list[Float[Tensor, "rank width"]]]:
    """For each network and rank the directions in which its answers are kept best, one a start."""
    each, featurizer = max(map(len, begins)) + RANDOM_STARTS, Rotation()
    suffix, device, width = networks.suffix(site), networks.device, networks.width(site)
    search_list = [rank for rank in ranks for _ in range(each)]
    begin = torch.zeros(len(networks), len(search_list), max(ranks), width, device=device)
    mask = torch.zeros(len(networks), len(search_list), 1, max(ranks), 1, device=device)
    for network, known in enumerate(begins):
        for place, rank in enumerate(search_list):
            mask[network, place, :, :rank] = 1.0
            noise = torch.randn(width, rank, generator=derived_generator(seed, "used", network, place))
            rows = known[place % each] if place % each < len(known) else torch.linalg.qr(noise).Q.T
            begin[network, place, :rank] = rows[:rank].to(device)
    lot = SearchBatch(
        problems=Problems(torch.arange(len(networks), device=device), torch.zeros_like(torch.arange(len(networks)))),
        suffix=suffix,
        mask=mask.flatten(0, 1),
        buffers=BufferPool(begin),
    )
    rows = torch.arange(len(networks) * len(search_list)).view(len(networks), len(search_list))
    stack = Chunk(lot, rows, begin.flatten(0, 1))
    generator, loss = derived_generator(seed, "used batches"), CrossEntropy()
    projected = suffix.project(view.mean.unsqueeze(1)).squeeze(1)
    for step in range(AGREEMENT_STEPS):
        index = torch.randint(len(view.answers[0]), (AGREEMENT_BATCH,), generator=generator).to(device)
        rate = AGREEMENT_RATE * (1 + math.cos(math.pi * step / AGREEMENT_STEPS)) / 2
        stack.step(featurizer, loss, view.batch(index, projected), rate)
    final = stack.parameters.view(*rows.shape, max(ranks), -1)
    return {
        (network, rank): [
            final[network, place, :rank].contiguous() for place, size in enumerate(search_list) if size == rank
        ]
        for network in range(len(networks))
        for rank in ranks
    }
