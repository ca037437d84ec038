"""Searches over neurons: which of them hold a variable, if whole neurons are all that may be exchanged.

A set of neurons is a special case of a rotation, so what is found here can be the start of one.
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
"""Sets of neurons that are tried at most; 8 of 16 make 12,870."""
SETS_AT_ONCE = 256
"""Sets that are tried at once."""
MAX_ALTERNATIONS = 5
"""How often two variables are sought in turns, each beside what the other has; it mostly ends after two."""

NeuronSets = tuple[tuple[int, ...], ...]
"""For each variable the neurons that are exchanged for it."""


@runtime_checkable
class SubsetScorer(Protocol):
    """Says how good sets of neurons are."""

    @property
    def width(self) -> int:
        """How many neurons there are."""
        ...

    def __call__(self, maps: Frames) -> Float[Tensor, " search"]:
        """The IIA of each map on interventions for learning."""
        ...


@dataclass(frozen=True)
class SingleVariableScorer:
    """Judges maps of one variable, the others being left alone.

    Args:
        judge: of all variables.
        variable: which it is.
        variables: how many there are.
    """

    scorer: SubsetScorer
    variable: int
    variables: int

    @property
    def width(self) -> int:
        return self.scorer.width

    def __call__(self, maps: Frames) -> Float[Tensor, " search"]:
        beside = (0, 0, 0, 0, self.variable, self.variables - self.variable - 1)
        return self.scorer(Frames(*(torch.nn.functional.pad(part, beside) for part in maps)))


Search = Callable[[SubsetScorer, tuple[int, ...]], NeuronSets]
"""Finds neurons for variables of these sizes."""


def check_sets(width: int, sizes: tuple[int, ...]) -> None:
    """See that all sets of neurons for one variable can be tried.

    Raises:
        SpecificationError: there are more than that.
    """
    for size in sizes:
        count = math.comb(width, size)
        if count > MAX_SETS:
            raise SpecificationError(
                f"{size} of {width} neurons can be chosen in {count:,} ways.",
                f"At most {MAX_SETS:,} are tried.",
                "Use neurons_greedy or neurons_window, or a smaller size.",
            )


def exhaustive(scorer: SubsetScorer, sizes: tuple[int, ...]) -> NeuronSets:
    """The best of all sets; for two variables the best pair of disjoint sets.

    Where there are too many pairs, each variable is sought beside what the other has, in turns, until nothing changes.

    Raises:
        SpecificationError: there are more sets for one variable than are tried.
    """
    check_sets(scorer.width, sizes)
    if math.prod(_ways(scorer.width, sizes)) <= MAX_SETS:
        return _best(scorer, list(_disjoint(range(scorer.width), sizes)))
    return _in_turns(scorer, sizes, lambda free, size: itertools.combinations(free, size))


def greedy(scorer: SubsetScorer, sizes: tuple[int, ...]) -> NeuronSets:
    """Neuron by neuron the one that helps most, for the variables in turns."""
    chosen: list[tuple[int, ...]] = [() for _ in sizes]
    for step in range(max(sizes)):
        for v, size in enumerate(sizes):
            if step < size:
                taken = set().union(*chosen)
                free = [neuron for neuron in range(scorer.width) if neuron not in taken]
                tried = [_with(chosen, v, (*chosen[v], neuron)) for neuron in free]
                chosen = list(_best(scorer, tried))
    return tuple(chosen)


def window(scorer: SubsetScorer, sizes: tuple[int, ...]) -> NeuronSets:
    """The best neighbours: for each variable neurons that lie side by side."""
    if math.prod(scorer.width - size + 1 for size in sizes) <= MAX_SETS:
        return _best(scorer, list(_side_by_side(scorer.width, sizes)))
    return _in_turns(scorer, sizes, _neighbours)


def closest(
    directions: Float[Tensor, "variable feature width"],
) -> tuple[NeuronSets, Float[Tensor, "variable feature width"]]:
    """The neurons nearest to found directions: the largest entry, row and column struck out, and so on; signs are kept.

    Args:
        directions: of a rotation, zero rows behind a size.

    Returns:
        The neurons of each variable, and the same as directions.

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
    """Neurons as directions, one-hot rows for each variable."""
    return [torch.eye(width)[list(own)] for own in neurons]


@dataclass(frozen=True, kw_only=True)
class _Tried:
    """Sets with their scores."""

    sets: Sequence[NeuronSets]
    iia: Float[Tensor, " set"]

    @property
    def best(self) -> NeuronSets:
        return self.sets[int(self.iia.argmax())]


def _best(scorer: SubsetScorer, sets: Sequence[NeuronSets]) -> NeuronSets:
    """The set with the highest IIA; of equals the first."""
    scores = [
        scorer(_maps(sets[first : first + SETS_AT_ONCE], scorer.width)) for first in range(0, len(sets), SETS_AT_ONCE)
    ]
    return _Tried(sets=sets, iia=torch.cat(scores)).best


def _maps(sets: Sequence[NeuronSets], width: int) -> Frames:
    """Sets as maps that read and write whole neurons."""
    most = max(len(own) for one in sets for own in one) or 1
    index = torch.full((len(sets), len(sets[0]), most), width)
    for place, one in enumerate(sets):
        for v, own in enumerate(one):
            index[place, v, : len(own)] = torch.tensor(own, dtype=torch.long)
    rows = torch.cat([torch.eye(width), torch.zeros(1, width)])[index]
    return Frames(read=rows, write=rows)


def _ways(width: int, sizes: Sequence[int]) -> Iterator[int]:
    """In how many ways the neurons of each variable can be chosen after those before it."""
    for size in sizes:
        yield math.comb(width, size)
        width -= size


def _disjoint(free: Iterable[int], sizes: Sequence[int]) -> Iterator[NeuronSets]:
    if not sizes:
        yield ()
        return
    neurons = tuple(free)
    for own in itertools.combinations(neurons, sizes[0]):
        for others in _disjoint([neuron for neuron in neurons if neuron not in own], sizes[1:]):
            yield (own, *others)


def _neighbours(free: Sequence[int], size: int) -> Iterator[tuple[int, ...]]:
    for first in range(len(free) - size + 1):
        own = tuple(free[first : first + size])
        if own[-1] - own[0] == size - 1:
            yield own


def _side_by_side(width: int, sizes: Sequence[int]) -> Iterator[NeuronSets]:
    for sets in itertools.product(*(_neighbours(range(width), size) for size in sizes)):
        if len(set().union(*sets)) == sum(sizes):
            yield sets


def _in_turns(
    scorer: SubsetScorer, sizes: tuple[int, ...], propose: Callable[[Sequence[int], int], Iterable[tuple[int, ...]]]
) -> NeuronSets:
    """Each variable beside what the others have, from neurons that lie in order, until nothing changes."""
    chosen: list[tuple[int, ...]] = [() for _ in sizes]
    for _ in range(MAX_ALTERNATIONS):
        before = list(chosen)
        for v, size in enumerate(sizes):
            taken = set().union(*(own for other, own in enumerate(chosen) if other != v))
            free = [neuron for neuron in range(scorer.width) if neuron not in taken]
            chosen = list(_best(scorer, [_with(chosen, v, own) for own in propose(free, size)]))
        if chosen == before:
            break
    return tuple(chosen)


def _with(chosen: Sequence[tuple[int, ...]], v: int, own: tuple[int, ...]) -> NeuronSets:
    return (*chosen[:v], own, *chosen[v + 1 :])
