"""Searches that are trained at once, with the state of their optimiser."""

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
"""So many retired searches cost as much time as a further stack does; with more of them a stack is parted."""


@dataclass(frozen=True, kw_only=True)
class SearchBatch:
    """Searches that begin together, from which stacks are cut; axes `[problem, search]` are flattened in this order.

    Args:
        problems: what each problem is about.
        suffix: The part of the networks after the site.
        mask: one up to the size of each search.
        workspace: the buffers.
        exchange: the way through maps to logits.
    """

    problems: Problems
    suffix: AbstractSuffix
    mask: Float[Tensor, "search variable feature 1"]
    buffers: BufferPool
    exchange: type[Interchange] | type[NonlinearInterchange] = Interchange


class State:
    """How far the searches of a lot are: their parameters, and what the optimiser knows of each.

    Args:
        parameters: from which they go on.
    """

    def __init__(self, parameters: Float[Tensor, " search *shape"]) -> None:
        self.parameters, self._adam = parameters.clone(), Adam.begin(parameters)

    def cut(self, lot: SearchBatch, rows: Int[Tensor, "problem each"]) -> Stack:
        """Some searches, to be moved on: equally many of each problem, as their places in the lot."""
        of, flat = self._adam, rows.flatten()
        return Stack(lot, rows, self.parameters[flat], Adam(of.mean[flat], of.square[flat], of.count))

    def put(self, stack: Stack) -> None:
        """Note how far the searches of a stack are."""
        self.parameters[stack.rows] = stack.parameters
        self._adam.mean[stack.rows], self._adam.square[stack.rows] = stack.adam.mean, stack.adam.square

    def count(self, steps: int) -> None:
        """All stacks have made so many steps."""
        self._adam.count += steps


class Stack:
    """Searches that are under way. Losses add up over searches, so Adam is exact for each.

    Args:
        lot: from which the stack is cut.
        rows: which searches, equally many of each of some problems.
        parameters: theirs.
        adam: what the optimiser knows of them; by default nothing.
    """

    def __init__(
        self,
        lot: SearchBatch,
        rows: Int[Tensor, "problem each"],
        parameters: Float[Tensor, " row *shape"],
        adam: Adam | None = None,
    ) -> None:
        problem = rows[:, 0] // (len(lot.mask) // len(lot.problems.network))
        self.rows = rows.flatten()
        self.problems = Problems(*(axis[problem.to(axis.device)] for axis in lot.problems))
        network = self.problems.network.repeat_interleave(rows.shape[1])
        projection = lot.suffix.input_projection
        self.interchange: AnyInterchange = lot.exchange(
            input_projection=None if projection is None else projection[self.problems.network],
            body=lot.suffix.body(network),
            buffers=lot.buffers,
        )
        self.mask, self.parameters = lot.mask[self.rows], parameters
        self.adam = adam or Adam.begin(parameters)

    def frames(self, featurizer: AbstractFeaturizer) -> Any:
        """The maps as they stand."""
        return featurizer.forward(self.parameters, self.mask)[0]

    def step(
        self,
        featurizer: AbstractFeaturizer,
        loss: AbstractLoss,
        batch: Batch,
        rate: float,
        *,
        heat: float = 0.0,
        temperature: float = 1.0,
        beside: Callable[[Any], Any] | None = None,
    ) -> None:
        """One step of Adam on every search by itself.

        Args:
            featurizer: the class of maps.
            loss: of the logits.
            batch: the interventions.
            rate: the learning rate.
            heat: how softly maps are chosen.
            temperature: by which logits are divided.
            beside: the gradient of a further loss with respect to the maps.
        """
        frames, saved = featurizer.forward(self.parameters, self.mask, heat)
        way: Any
        logits, way = self.interchange.forward(frames, batch)
        slope = gradient(loss, logits, batch.one_hot, self.interchange.buffers, temperature)
        wanted = self.interchange.backward(frames, batch, way, slope)
        if beside is not None:
            wanted = type(wanted)(*map(torch.add, wanted, beside(frames)))
        self.adam.step(self.parameters, featurizer.backward(self.parameters, saved, wanted), rate)
        self.parameters = featurizer.constrain(self.parameters)


def rectangles(alive: Bool[Tensor, "problem search"], most: int) -> Iterator[Int[Tensor, "kept each"]]:
    """The places of all searches under way, as stacks of at most so many, or one problem more than that allows.

    In a stack every problem has equally many searches. Problems with about equally many under way stand together, and
    where one has fewer than another, retired ones fill the rectangle up; nobody looks at them again.

    Args:
        alive: which searches are under way.
        most: how many a stack may have.
    """
    counts, each = alive.sum(1).tolist(), alive.shape[1]
    # those under way first, of every problem, in their order
    order = (~alive).int().argsort(dim=1, stable=True) + each * torch.arange(len(alive)).unsqueeze(1)
    together: list[int] = []
    idle = 0
    for problem in sorted((p for p, count in enumerate(counts) if count), key=lambda p: -counts[p]):
        longest = counts[together[0]] if together else counts[problem]
        missing = longest - counts[problem]
        if together and ((len(together) + 1) * longest > most or idle + missing > RETIRED_BEFORE_SPLIT):
            yield order[together, :longest]
            together, idle, missing = [], 0, 0
        together.append(problem)
        idle += missing
    if together:
        yield order[together, : counts[together[0]]]
