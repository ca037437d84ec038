"""Start from the best subspaces of other sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.featurizers import Frames
from interlocus.searches.starts._base import AbstractStart, Directions, StartContext, orthonormal_rows
from interlocus.searches.starts.covariance import contrast_directions

WIDE_FOR_GROWTH = 1024
"""In wider sites the added directions are random."""
PRUNED_ONE_BY_ONE = 64
"""A larger subspace is first cut to this many directions, those with the largest contrast, or to its size."""


class Nested(AbstractStart):
    """The nearest smaller subspace, grown, or the nearest larger one, pruned, whichever has the higher IIA.

    It runs after the other starts have stopped and uses their best maps of each size. Candidates are compared on
    interventions for training. A variable grows by those directions, orthogonal to all present ones, in which the
    activations vary least: exchanging them changes a state least. A variable is pruned one direction at a time, the
    least important first; the candidates are the directions within the subspace with the largest contrast (see
    `covariance`), since the basis of a subspace is arbitrary. If there is no subspace of another size, the directions
    are random.
    """

    name = "nested"
    follows = True

    def directions(self, context: StartContext, sizes: tuple[int, ...], generator: torch.Generator) -> Directions:
        candidates = [
            _grow(context, _prune(context, orthonormal_rows(blocks, generator), sizes), sizes, generator)
            for blocks in _nearest_sizes(context.previous, sizes)
        ]
        if not candidates:
            nothing = tuple(context.activations.new_zeros(0, context.activations.shape[1]) for _ in sizes)
            return _add_random(nothing, sizes, generator)
        return candidates[_best_index(context, candidates)]


def _nearest_sizes(previous: Sequence[Directions], sizes: tuple[int, ...]) -> list[Directions]:
    """The largest subspaces with fewer directions in all, and the smallest with as many or more."""
    others = [blocks for blocks in previous if _counts(blocks) not in (sizes, (0,) * len(sizes))]
    smaller = [blocks for blocks in others if sum(_counts(blocks)) < sum(sizes)]
    larger = [blocks for blocks in others if sum(_counts(blocks)) >= sum(sizes)]
    nearest = [max(smaller, key=lambda blocks: sum(_counts(blocks)))] if smaller else []
    return nearest + ([min(larger, key=lambda blocks: sum(_counts(blocks)))] if larger else [])


def _counts(blocks: Directions) -> tuple[int, ...]:
    return tuple(len(block) for block in blocks)


def _prune(context: StartContext, blocks: Directions, sizes: tuple[int, ...]) -> Directions:
    """Remove directions until no variable has more than its size."""
    chosen = tuple(
        _by_contrast(context.alone(v), block)[: max(size, PRUNED_ONE_BY_ONE)] if len(block) > size else block
        for v, (block, size) in enumerate(zip(blocks, sizes, strict=True))
    )
    while True:
        candidates = [
            (*chosen[:v], torch.cat([block[:row], block[row + 1 :]]), *chosen[v + 1 :])
            for v, (block, size) in enumerate(zip(chosen, sizes, strict=True))
            if len(block) > size
            for row in reversed(range(len(block)))
        ]
        if not candidates:
            return chosen
        chosen = candidates[_best_index(context, candidates)]


def _by_contrast(context: StartContext, block: Float[Tensor, "feature width"]) -> Float[Tensor, "feature width"]:
    """Another basis of the same subspace, in which the direction with the largest contrast comes first."""
    inside = replace(context, activations=context.activations @ block.T, scorer=None, previous=())
    first = torch.from_numpy(contrast_directions(inside.moments[0], len(block)))
    every = torch.cat([first.reshape(len(first), len(block)), torch.eye(len(block), dtype=torch.float64)])
    turn = torch.linalg.qr(every.T).Q.T
    return turn.to(block) @ block


def _grow(context: StartContext, blocks: Directions, sizes: tuple[int, ...], generator: torch.Generator) -> Directions:
    """Add the directions of least variance until every variable has its size."""
    missing = [size - len(block) for block, size in zip(blocks, sizes, strict=True)]
    if not any(missing):
        return blocks
    if context.activations.shape[1] > WIDE_FOR_GROWTH:
        return _add_random(blocks, sizes, generator)
    least = _least_varying(context.activations, torch.cat(blocks)).to(blocks[0])
    added = least[: sum(missing)].split(missing)
    return _add_random(tuple(torch.cat(pair) for pair in zip(blocks, added, strict=True)), sizes, generator)


def _least_varying(
    activations: Float[Tensor, "row width"], taken: Float[Tensor, "_ width"]
) -> Float[Tensor, "_ width"]:
    """Orthonormal directions orthogonal to those that are taken, smallest variance first."""
    basis = torch.linalg.qr(taken.double().cpu().T, mode="complete").Q
    outside = basis[:, len(taken) :]
    covariance = activations.double().cpu().T.cov()
    return (outside @ torch.linalg.eigh(outside.T @ covariance @ outside).eigenvectors).T


def _add_random(blocks: Directions, sizes: tuple[int, ...], generator: torch.Generator) -> Directions:
    """Orthonormal directions; missing ones are random."""
    full = []
    for block, size in zip(blocks, sizes, strict=True):
        drawn = torch.randn(size - len(block), block.shape[1], generator=generator)
        full.append(torch.cat([block, drawn.to(block)]))
    return orthonormal_rows(full, generator)


def _best_index(context: StartContext, candidates: Sequence[Directions]) -> int:
    """Index of the candidate with the highest IIA on interventions for training; the first if several are equal."""
    if len(candidates) == 1 or context.scorer is None:
        return 0
    variables, width = len(candidates[0]), context.activations.shape[1]
    longest = max(len(block) for blocks in candidates for block in blocks)
    rows = torch.zeros(len(candidates), variables, longest, width)
    for index, blocks in enumerate(candidates):
        for v, block in enumerate(blocks):
            rows[index, v, : len(block)] = block
    return int(context.scorer(Frames(read=rows, write=rows)).argmax())
