"""The cost of a step against the number of searches, batch, width, size and number of examples."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median

from benchmarks.measure import seconds
from benchmarks.ours import Shape, Stepper

TURNS = 5
STRAIGHT = 0.75
"""A part of a curve counts as straight if its slope is at least this share of the final slope."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One quantity that is varied.

    Args:
        name: Its label.
        why: Why the curve bends.
        points: Its values, ascending.
        shape: The shape of a step at a value.
    """

    name: str
    why: str
    points: tuple[int, ...]
    shape: Callable[[int], Shape]


WIDE = Shape(searches=4, batch=256, width=512, examples=4096)
AXES = (
    Axis(
        name="searches",
        why="with few searches the fixed cost of calls dominates; very many do not fit into the cache, which is why "
        "the engine solves in blocks",
        points=(1, 4, 16, 64, 256, 1024, 4096),
        shape=lambda value: Shape(searches=value),
    ),
    Axis(
        name="batch",
        why="with 64 searches the arithmetic dominates; large batches do not fit into the cache",
        points=(64, 128, 256, 512, 1024, 2048, 4096),
        shape=lambda value: Shape(batch=value),
    ),
    Axis(
        name="width",
        why="narrow networks are bound by calls and memory; wide ones by the products of the layers after the site, "
        "which grow as width²; 4 searches",
        points=(16, 32, 64, 128, 256, 512, 1024),
        shape=lambda value: replace(WIDE, width=value),
    ),
    Axis(
        name="size",
        why="the rest of the network costs the same for every size; at large sizes the interchange (∝ size) and "
        "keeping rows orthonormal (∝ size²) dominate; 4 searches, width 512",
        points=(1, 2, 4, 8, 16, 32, 64, 128, 256),
        shape=lambda value: replace(WIDE, size=value),
    ),
    Axis(
        name="examples",
        why="a step reads its batch only; with more examples, fewer rows are in the cache",
        points=(10_000, 100_000, 1_000_000, 10_000_000),
        shape=lambda value: Shape(examples=value),
    ),
)


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A measured axis: milliseconds per step at each value."""

    axis: Axis
    points: tuple[int, ...]
    milliseconds: tuple[float, ...]

    @property
    def slopes(self) -> list[float]:
        """Log-log slopes between neighbouring values."""
        logs = [(math.log(x), math.log(y)) for x, y in zip(self.points, self.milliseconds, strict=True)]
        return [(after[1] - before[1]) / (after[0] - before[0]) for before, after in itertools.pairwise(logs)]

    @property
    def slope(self) -> float:
        """Log-log slope over the last three values."""
        return sum(self.slopes[-2:]) / len(self.slopes[-2:])

    @property
    def begins(self) -> int | None:
        """The value from which on the curve is straight; `None` where it does not rise."""
        if self.slope < 0.2:
            return None
        place = len(self.slopes)
        while place > 0 and self.slopes[place - 1] >= STRAIGHT * self.slope:
            place -= 1
        return self.points[place]


def measure(shape: Shape) -> float:
    """Milliseconds per step."""
    stepper = Stepper(shape)
    stepper.step()
    once = seconds(stepper.step)
    count = max(1, min(64, int(0.03 / max(once, 1e-6))))
    return 1e3 * median(seconds(lambda: stepper.steps(count)) / count for _ in range(TURNS))


def curves(*, quick: bool) -> list[Curve]:
    """The curves of all axes; with `quick`, every other value without the largest."""
    found = []
    for axis in AXES:
        points = axis.points[:-1:2] if quick else axis.points
        found.append(
            Curve(axis=axis, points=points, milliseconds=tuple(measure(axis.shape(value)) for value in points))
        )
    return found
