"""Swap features of the base for those of sources, and run the networks on from there.

The hot part of the library. Searches that share a network, a site and a hypothesis (a *problem*) share what is gathered
and the first product; the body of a suffix runs for all searches at once. Everything is written into
buffers of a workspace, and gradients are written out, so a step builds no graph and asks for no memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interlocus.causal.examples import Examples
from interlocus.causal.interventions import Interventions
from interlocus.core.errors import NetworkError
from interlocus.networks import AbstractNetworks

FETCHED_BYTES = 2**22
"""How much is fetched from a cache at once: one large gather costs a fraction of many small ones."""


@dataclass(frozen=True, kw_only=True)
class Cache:
    """What networks compute on a pool, kept for one site.

    Args:
        activations: at the site.
        projected: Output of the input projection of the suffix.
        inputs: what the networks were shown, for tails that run them whole.
    """

    activations: Float[Tensor, "network row width"]
    projected: Float[Tensor, "network row projected"]
    inputs: Float[Tensor, "row ..."] | None = None


def cache_activations(networks: AbstractNetworks, site: str, pool: Examples) -> Cache:
    """Run networks on a pool and keep what searches at a site need.

    Raises:
        UnknownNameError: no such site.
        NetworkError: activations that are not finite.
    """
    with torch.no_grad():
        activations = networks.activations(site, pool.inputs.to(networks.device)).contiguous()
        # one number that is not finite spoils the sum, which is found much faster than a flag for each
        bad = (~torch.isfinite(activations.flatten(1).sum(1))).nonzero()
        if len(bad):
            raise NetworkError(
                f"Network {int(bad[0])} has activations at site {site!r} that are infinite or not numbers.",
                "An interchange would spread them to every example.",
                "Look at its parameters and inputs; train it again with a lower learning rate.",
            )
        suffix = networks.suffix(site)
        projected = suffix.project(activations).contiguous()
    inputs = pool.inputs.to(networks.device) if suffix.needs_inputs else None
    return Cache(activations=activations, projected=projected, inputs=inputs)


class Problems(NamedTuple):
    """Which network and which hypothesis each problem of a stack is about, as indices."""

    network: Int[Tensor, " problem"]
    hypothesis: Int[Tensor, " problem"]


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What one step needs of the cache, for each problem.

    Args:
        base: Output of the input projection for the bases, batch last.
        differences: for each variable source minus base at the site, batch last, where it is swapped.
        places: where that is.
        one_hot: the counterfactual labels.
        inputs: what the networks were shown as bases, for tails that run them whole.
        hidden: the bases at the site itself, batch last.
    """

    base: Float[Tensor, "problem projected batch"]
    differences: tuple[Float[Tensor, "problem width swapped"], ...]
    places: tuple[slice, ...]
    one_hot: Float[Tensor, "problem 1 class batch"]
    inputs: Float[Tensor, "problem batch ..."] | None = None
    hidden: Float[Tensor, "problem width batch"] | None = None


@dataclass(frozen=True, kw_only=True)
class BatchPlan:
    """Interventions of several steps, laid out for the problems of a stack.

    Args:
        base: rows of the bases in the cache's networks, one behind the other.
        sources: for each variable those of its sources, on the places where it is swapped.
        places: those places.
        one_hot: the counterfactual labels.
    """

    base: Int[Tensor, "step problem batch"]
    sources: tuple[Int[Tensor, "step problem _"], ...]
    places: tuple[slice, ...]
    one_hot: Float[Tensor, "step problem 1 class batch"]

    def __len__(self) -> int:
        return len(self.base)


def plan_batches(cache: Cache, asked: Sequence[Interventions], problems: Problems, classes: int) -> BatchPlan:
    """Look up for each problem what its hypothesis asks of its network.

    Args:
        cache: of the pool that the interventions point into.
        asked: several steps, for each hypothesis.
        problems: what each problem is about.
        classes: of the network.
    """

    def for_problems(parts: Sequence[Int[Tensor, "step batch"]]) -> Int[Tensor, "step problem batch"]:
        return torch.stack(list(parts), 1).to(problems.hypothesis.device)[:, problems.hypothesis]

    offset = (problems.network * cache.activations.shape[1]).unsqueeze(1)
    places = asked[0].places
    labels = for_problems([one.labels for one in asked]).unsqueeze(2)
    one_hot = torch.zeros(
        *labels.shape[:2], classes, labels.shape[3], device=labels.device, dtype=cache.projected.dtype
    )
    return BatchPlan(
        base=for_problems([one.base for one in asked]) + offset,
        sources=tuple(for_problems([o.sources[v][:, place] for o in asked]) + offset for v, place in enumerate(places)),
        places=places,
        one_hot=one_hot.scatter_(2, labels, 1.0).unsqueeze(2),
    )


def batches(cache: Cache, script: BatchPlan) -> Iterator[Batch]:
    """Fetch what each step needs, for as many steps at once as fit into `FETCHED_BYTES`."""
    problems, batch = script.base.shape[1:]
    width = (
        cache.projected.shape[2]
        + sum(source.shape[2] * cache.activations.shape[2] for source in script.sources) // batch
    )
    together = max(1, FETCHED_BYTES // (problems * batch * width * cache.projected.element_size()))
    for first in range(0, len(script), together):
        steps = slice(first, first + together)
        base = script.base[steps]
        projected, here = _columns(cache.projected, base), _columns(cache.activations, base)
        differences = [
            _columns(cache.activations, source[steps]).sub_(here[..., place])
            for source, place in zip(script.sources, script.places, strict=True)
        ]
        for step in range(len(base)):
            yield Batch(
                base=projected[step],
                differences=tuple(difference[step] for difference in differences),
                places=script.places,
                one_hot=script.one_hot[first + step],
                inputs=None if cache.inputs is None else cache.inputs[base[step] % len(cache.inputs)],
                hidden=here[step],
            )


def _columns(
    table: Float[Tensor, "network row width"], index: Int[Tensor, "step problem batch"]
) -> Float[Tensor, "step problem width batch"]:
    rows = table.view(-1, table.shape[2]).index_select(0, index.flatten())
    return rows.view(*index.shape, -1).transpose(2, 3).contiguous()
