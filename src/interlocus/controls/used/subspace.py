"""The used subspace of a site: the directions that the rest of the network needs to give its own answers.

A search can find a variable in a copy that no later layer reads. The used subspace is computed from the network alone:
it is the subspace of lowest rank from which the network gives its own answers when the rest of the state comes from
another example. The mean of the rest would not do: a second route can take over there, for instance a gate whose mean
says "off", and directions that are read would count as unused.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.interchange.cache import Problems
from interlocus.alignment.interchange.losses import CrossEntropy
from interlocus.controls.used.agreement import AgreementData
from interlocus.controls.used.alignments import hint_of
from interlocus.core.linalg import BufferPool
from interlocus.core.random import derived_generator
from interlocus.core.threads import one_thread
from interlocus.featurizers import Rotation
from interlocus.networks import AbstractNetworks
from interlocus.networks.subspace import SubspaceRestricted
from interlocus.searches.chunks import Chunk, SearchBatch
from interlocus.tasks import AbstractTask, Split

REQUIRED_AGREEMENT = 0.999
"""Share of its own answers that a network must keep."""
LENIENT_AGREEMENT, STRICT_AGREEMENT = 0.99, 0.9999
"""Other levels, at which it is told how many directions would be enough. The stricter one is used where a variable was
lost inside the used subspace."""
TRIED_RANKS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 48, 64)
"""Ranks in the order in which they are tried. If none keeps enough answers, the whole site counts as used."""
AGREEMENT_ROWS, AGREEMENT_BATCH = 16_384, 512
AGREEMENT_STEPS, AGREEMENT_RATE = 400, 0.03
RANDOM_STARTS = 1
"""Random starts besides those from gradients and hints."""


@dataclass(frozen=True, kw_only=True)
class UsedSubspace:
    """The used subspace of one network.

    Args:
        site: Name of the site.
        mean: The mean state m.
        rows: Orthonormal rows Q. With the state h replaced by h′ + QᵀQ (h − h′) the network keeps its answers, where
            h′ is the state of another example.
        agreement: Share of its own answers that it keeps then, on fresh examples.
        agreement_at_mean: The same share with m in place of h′.
        changed: Share of its answers that change when the whole state comes from another example. Where it is 0, the
            rest of the network reads nothing.
        lenient_rank: Number of directions that would be enough for an agreement of `LENIENT_AGREEMENT`.
        strict_rank: The same for `STRICT_AGREEMENT`.
    """

    site: str
    mean: Float[Tensor, " width"]
    rows: Float[Tensor, "rank width"]
    agreement: float
    agreement_at_mean: float
    changed: float = 1.0
    lenient_rank: int = 0
    strict_rank: int = 0

    @property
    def rank(self) -> int:
        """Number of directions of the subspace."""
        return len(self.rows)


def used_subspaces(
    networks: AbstractNetworks,
    task: AbstractTask,
    *,
    site: str,
    agreement: float = REQUIRED_AGREEMENT,
    alignments: Sequence[Alignment | None] = (),
    seed: int = 0,
) -> list[UsedSubspace]:
    """The used subspace of a site for each network.

    Several subspaces may have the lowest rank. The first that keeps enough answers is taken, in the order: learned
    from an alignment, from gradients, from random directions. So one with the directions of an alignment is preferred.

    Args:
        networks: The networks, of one architecture.
        task: The task that they solve. Answers are compared on its examples.
        site: Name of the site, a key of `networks.sites`.
        agreement: Share of its own answers that a network must keep, from 0 to 1: of those to examples, of those after
            exchanges, and with the rest at its mean.
        alignments: For each network the alignment whose variables are exchanged, and whose directions the subspace may
            contain; `None` for no alignment.
        seed: Seed of the examples and random starts.

    Raises:
        UnknownNameError: The networks have no such site.
        NetworkError: Activations are not finite.

    Source: the used subspace, after the dormant pathways of arXiv 2311.17030.
    """
    ranks = tuple(rank for rank in TRIED_RANKS if rank < networks.width(site))
    known = list(alignments) or [None] * len(networks)

    def view(split: Split) -> AgreementData:
        pool = task.draw_examples(AGREEMENT_ROWS, split=split, generator=derived_generator(seed, "used", split))
        return AgreementData.of(networks, site, pool, known)

    train, validation, test = view("train"), view("validation"), view("test")

    def share(network: int, rows: Float[Tensor, "rank width"]) -> float:
        """Share of its answers that a network keeps, with the rest from another example or at its mean."""
        at_mean = validation.kept(networks, site, network, rows, rest=train.mean[network])
        return min(validation.kept(networks, site, network, rows), at_mean)

    with one_thread():
        leading = [train.leading(networks, site, network, seed=seed) for network in range(len(networks))]
        enough = [
            next((rank for rank in ranks if share(i, rows[:rank]) >= agreement), len(rows))
            for i, rows in enumerate(leading)
        ]
        tried = tuple(rank for rank in ranks if rank <= max(enough))
        begin = [_begin(rows, hint_of(alignment)) for rows, alignment in zip(leading, known, strict=True)]
        learned = _learn(networks, site, train, tried, begin, seed) if tried else {}
        found: list[UsedSubspace] = []
        for network, rows in enumerate(leading):
            candidates = [one for rank in tried if rank <= enough[network] for one in learned[network, rank]]
            candidates += [rows[:rank] for rank in (*ranks, len(rows)) if rank >= enough[network]]
            chosen = _smallest(candidates, partial(share, network), agreement)
            found.append(chosen.measured(networks, site, network, test, mean=train.mean[network]))
    return found


class _Smallest(NamedTuple):
    """The smallest subspace that keeps enough answers, and the ranks at other levels of agreement."""

    rows: Float[Tensor, "rank width"]
    lenient_rank: int
    strict_rank: int

    def measured(
        self,
        networks: AbstractNetworks,
        site: str,
        network: int,
        test: AgreementData,
        *,
        mean: Float[Tensor, " width"],
    ) -> UsedSubspace:
        """The subspace with what a network keeps in it on fresh examples."""
        return UsedSubspace(
            site=site,
            mean=mean,
            rows=self.rows,
            agreement=test.kept(networks, site, network, self.rows),
            agreement_at_mean=test.kept(networks, site, network, self.rows, rest=mean),
            changed=1 - test.kept(networks, site, network, self.rows[:0]),
            lenient_rank=self.lenient_rank,
            strict_rank=self.strict_rank,
        )


def _smallest(
    candidates: Sequence[Float[Tensor, "_ width"]], share: Callable[[Tensor], float], agreement: float
) -> _Smallest:
    """The first of some subspaces, in the order of their ranks, that keeps enough answers; the last keeps all."""
    levels = (min(LENIENT_AGREEMENT, agreement), agreement, max(STRICT_AGREEMENT, agreement))
    first: list[Tensor] = []
    for rows in candidates:
        kept = share(rows)
        while len(first) < len(levels) and kept >= levels[len(first)]:
            first.append(rows)
        if len(first) == len(levels):
            break
    first += [candidates[-1]] * (len(levels) - len(first))
    return _Smallest(rows=first[1], lenient_rank=len(first[0]), strict_rank=len(first[2]))


def restrict_to(
    networks: AbstractNetworks, used: Sequence[UsedSubspace], *, dimension: int | None = None
) -> SubspaceRestricted:
    """The same networks, whose states at a site are the coordinates in their used subspaces.

    Args:
        networks: The networks, of one architecture.
        used: The used subspace of each network, all of one site.
        dimension: Number of coordinates, at least the largest rank, which is the default. Coordinates beyond the rank
            of a subspace are zero and have no effect.
    """
    dimension = dimension or max(one.rank for one in used)
    return SubspaceRestricted(
        networks=networks,
        site=used[0].site,
        mean=torch.stack([one.mean for one in used]),
        rows=torch.stack([torch.nn.functional.pad(one.rows, (0, 0, 0, dimension - one.rank)) for one in used]),
    )


def _begin(
    leading: Float[Tensor, "width width"], hint: Float[Tensor, "_ width"] | None
) -> list[Float[Tensor, "width width"]]:
    """The starts other than random ones: for each the orthonormal rows, the first of which begin a subspace."""
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
    """For each network and rank the directions that keep its answers best, one set for each start."""
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
    batch = SearchBatch(
        problems=Problems(torch.arange(len(networks), device=device), torch.zeros_like(torch.arange(len(networks)))),
        suffix=suffix,
        mask=mask.flatten(0, 1),
        buffers=BufferPool(begin),
    )
    rows = torch.arange(len(networks) * len(search_list)).view(len(networks), len(search_list))
    stack = Chunk(batch, rows, begin.flatten(0, 1))
    generator, loss = derived_generator(seed, "used batches"), CrossEntropy()
    for step in range(AGREEMENT_STEPS):
        index = torch.randint(len(view.answers[0]), (AGREEMENT_BATCH,), generator=generator).to(device)
        other = torch.randint(view.examples, (AGREEMENT_BATCH,), generator=generator).to(device)
        rate = AGREEMENT_RATE * (1 + math.cos(math.pi * step / AGREEMENT_STEPS)) / 2
        stack.step(featurizer, loss, view.batch(index, other, suffix), rate)
    final = stack.parameters.view(*rows.shape, max(ranks), -1)
    return {
        (network, rank): [
            final[network, place, :rank].contiguous() for place, size in enumerate(search_list) if size == rank
        ]
        for network in range(len(networks))
        for rank in ranks
    }
