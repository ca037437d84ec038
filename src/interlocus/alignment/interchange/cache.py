"""Cached activations, and batches of interventions that are gathered from them.

Searches that share a network, a site and a hypothesis (a *problem*) share everything that is gathered here.
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
"""Memory that is gathered from a cache at once: one large gather is much faster than many small ones."""


@dataclass(frozen=True, kw_only=True)
class Cache:
    """Activations of networks on a pool of examples, for one site.

    Args:
        activations: Activations at the site.
        entered: Activations after the linear map at the beginning of the suffix.
        inputs: Inputs of the networks, for suffixes that run the networks from their inputs; otherwise `None`.
    """

    activations: Float[Tensor, "network row width"]
    projected: Float[Tensor, "network row projected"]
    inputs: Float[Tensor, "row ..."] | None = None


def cache_activations(networks: AbstractNetworks, site: str, pool: Examples) -> Cache:
    """Run networks on a pool and cache their activations.

    Args:
        networks: The networks to run.
        site: Name of the site.
        pool: The examples whose activations are stored.

    Raises:
        UnknownNameError: the networks have no such site.
        NetworkError: a network has activations that are not finite.
    """
    with torch.no_grad():
        activations = networks.activations(site, pool.inputs.to(networks.device)).contiguous()
        # a sum is finite only if all of its terms are, and is faster than a test of each number
        bad = (~torch.isfinite(activations.flatten(1).sum(1))).nonzero()
        if len(bad):
            raise NetworkError(
                f"Network {int(bad[0])} has activations at site {site!r} that are infinite or not numbers.",
                "An interchange would copy them to other examples.",
                "Check its parameters and inputs, or train it again with a lower learning rate.",
            )
        suffix = networks.suffix(site)
        projected = suffix.project(activations).contiguous()
    inputs = pool.inputs.to(networks.device) if suffix.needs_inputs else None
    return Cache(activations=activations, projected=projected, inputs=inputs)


class Problems(NamedTuple):
    """Indices of the network and of the hypothesis of each problem."""

    network: Int[Tensor, " problem"]
    hypothesis: Int[Tensor, " problem"]


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The data of one step, for each problem; the batch is the last axis.

    Args:
        base: Activations of the bases after the linear map at the beginning of the suffix.
        differences: For each variable the activations of sources minus bases at the site, where it is exchanged.
        places: For each variable the slice of the batch in which it is exchanged.
        one_hot: Counterfactual labels, one-hot over the classes.
        inputs: Inputs of the bases, for suffixes that run the networks from their inputs; otherwise `None`.
        hidden: Activations of the bases at the site.
    """

    base: Float[Tensor, "problem projected batch"]
    differences: tuple[Float[Tensor, "problem width swapped"], ...]
    places: tuple[slice, ...]
    one_hot: Float[Tensor, "problem 1 class batch"]
    inputs: Float[Tensor, "problem batch ..."] | None = None
    hidden: Float[Tensor, "problem width batch"] | None = None


@dataclass(frozen=True, kw_only=True)
class BatchPlan:
    """Row indices of the interventions of several steps, for each problem.

    Args:
        base: Rows of the bases, in the cache of all networks flattened to `[network · row]`.
        sources: For each variable the rows of its sources, where it is exchanged.
        places: For each variable the slice of the batch in which it is exchanged.
        one_hot: Counterfactual labels, one-hot over the classes.
    """

    base: Int[Tensor, "step problem batch"]
    sources: tuple[Int[Tensor, "step problem _"], ...]
    places: tuple[slice, ...]
    one_hot: Float[Tensor, "step problem 1 class batch"]

    def __len__(self) -> int:
        return len(self.base)


def plan_batches(cache: Cache, interventions: Sequence[Interventions], problems: Problems, classes: int) -> BatchPlan:
    """Look up the rows of the interventions of each problem's hypothesis, in the cache of its network.

    Args:
        cache: Activations on the pool to whose rows the interventions refer.
        interventions: For each hypothesis the interventions of several steps.
        problems: Network and hypothesis of each problem, as indices.
        classes: Number of classes of the networks.
    """

    def for_problems(parts: Sequence[Int[Tensor, "step batch"]]) -> Int[Tensor, "step problem batch"]:
        return torch.stack(list(parts), 1).to(problems.hypothesis.device)[:, problems.hypothesis]

    offset = (problems.network * cache.activations.shape[1]).unsqueeze(1)
    places = interventions[0].places
    labels = for_problems([drawn.labels for drawn in interventions]).unsqueeze(2)
    one_hot = torch.zeros(
        *labels.shape[:2], classes, labels.shape[3], device=labels.device, dtype=cache.projected.dtype
    )
    return BatchPlan(
        base=for_problems([drawn.base for drawn in interventions]) + offset,
        sources=tuple(
            for_problems([drawn.sources[v][:, place] for drawn in interventions]) + offset
            for v, place in enumerate(places)
        ),
        places=places,
        one_hot=one_hot.scatter_(2, labels, 1.0).unsqueeze(2),
    )


def batches(cache: Cache, plan: BatchPlan) -> Iterator[Batch]:
    """Gather the batches of a plan, for as many steps at once as fit into `FETCHED_BYTES`.

    Args:
        cache: Activations on the pool to whose rows the plan refers.
        plan: Row indices of all steps.

    Yields:
        The batch of each step.
    """
    problems, batch = plan.base.shape[1:]
    width = (
        cache.projected.shape[2] + sum(source.shape[2] * cache.activations.shape[2] for source in plan.sources) // batch
    )
    together = max(1, FETCHED_BYTES // (problems * batch * width * cache.projected.element_size()))
    for first in range(0, len(plan), together):
        steps = slice(first, first + together)
        base = plan.base[steps]
        projected, hidden = _columns(cache.projected, base), _columns(cache.activations, base)
        differences = [
            _columns(cache.activations, source[steps]).sub_(hidden[..., place])
            for source, place in zip(plan.sources, plan.places, strict=True)
        ]
        for step in range(len(base)):
            yield Batch(
                base=projected[step],
                differences=tuple(difference[step] for difference in differences),
                places=plan.places,
                one_hot=plan.one_hot[first + step],
                inputs=None if cache.inputs is None else cache.inputs[base[step] % len(cache.inputs)],
                hidden=hidden[step],
            )


def _columns(
    table: Float[Tensor, "network row width"], index: Int[Tensor, "step problem batch"]
) -> Float[Tensor, "step problem width batch"]:
    rows = table.view(-1, table.shape[2]).index_select(0, index.flatten())
    return rows.view(*index.shape, -1).transpose(2, 3).contiguous()
