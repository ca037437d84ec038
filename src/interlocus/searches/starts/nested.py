"""From what was found at another size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.featurizers import Frames
from interlocus.searches.starts._base import AbstractStart, StartContext, orthonormal_rows
from interlocus.searches.starts.covariance import telling_directions

WIDE_FOR_GROWTH = 1024
"""In wider sites what is added is drawn at random."""
PRUNED_ONE_BY_ONE = 64
"""Of more directions than these, and than are wanted, the least telling go at once."""

Directions = tuple[Float[Tensor, "_ width"], ...]
"""Directions of each variable."""


class Nested(AbstractStart):
    """The nearest smaller subspace that was found, grown, or the nearest larger one, pruned, whichever is better.

    It begins when the other starts have ended, with the best by validation of each size; better is what does better on
    interventions for learning. A variable grows by the directions, orthogonal to all that were found, in which
    activations vary least: to exchange them too changes a state least, so nothing is lost and there is room to turn. It
    is pruned one direction after the other, each time the one that is missed least; the candidates are the most telling
    directions within the subspace (see `covariance`), since a found basis may be turned in itself as one likes.
    Where nothing was found at another size it grows from nothing, which is a random start.
    """

    follows = True

    @property
    def name(self) -> str:
        return "nested"

    def directions(self, context: StartContext, sizes: tuple[int, ...], generator: torch.Generator) -> Directions:
        tried = [
            _grown(context, _pruned(context, orthonormal_rows(list(blocks), generator), sizes), sizes, generator)
            for blocks in _nearest(context.found, sizes)
        ]
        if not tried:
            nothing = tuple(context.activations.new_zeros(0, context.activations.shape[1]) for _ in sizes)
            return _filled(nothing, sizes, generator)
        return tried[_best(context, tried)]


def _nearest(found: Sequence[Directions], sizes: tuple[int, ...]) -> list[Directions]:
    """The largest that is smaller, and the smallest that is not."""
    other = [blocks for blocks in found if _counts(blocks) not in (sizes, (0,) * len(sizes))]
    below = [blocks for blocks in other if sum(_counts(blocks)) < sum(sizes)]
    above = [blocks for blocks in other if sum(_counts(blocks)) >= sum(sizes)]
    nearest = [max(below, key=lambda blocks: sum(_counts(blocks)))] if below else []
    return nearest + ([min(above, key=lambda blocks: sum(_counts(blocks)))] if above else [])


def _counts(blocks: Directions) -> tuple[int, ...]:
    return tuple(len(block) for block in blocks)


def _pruned(context: StartContext, blocks: Directions, sizes: tuple[int, ...]) -> Directions:
    """No variable has more directions than it should."""
    chosen = tuple(
        _telling_first(context.alone(v), block)[: max(size, PRUNED_ONE_BY_ONE)] if len(block) > size else block
        for v, (block, size) in enumerate(zip(blocks, sizes, strict=True))
    )
    while True:
        tried = [
            (*chosen[:v], torch.cat([block[:row], block[row + 1 :]]), *chosen[v + 1 :])
            for v, (block, size) in enumerate(zip(chosen, sizes, strict=True))
            if len(block) > size
            for row in reversed(range(len(block)))
        ]
        if not tried:
            return chosen
        chosen = tried[_best(context, tried)]


def _telling_first(context: StartContext, block: Float[Tensor, "feature width"]) -> Float[Tensor, "feature width"]:
    """The same subspace in a basis of its own: the direction first that tells the values of its variable best."""
    inside = replace(context, activations=context.activations @ block.T, scorer=None, found=())
    telling = torch.from_numpy(telling_directions(inside.moments[0], len(block)))
    every = torch.cat([telling.reshape(len(telling), len(block)), torch.eye(len(block), dtype=torch.float64)])
    turn = torch.linalg.qr(every.T).Q.T
    return turn.to(block) @ block


def _grown(context: StartContext, blocks: Directions, sizes: tuple[int, ...], generator: torch.Generator) -> Directions:
    """Each variable has as many directions as it should, in addition those in which least happens."""
    missing = [size - len(block) for block, size in zip(blocks, sizes, strict=True)]
    if not any(missing):
        return blocks
    if context.activations.shape[1] > WIDE_FOR_GROWTH:
        return _filled(blocks, sizes, generator)
    quiet = _quiet(context.activations, torch.cat(blocks)).to(blocks[0])
    added = quiet[: sum(missing)].split(missing)
    return _filled(tuple(torch.cat(pair) for pair in zip(blocks, added, strict=True)), sizes, generator)


def _quiet(activations: Float[Tensor, "row width"], taken: Float[Tensor, "_ width"]) -> Float[Tensor, "_ width"]:
    """Orthonormal directions outside of those that are taken, from the smallest variance up."""
    basis = torch.linalg.qr(taken.double().cpu().T, mode="complete").Q
    outside = basis[:, len(taken) :]
    covariance = activations.double().cpu().T.cov()
    return (outside @ torch.linalg.eigh(outside.T @ covariance @ outside).eigenvectors).T


def _filled(blocks: Directions, sizes: tuple[int, ...], generator: torch.Generator) -> Directions:
    """Orthonormal directions, drawn at random where some are missing."""
    full = []
    for block, size in zip(blocks, sizes, strict=True):
        drawn = torch.randn(size - len(block), block.shape[1], generator=generator)
        full.append(torch.cat([block, drawn.to(block)]))
    return orthonormal_rows(full, generator)


def _best(context: StartContext, tried: Sequence[Directions]) -> int:
    """Which does best on interventions for learning; of equals the first."""
    if len(tried) == 1 or context.scorer is None:
        return 0
    variables, width = len(tried[0]), context.activations.shape[1]
    rows = torch.zeros(len(tried), variables, max(len(block) for one in tried for block in one), width)
    for place, blocks in enumerate(tried):
        for v, block in enumerate(blocks):
            rows[place, v, : len(block)] = block
    return int(context.scorer(Frames(read=rows, write=rows)).argmax())
