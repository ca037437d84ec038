"""How many of its own answers a network keeps when only a subspace of a site holds its own state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.interchange.cache import Batch, Cache, cache_activations
from interlocus.alignment.interchange.gradients import logit_gradients
from interlocus.causal.examples import Examples
from interlocus.controls.used.natural import NaturalRange
from interlocus.core.random import derived_generator
from interlocus.networks import AbstractNetworks, AbstractSuffix

BETWEEN_ROWS = 4096
"""Pairs of states between which the gradients of the logits are taken."""


@dataclass(frozen=True, kw_only=True)
class AgreementData:
    """States of networks at a site, with the networks' answers to them.

    The states of examples come first. As many states after exchanges may follow, since a network whose answers to
    examples need few directions may need more of them where a variable was exchanged.

    Args:
        cache: The states, and the inputs they belong to.
        mean: Mean state of the examples.
        answers: The class that each network answers with.
        classes: Number of classes of the networks.
        examples: Number of rows that are states of examples.
    """

    cache: Cache
    mean: Float[Tensor, "network width"]
    answers: Int[Tensor, "network row"]
    classes: int
    examples: int

    @classmethod
    def of(
        cls, networks: AbstractNetworks, site: str, pool: Examples, alignments: Sequence[Alignment | None]
    ) -> AgreementData:
        """Run networks on a pool, and exchange the variables of alignments between its examples.

        Args:
            networks: The networks, of one architecture.
            site: Name of the site.
            pool: The examples.
            alignments: For each network the alignment whose variables are exchanged, or `None` for no exchange. If all
                are `None`, there are no rows after exchanges.
        """
        cache = cache_activations(networks, site, pool)
        mean, examples = cache.activations.mean(1), cache.activations.shape[1]
        if any(alignment is not None for alignment in alignments):
            exchanged = torch.stack(
                [_exchanged(states, alignment) for states, alignment in zip(cache.activations, alignments, strict=True)]
            )
            activations = torch.cat([cache.activations, exchanged], 1)
            inputs = None if cache.inputs is None else torch.cat([cache.inputs, cache.inputs])
            projected = torch.cat([cache.projected, networks.suffix(site).project(exchanged)], 1)
            cache = Cache(activations=activations, projected=projected, inputs=inputs)
        logits = networks.run_from(site, cache.activations, cache.inputs)
        return cls(cache=cache, mean=mean, answers=logits.argmax(2), classes=logits.shape[2], examples=examples)

    def kept(
        self,
        networks: AbstractNetworks,
        site: str,
        network: int,
        rows: Float[Tensor, "rank width"],
        *,
        rest: Float[Tensor, " width"] | None = None,
    ) -> float:
        """Share of its own answers that a network gives when only a subspace holds its own state.

        Examples and states after exchanges are counted apart; the smaller share is returned.

        Args:
            networks: The networks that `of` was called with.
            site: Name of the site.
            network: Index of the network.
            rows: Orthonormal rows that span the subspace.
            rest: What the rest of each state is replaced by; by default the state of another example.
        """
        states = self.cache.activations[network]
        # examples are independent, so the neighbour of a row is a draw from all of them
        other = states[: self.examples].roll(1, 0).repeat(len(states) // self.examples, 1) if rest is None else rest
        replaced = other + (states - other) @ rows.T @ rows
        logits = networks[network].run_from(site, replaced.unsqueeze(0), self.cache.inputs)
        same = (logits[0].argmax(1) == self.answers[network]).double()
        return min(float(part.mean()) for part in same.split(self.examples))

    def leading(
        self, networks: AbstractNetworks, site: str, network: int, *, seed: int
    ) -> Float[Tensor, "width width"]:
        """Orthonormal directions of a site, in decreasing order of their effect on the logits of a network.

        The gradients are taken at states between those of two examples. At the states themselves they vanish where a
        sharp network is flat, although it reads directions that decide.

        Args:
            networks: The networks that `of` was called with.
            site: Name of the site.
            network: Index of the network.
            seed: Seed of the pairs of examples.
        """
        generator, count = derived_generator(seed, "used pairs"), min(BETWEEN_ROWS, self.examples)
        states = self.cache.activations[:, :count]
        share = torch.rand(count, 1, generator=generator).to(states)
        between = states + share * (states[:, torch.randperm(count, generator=generator)] - states)
        suffix = networks.suffix(site)
        cache = replace(self.cache, activations=between, projected=suffix.project(between).contiguous())
        slopes = logit_gradients(suffix, cache, network, slice(0, count), self.classes)
        slopes = (slopes - slopes.mean(0)).flatten(0, 1)  # what moves all logits alike changes no answer
        return torch.linalg.svd(slopes.T @ slopes).Vh

    def batch(self, index: Int[Tensor, " batch"], other: Int[Tensor, " batch"], suffix: AbstractSuffix) -> Batch:
        """A batch of interchanges for the learning of a subspace.

        Args:
            index: The rows whose states are put into the subspace, and whose answers are the labels.
            other: The rows from which the rest of the state is taken.
            suffix: The suffix of the networks at the site.
        """
        count, labels = len(index), self.answers[:, index]
        base = self.cache.activations[:, other]
        difference = (self.cache.activations[:, index] - base).transpose(1, 2).contiguous()
        one_hot = torch.nn.functional.one_hot(labels, self.classes).transpose(1, 2).unsqueeze(1)
        inputs = self.cache.inputs
        return Batch(
            base=suffix.project(base).transpose(1, 2).contiguous(),
            differences=(difference,),
            places=(slice(0, count),),
            one_hot=one_hot.to(difference).contiguous(),
            inputs=None if inputs is None else inputs[index].expand(len(labels), *[-1] * inputs.dim()),
        )


def _exchanged(states: Float[Tensor, "row width"], alignment: Alignment | None) -> Float[Tensor, "row width"]:
    """The states after variables were exchanged: one after another in equal parts of the rows, and in the last all.

    They are kept within the range of natural states, since elsewhere a network reads what it reads nowhere else.
    """
    if alignment is None:
        return states
    variables = range(len(alignment.variables))
    kinds = [(variable,) for variable in variables] + ([tuple(variables)] if len(variables) > 1 else [])
    parts, start = [], 0
    for part in states.tensor_split(len(kinds)):
        sources = {v: states.roll(2 + v, 0)[start : start + len(part)] for v in kinds[len(parts)]}
        parts.append(alignment.frames.swap(part, sources))
        start += len(part)
    return NaturalRange.of(states).nearest(torch.cat(parts))
