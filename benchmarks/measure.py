"""Repeated measurements, taken in turns so that a machine that slows down slows all alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Several measurements of one quantity.

    Args:
        values: in the order in which they were taken.
    """

    values: tuple[float, ...]

    @property
    def middle(self) -> float:
        """The median."""
        return median(self.values)

    def scaled(self, factor: float) -> Sample:
        """Every value times a factor."""
        return Sample(values=tuple(value * factor for value in self.values))

    def over(self, other: Sample) -> Sample:
        """Quotients, turn by turn where there were equally many turns, else of every pair."""
        if len(self.values) == len(other.values):
            return Sample(values=tuple(a / b for a, b in zip(self.values, other.values, strict=True)))
        return Sample(values=tuple(a / b for a in self.values for b in other.values))

    def plus(self, other: Sample) -> Sample:
        """Sums, turn by turn."""
        return Sample(values=tuple(a + b for a, b in zip(self.values, other.values, strict=True)))


@dataclass(frozen=True, kw_only=True)
class Line:
    """One comparison.

    Args:
        what: is measured.
        unit: of `ours` and `theirs`.
        ours: this package.
        theirs: pyvene; nothing where it is not installed or does not get there.
        faster: which of two values is the better one.
        note: what has to be known to read the numbers.
    """

    what: str
    unit: str
    ours: Sample
    theirs: Sample | None
    faster: str = "lower"
    note: str = ""

    @property
    def ratio(self) -> Sample | None:
        """How many times better ours is."""
        if self.theirs is None:
            return None
        return self.theirs.over(self.ours) if self.faster == "lower" else self.ours.over(self.theirs)


def seconds(work: Callable[[], object]) -> float:
    """How long some work takes, by the clock."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def in_turns(measurements: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, Sample]:
    """Take each measurement once to warm up, then all in turns."""
    for measure in measurements.values():
        measure()
    turns = [{name: measure() for name, measure in measurements.items()} for _ in range(repeats)]
    return {name: Sample(values=tuple(turn[name] for turn in turns)) for name in measurements}
