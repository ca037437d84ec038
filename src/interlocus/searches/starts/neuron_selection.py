"""Searches for the best set of whole neurons for each variable.

A set of neurons is a special case of a rotation, so the result can be the start of another featurizer.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.core.errors import SpecificationError
from interlocus.featurizers import Frames

MAX_SETS = 20_000
"""Maximal number of sets of neurons that are tried; 8 of 16 neurons give 12,870."""
SETS_AT_ONCE = 256
"""Sets that are scored at once."""
MAX_ALTERNATIONS = 5
"""Maximal number of rounds in which the variables are searched in turn; mostly two rounds suffice."""

NeuronSets = tuple[tuple[int, ...], ...]
"""For each variable the indices of its neurons."""


@runtime_checkable
class SubsetScorer(Protocol):
    """Scores maps of one network on interventions for training."""

    @property
    def width(self) -> int:
        """Number of neurons of the site."""
        ...

    def __call__(self, maps: Frames) -> Float[Tensor, " search"]:
        """The IIA of each map, from 0 to 1."""
        ...


@dataclass(frozen=True)
class SingleVariableScorer:
    """Scores maps of one variable, while the other variables are not exchanged.

    Args:
        scorer: Scores maps of all variables together.
        variable: Index of the variable, from 0.
        variables: Number of all variables.
    """

    scorer: SubsetScorer
    variable: int
    variables: int

    @property
    def width(self) -> int:
        return self.scorer.width

    def __call__(self, maps: Frames) -> Float[Tensor, " search"]:
        padding = (0, 0, 0, 0, self.variable, self.variables - self.variable - 1)
        return self.scorer(Frames(*(torch.nn.functional.pad(part, padding) for part in maps)))


NeuronSearch = Callable[[SubsetScorer, tuple[int, ...]], NeuronSets]
"""Returns a set of neurons for each variable, given a scorer and the size of each set."""


def check_set_count(width: int, sizes: tuple[int, ...]) -> None:
    """Check that all sets of neurons of one variable can be tried.

    Args:
        width: Number of neurons of the site.
        sizes: Number of neurons of each variable.

    Raises:
        SpecificationError: there are more than `MAX_SETS` of them.
    """
    for size in sizes:
        count = math.comb(width, size)
        if count > MAX_SETS:
            raise SpecificationError(
                f"There are {count:,} ways to choose {size} of {width} neurons.",
                f"The start neurons_exhaustive tries at most {MAX_SETS:,}.",
                "Use neurons_greedy or neurons_window, or a smaller size.",
            )


def exhaustive(scorer: SubsetScorer, sizes: tuple[int, ...]) -> NeuronSets:
    """The best of all combinations of disjoint sets.

    If there are more than `MAX_SETS` combinations, the variables are searched in turn, each beside the current sets of
    the others, until nothing changes.

    Args:
        scorer: Scores a batch of sets.
        sizes: Number of neurons of each variable.

    Raises:
        SpecificationError: one variable alone has more than `MAX_SETS` sets.
    """
    check_set_count(scorer.width, sizes)
    if math.prod(_set_counts(scorer.width, sizes)) <= MAX_SETS:
        return _best(scorer, list(_disjoint_sets(range(scorer.width), sizes)))
    return _in_turn(scorer, sizes, lambda free, size: itertools.combinations(free, size))


def greedy(scorer: SubsetScorer, sizes: tuple[int, ...]) -> NeuronSets:
    """Add the neuron that raises the IIA most, for the variables in turn, until every set has its size.

    Args:
        scorer: Scores a batch of sets.
        sizes: Number of neurons of each variable.
    """
    chosen: list[tuple[int, ...]] = [() for _ in sizes]
    for step in range(max(sizes)):
        for v, size in enumerate(sizes):
            if step < size:
                taken = set().union(*chosen)
                free = [neuron for neuron in range(scorer.width) if neuron not in taken]
                candidates = [_replaced(chosen, v, (*chosen[v], neuron)) for neuron in free]
                chosen = list(_best(scorer, candidates))
    return tuple(chosen)


def window(scorer: SubsetScorer, sizes: tuple[int, ...]) -> NeuronSets:
    """The best sets of neighbouring neurons.

    Args:
        scorer: Scores a batch of sets.
        sizes: Number of neurons of each variable.
    """
    if math.prod(scorer.width - size + 1 for size in sizes) <= MAX_SETS:
        return _best(scorer, list(_disjoint_windows(scorer.width, sizes)))
    return _in_turn(scorer, sizes, _windows)


def closest(
    directions: Float[Tensor, "variable feature width"],
) -> tuple[NeuronSets, Float[Tensor, "variable feature width"]]:
    """The neurons closest to given directions.

    The largest absolute entry assigns its neuron to its direction, then row and column are removed, and so on.

    Args:
        directions: Orthonormal rows, and rows of zeros behind the size of a variable.

    Returns:
        The neurons of each variable, and the same neurons as directions with the signs of the entries.

    Source: localist alignment, arXiv 2303.02536, section 4.
    """
    left = directions.abs().flatten(0, 1).clone()
    result = torch.zeros_like(directions).flatten(0, 1)
    for _ in range(int((left.amax(1) > 0).sum())):
        row, column = divmod(int(left.argmax()), left.shape[1])
        result[row, column] = directions.flatten(0, 1)[row, column].sign()
        left[row, :] = left[:, column] = -1
    shaped = result.view_as(directions)
    return tuple(tuple(rows.nonzero()[:, 1].tolist()) for rows in shaped), shaped


def directions_of(neurons: NeuronSets, width: int) -> list[Float[Tensor, "_ width"]]:
    """One-hot rows for the neurons of each variable.

    Args:
        neurons: Indices below `width`, for each variable.
        width: Number of neurons of the site.
    """
    return [torch.eye(width)[list(neuron_set)] for neuron_set in neurons]


def _best(scorer: SubsetScorer, sets: Sequence[NeuronSets]) -> NeuronSets:
    """The sets with the highest IIA; the first ones if several are equal."""
    scores = [
        scorer(_maps(sets[first : first + SETS_AT_ONCE], scorer.width)) for first in range(0, len(sets), SETS_AT_ONCE)
    ]
    return sets[int(torch.cat(scores).argmax())]


def _maps(sets: Sequence[NeuronSets], width: int) -> Frames:
    """Maps that read and write whole neurons."""
    most = max(len(neurons) for by_variable in sets for neurons in by_variable) or 1
    index = torch.full((len(sets), len(sets[0]), most), width)
    for search, by_variable in enumerate(sets):
        for v, neurons in enumerate(by_variable):
            index[search, v, : len(neurons)] = torch.tensor(neurons, dtype=torch.long)
    rows = torch.cat([torch.eye(width), torch.zeros(1, width)])[index]
    return Frames(read=rows, write=rows)


def _set_counts(width: int, sizes: Sequence[int]) -> Iterator[int]:
    """For each variable the number of sets that are disjoint from those of the variables before it."""
    for size in sizes:
        yield math.comb(width, size)
        width -= size


def _disjoint_sets(free: Iterable[int], sizes: Sequence[int]) -> Iterator[NeuronSets]:
    if not sizes:
        yield ()
        return
    neurons = tuple(free)
    for chosen in itertools.combinations(neurons, sizes[0]):
        for others in _disjoint_sets([neuron for neuron in neurons if neuron not in chosen], sizes[1:]):
            yield (chosen, *others)


def _windows(free: Sequence[int], size: int) -> Iterator[tuple[int, ...]]:
    """The sets of neighbouring neurons among those that are free, in increasing order."""
    for first in range(len(free) - size + 1):
        neurons = tuple(free[first : first + size])
        if neurons[-1] - neurons[0] == size - 1:
            yield neurons


def _disjoint_windows(width: int, sizes: Sequence[int]) -> Iterator[NeuronSets]:
    for sets in itertools.product(*(_windows(range(width), size) for size in sizes)):
        if len(set().union(*sets)) == sum(sizes):
            yield sets


def _in_turn(
    scorer: SubsetScorer, sizes: tuple[int, ...], propose: Callable[[Sequence[int], int], Iterable[tuple[int, ...]]]
) -> NeuronSets:
    """Search the variables in turn, each beside the current sets of the others, until nothing changes."""
    chosen: list[tuple[int, ...]] = [() for _ in sizes]
    for _ in range(MAX_ALTERNATIONS):
        before = list(chosen)
        for v, size in enumerate(sizes):
            taken = set().union(*(neurons for other, neurons in enumerate(chosen) if other != v))
            free = [neuron for neuron in range(scorer.width) if neuron not in taken]
            chosen = list(_best(scorer, [_replaced(chosen, v, neurons) for neurons in propose(free, size)]))
        if chosen == before:
            break
    return tuple(chosen)


def _replaced(chosen: Sequence[tuple[int, ...]], v: int, neurons: tuple[int, ...]) -> NeuronSets:
    """The sets with another set for variable `v`."""
    return (*chosen[:v], neurons, *chosen[v + 1 :])
