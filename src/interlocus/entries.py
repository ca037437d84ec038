"""From a score to what a verdict looks at."""

from __future__ import annotations

from collections.abc import Sequence

from interlocus.metrics import JOINT, Cell, Score, wilson
from interlocus.seen import Entry
from interlocus.size import Size

FEW_VALUES = 3
"""Cells of a variable with more values hold few interventions each, and are put together."""


def entry_of(score: Score, variable: str, *, map: str, size: Size, looks: int) -> Entry:
    """What a score says of one of its variables.

    Args:
        score: of an alignment.
        variable: one of the hypothesis'.
        map: the class of maps.
        size: features a variable.
        looks: how many entries were looked at, for which the interval is corrected.
    """
    low, high = wilson(score.hits, score.count, looks=looks)
    cells = [cell for cell in score.cells if cell.kind == variable and cell.count]
    single = [cell for cell in score.cells if JOINT not in cell.kind]
    joint = [cell for cell in score.cells if JOINT in cell.kind]
    return Entry(
        map=map,
        size=size,
        iia=score.iia,
        low=low,
        high=high,
        cell=min((_low(part) for part in _small_parts(cells)), default=0.0),
        ways=min((_low(part) for part in _directions(cells)), default=0.0),
        single=_share(single),
        joint=_share(joint) if joint else None,
        live=score.live,
    )


def _small_parts(cells: Sequence[Cell]) -> list[list[Cell]]:
    """The cells themselves, or where there are many, those in which the value changes and the others."""
    if len(cells) <= FEW_VALUES**2:
        return [[cell] for cell in cells]
    return [part for part in ([c for c in cells if _changes(c)], [c for c in cells if not _changes(c)]) if part]


def _directions(cells: Sequence[Cell]) -> list[list[Cell]]:
    """The cells in which the value changes, each by itself or, where there are many, together."""
    return [part for part in _small_parts(cells) if all(map(_changes, part))]


def _changes(cell: Cell) -> bool:
    old, arrow, new = cell.change.partition("→")
    return old != new if arrow else cell.change == "changes"


def _share(cells: Sequence[Cell]) -> float:
    return sum(cell.hits for cell in cells) / sum(cell.count for cell in cells)


def _low(cells: Sequence[Cell]) -> float:
    return wilson(sum(cell.hits for cell in cells), sum(cell.count for cell in cells))[0]
