"""Where the searches of some problems begin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.alignment.interchange.cache import Problems
from interlocus.core.random import derived_generator
from interlocus.featurizers import Frames, in_use
from interlocus.searches.context import SearchContext
from interlocus.searches.request import SearchKey
from interlocus.searches.starts import StartContext, discretise

Directions = tuple[Float[Tensor, "_ width"], ...]
"""Directions of each variable."""


def initialize(
    view: SearchContext,
    problems: Problems,
    search_list: Sequence[SearchKey],
    mask: Float[Tensor, "search variable feature 1"],
    found: Sequence[Sequence[Directions]],
) -> Float[Tensor, "search variable feature width"]:
    """The first directions of each search.

    Args:
        view: what starts may look at.
        problems: what each problem is about.
        lineup: the searches of each.
        mask: one up to the size of each search.
        found: for each problem what other starts found, at each size.
    """
    request, activations = view.request, view.train.activations
    directions = torch.zeros(*mask.shape[:3], activations.shape[2], dtype=mask.dtype, device=mask.device)
    row = 0
    for own, network, number in zip(found, *(axis.tolist() for axis in problems), strict=True):
        context = _start_context(view, network, number, tuple(own))
        about = view.networks[network].fingerprint(), request.site, request.hypotheses[number].name
        for size, start, restart in search_list:
            generator = derived_generator(request.seed, "start", start.name, *about, size, restart)
            features = request.features[size]
            if request.featurizer.overlapping:  # each variable takes what it likes, whatever others take
                alone = [start.directions(context.alone(v), (f,), generator) for v, f in enumerate(features)]
                blocks = tuple(block for (block,) in alone)
            else:
                blocks = start.directions(context, features, generator)
            for v, block in enumerate(blocks):
                directions[row, v, : len(block)] = block
            row += 1
    return directions


def _start_context(view: SearchContext, network: int, number: int, found: tuple[Directions, ...]) -> StartContext:
    """What a start may look at for one problem."""
    request, pool = view.request, view.data.train
    hypothesis = request.hypotheses[number]
    rows = pool.rows(hypothesis)
    values = torch.stack([discretise(pool.values[name][rows]) for name in hypothesis.variables])
    if request.shuffle:  # a start that looks at values must not know the true ones either
        values = values[
            :, torch.randperm(values.shape[1], generator=derived_generator(request.seed, "shuffled values"))
        ]
    return StartContext(
        activations=view.train.activations[network, rows],
        values=values,
        slopes=lambda count: view.slopes(network, rows, count),
        scorer=view.scorer(network, number),
        found=tuple(tuple(block.to(view.train.activations) for block in blocks) for blocks in found),
    )


def directions_in(maps: Any) -> Directions | None:
    """What each variable reads, of one search; nothing where maps are not linear, for these have no directions."""
    if not isinstance(maps, Frames):
        return None
    return tuple(rows[used] for rows, used in zip(maps.read, in_use(maps), strict=True))
