"""Repeated measurements, taken in turns so that a change in the machine's speed affects all alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Several measurements of one quantity.

    Args:
        values: The measurements, in order.
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
        """Quotients, turn by turn if both have equally many values, otherwise of every pair."""
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
        what: What is measured.
        unit: Unit of `ours` and `theirs`.
        ours: Measurements of this package.
        theirs: Measurements of pyvene; `None` where it is not installed or does not reach the goal.
        faster: Whether the `lower` or the `higher` value is better.
        note: How to read the numbers.
    """

    what: str
    unit: str
    ours: Sample
    theirs: Sample | None
    faster: str = "lower"
    note: str = ""

    @property
    def ratio(self) -> Sample | None:
        """Factor by which ours is better."""
        if self.theirs is None:
            return None
        return self.theirs.over(self.ours) if self.faster == "lower" else self.ours.over(self.theirs)


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock seconds that some work takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def in_turns(measurements: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, Sample]:
    """Take each measurement once as a warm-up, then all of them in turns."""
    for measure in measurements.values():
        measure()
    turns = [{name: measure() for name, measure in measurements.items()} for _ in range(repeats)]
    return {name: Sample(values=tuple(turn[name] for turn in turns)) for name in measurements}
