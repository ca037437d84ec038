"""Chunks: searches that are trained at once, each with the state of its optimiser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interlocus.alignment.interchange.cache import Batch, Problems
from interlocus.alignment.interchange.linear import Interchange
from interlocus.alignment.interchange.losses import AbstractLoss, gradient
from interlocus.alignment.interchange.nonlinear import AnyInterchange, NonlinearInterchange
from interlocus.core.linalg import Adam, BufferPool
from interlocus.featurizers import AbstractFeaturizer
from interlocus.networks import AbstractSuffix

RETIRED_BEFORE_SPLIT = 10
"""A chunk may carry this many stopped searches: more of them would cost more time than another chunk."""


@dataclass(frozen=True, kw_only=True)
class SearchBatch:
    """All searches that start together. The axis `search` runs over `[problem, search of the problem]`, flattened.

    Args:
        problems: Network and hypothesis of each problem, as indices.
        suffix: The part of the networks behind the site.
        mask: One for every feature up to the size of the search, zero behind it.
        buffers: Memory that the chunks share.
        exchange: The class of interchange that fits the featurizer's maps.
    """

    problems: Problems
    suffix: AbstractSuffix
    mask: Float[Tensor, "search variable feature 1"]
    buffers: BufferPool
    exchange: type[Interchange] | type[NonlinearInterchange] = Interchange


class State:
    """The current parameters of all searches of a batch, and the state of their optimiser.

    Args:
        parameters: Parameters of the featurizer at the beginning of a phase; they are copied.
    """

    def __init__(self, parameters: Float[Tensor, " search *shape"]) -> None:
        self.parameters, self._adam = parameters.clone(), Adam.begin(parameters)

    def cut(self, batch: SearchBatch, rows: Int[Tensor, "problem each"]) -> Chunk:
        """Copy some searches into a chunk.

        Args:
            batch: The searches to which this state belongs.
            rows: Indices into the axis `search`, equally many for each problem of the chunk.
        """
        adam, flat = self._adam, rows.flatten()
        return Chunk(batch, rows, self.parameters[flat], Adam(adam.mean[flat], adam.square[flat], adam.count))

    def put(self, chunk: Chunk) -> None:
        """Write the parameters and the optimiser state of a chunk back."""
        self.parameters[chunk.rows] = chunk.parameters
        self._adam.mean[chunk.rows], self._adam.square[chunk.rows] = chunk.adam.mean, chunk.adam.square

    def count(self, steps: int) -> None:
        """Add to the number of optimiser steps, which all chunks have in common."""
        self._adam.count += steps


class Chunk:
    """Searches that are trained together. The loss is a sum over searches, so Adam is exact for each of them.

    Args:
        batch: The batch from which the searches come.
        rows: Indices into the axis `search` of the batch, equally many for each problem of the chunk.
        parameters: Parameters of the searches, in the order of `rows`.
        adam: State of the optimiser; by default that of the first step.
    """

    def __init__(
        self,
        batch: SearchBatch,
        rows: Int[Tensor, "problem each"],
        parameters: Float[Tensor, " row *shape"],
        adam: Adam | None = None,
    ) -> None:
        problem = rows[:, 0] // (len(batch.mask) // len(batch.problems.network))
        self.rows = rows.flatten()
        self.problems = Problems(*(axis[problem.to(axis.device)] for axis in batch.problems))
        network = self.problems.network.repeat_interleave(rows.shape[1])
        projection = batch.suffix.input_projection
        self.interchange: AnyInterchange = batch.exchange(
            input_projection=None if projection is None else projection[self.problems.network],
            body=batch.suffix.body(network),
            buffers=batch.buffers,
        )
        self.mask, self.parameters = batch.mask[self.rows], parameters
        self.adam = adam or Adam.begin(parameters)

    def frames(self, featurizer: AbstractFeaturizer) -> Any:
        """The maps for the current parameters, in the form that `interchange` takes."""
        return featurizer.forward(self.parameters, self.mask)[0]

    def step(
        self,
        featurizer: AbstractFeaturizer,
        loss: AbstractLoss,
        batch: Batch,
        rate: float,
        *,
        softness: float = 0.0,
        temperature: float = 1.0,
        extra_gradient: Callable[[Any], Any] | None = None,
    ) -> None:
        """Make one step of Adam for every search.

        Args:
            featurizer: The featurizer that is fitted.
            loss: Loss of the logits after the interchange.
            batch: One batch of interventions for each problem.
            rate: Learning rate of this step.
            softness: From 1 (choices of features are soft) to 0 (they are hard).
            temperature: Divisor of the logits, above 0.
            extra_gradient: Returns the gradient of another loss with respect to the maps; `None` for no such loss.
        """
        frames, saved = featurizer.forward(self.parameters, self.mask, softness)
        state: Any
        logits, state = self.interchange.forward(frames, batch)
        logit_gradient = gradient(loss, logits, batch.one_hot, self.interchange.buffers, temperature)
        map_gradient = self.interchange.backward(frames, batch, state, logit_gradient)
        if extra_gradient is not None:
            map_gradient = type(map_gradient)(*map(torch.add, map_gradient, extra_gradient(frames)))
        self.adam.step(self.parameters, featurizer.backward(self.parameters, saved, map_gradient), rate)
        self.parameters = featurizer.constrain(self.parameters)


def pack_chunks(alive: Bool[Tensor, "problem search"], most: int) -> Iterator[Int[Tensor, "chosen each"]]:
    """Divide the searches that continue into chunks, each a rectangle of problems and searches.

    A chunk has equally many searches for every problem, so problems with similar numbers of searches are put together.
    Where a problem has fewer than the others, stopped searches fill the rectangle; their results are ignored.

    Args:
        alive: True where a search continues.
        most: Maximal number of searches in a chunk. A chunk with a single problem may be larger.

    Yields:
        Indices into the flattened axes of `alive`, one row for each problem of the chunk.
    """
    counts, each = alive.sum(1).tolist(), alive.shape[1]
    # the searches of each problem that continue come first, in their order
    order = (~alive).int().argsort(dim=1, stable=True) + each * torch.arange(len(alive)).unsqueeze(1)
    chosen: list[int] = []
    filler = 0
    for problem in sorted((p for p, count in enumerate(counts) if count), key=lambda p: -counts[p]):
        longest = counts[chosen[0]] if chosen else counts[problem]
        missing = longest - counts[problem]
        if chosen and ((len(chosen) + 1) * longest > most or filler + missing > RETIRED_BEFORE_SPLIT):
            yield order[chosen, :longest]
            chosen, filler, missing = [], 0, 0
        chosen.append(problem)
        filler += missing
    if chosen:
        yield order[chosen, : counts[chosen[0]]]
