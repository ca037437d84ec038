"""The first directions of every search, as its start chooses them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.alignment.interchange.cache import Problems
from interlocus.core.random import derived_generator
from interlocus.featurizers import Frames, NonlinearMap, in_use
from interlocus.searches.context import SearchContext
from interlocus.searches.request import SearchKey
from interlocus.searches.starts import Directions, StartContext, discretise


def initialize(
    context: SearchContext,
    problems: Problems,
    search_list: Sequence[SearchKey],
    mask: Float[Tensor, "search variable feature 1"],
    previous: Sequence[Sequence[Directions]],
) -> Float[Tensor, "search variable feature width"]:
    """The first directions of each search; rows behind the size of a search are zero.

    Args:
        context: Activations and data of the request.
        problems: Network and hypothesis of each problem, as indices.
        search_list: The searches that are run for every problem.
        mask: One for every feature up to the size of the search, zero behind it.
        previous: For each problem the best directions of the previous stage, one entry per size; empty in the first
            stage.
    """
    request, activations = context.request, context.train.activations
    directions = torch.zeros(*mask.shape[:3], activations.shape[2], dtype=mask.dtype, device=mask.device)
    row = 0
    for earlier, network, number in zip(previous, *(axis.tolist() for axis in problems), strict=True):
        start_context = _start_context(context, network, number, tuple(earlier))
        key = context.networks[network].fingerprint(), request.site, request.hypotheses[number].name
        for size, start, restart in search_list:
            generator = derived_generator(request.seed, "start", start.name, *key, size, restart)
            features = request.features[size]
            if request.featurizer.overlapping:  # variables may share directions, so each is initialised by itself
                alone = [start.directions(start_context.alone(v), (f,), generator) for v, f in enumerate(features)]
                blocks = tuple(block for (block,) in alone)
            else:
                blocks = start.directions(start_context, features, generator)
            for v, block in enumerate(blocks):
                directions[row, v, : len(block)] = block
            row += 1
    return directions


def _start_context(context: SearchContext, network: int, number: int, previous: tuple[Directions, ...]) -> StartContext:
    """The data that a start may use for one problem."""
    request, pool = context.request, context.data.train
    hypothesis = request.hypotheses[number]
    rows = pool.rows(hypothesis)
    values = torch.stack([discretise(pool.values[name][rows]) for name in hypothesis.variables])
    if request.shuffle:  # a start that uses the values must not see the true ones either
        generator = derived_generator(request.seed, "shuffled values")
        values = values[:, torch.randperm(values.shape[1], generator=generator)]
    activations = context.train.activations
    return StartContext(
        activations=activations[network, rows],
        values=values,
        logit_gradients=lambda count: context.logit_gradients(network, rows, count),
        scorer=context.scorer(network, number),
        known=tuple(block.to(activations) for block in request.known[network]) if request.known else (),
        previous=tuple(tuple(block.to(activations) for block in blocks) for blocks in previous),
    )


def directions_in(maps: Frames | NonlinearMap) -> Directions | None:
    """The directions that each variable reads, in the maps of one search; `None` for maps that are not linear."""
    if not isinstance(maps, Frames):
        return None
    return tuple(rows[used] for rows, used in zip(maps.read, in_use(maps), strict=True))
