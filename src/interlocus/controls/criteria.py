"""From where on a score counts: what a person may set in a study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import Field

from interlocus.alignment.dimensions import Size
from interlocus.alignment.metrics import JOINT, Cell, Score
from interlocus.core.errors import SpecificationError
from interlocus.core.spec import Share, Spec
from interlocus.core.statistics import wilson


class Thresholds(Spec):
    """The bars of a verdict; what each decides stands in docs/verdicts.md.

    Args:
        found: the lower end of the IIA of what is found is at least this.
        worst_transition: so is that of its smallest cell.
        source_gap: interventions from two sources score at most so much less or more than single ones.
        answer_change_rate: share of swaps that change the answer; below it nothing was swapped.
        operand_leakage: R² of the features on the operands, among examples of equal value, up to which only the value
            passes.
        value_change: each direction of change works at least so often; a one-sided trick has none of the cases of one.
        power: lower end of the share of networks with a planted variable in which the search finds it.
        agreement: share of its own answers that a network keeps when a site is confined to its used subspace.
    """

    found: Share = 0.95
    worst_transition: Share = 0.90
    source_gap: Share = 0.03
    answer_change_rate: Share = 0.02
    operand_leakage: Share = 0.05
    value_change: Share = 0.50
    power: Share = 0.80
    agreement: Share = Field(default=0.999, gt=0.5, lt=1)

    def check(self) -> None:
        """Hold thresholds against each other.

        Raises:
            SpecificationError: two of them contradict each other.
        """
        for low, high in (("worst_transition", "found"), ("value_change", "worst_transition")):
            if getattr(self, low) > getattr(self, high):
                raise SpecificationError(
                    f"The threshold {low!r} is {getattr(self, low):g} and {high!r} is {getattr(self, high):g}.",
                    f"What passes the first passes the second as well, so {high!r} would decide nothing.",
                    f"Set {low} to at most {getattr(self, high):g}.",
                )
        if not 0 < self.found < 1 or not 0 < self.power < 1:
            raise SpecificationError(
                f"The thresholds found and power are {self.found:g} and {self.power:g}.",
                "An interval never reaches 1, and above 0 everything would pass.",
                "Set both between 0 and 1, for instance to .95 and .8.",
            )


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What maps of one class and size score for a variable, in one network, on untouched items.

    Args:
        featurizer: the class of maps.
        size: features a variable.
        iia: of the alignment; `low` and `high` are its ends, corrected for how many entries were looked at.
        worst_transition: lower end of the smallest cell of this variable.
        value_change: lower end of its worse direction of change.
        single: IIA of interventions on one variable.
        joint: IIA of interventions on several at once, from different sources; `None` for a hypothesis of one variable.
        answer_change_rate: share of swaps that change the answer.
        operand_leakage: R² of the variable's features on its operands at equal value; `None` where it was not measured.
    """

    featurizer: str
    size: Size
    iia: float
    low: float
    high: float
    worst_transition: float
    value_change: float
    single: float
    joint: float | None
    answer_change_rate: float
    operand_leakage: float | None = None


def is_found(entry: Effect, bars: Thresholds, bar: float = 0.0) -> bool:
    """Whether a score passes for a variable that is there, whatever becomes of it behind the site."""
    return (
        entry.low >= bars.found
        and entry.worst_transition >= bars.worst_transition
        and entry.low > bar
        and (entry.joint is None or abs(entry.joint - entry.single) <= bars.source_gap)
        and entry.answer_change_rate >= bars.answer_change_rate
    )


MAX_VALUES_FOR_CELLS = 3
"""Cells of a variable with more values hold few interventions each, and are put together."""


def effect_of(score: Score, variable: str, *, featurizer: str, size: Size, looks: int) -> Effect:
    """What a score says of one of its variables.

    Args:
        score: of an alignment.
        variable: one of the hypothesis'.
        featurizer: the class of maps.
        size: features a variable.
        looks: how many entries were looked at, for which the interval is corrected.
    """
    low, high = wilson(score.hits, score.count, comparisons=looks)
    cells = [cell for cell in score.cells if cell.kind == variable and cell.count]
    single = [cell for cell in score.cells if JOINT not in cell.kind]
    joint = [cell for cell in score.cells if JOINT in cell.kind]
    return Effect(
        featurizer=featurizer,
        size=size,
        iia=score.iia,
        low=low,
        high=high,
        worst_transition=min((_low(part) for part in _small_parts(cells)), default=0.0),
        value_change=min((_low(part) for part in _directions(cells)), default=0.0),
        single=_share(single),
        joint=_share(joint) if joint else None,
        answer_change_rate=score.answer_change_rate,
    )


def _small_parts(cells: Sequence[Cell]) -> list[list[Cell]]:
    """The cells themselves, or where there are many, those in which the value changes and the others."""
    if len(cells) <= MAX_VALUES_FOR_CELLS**2:
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
