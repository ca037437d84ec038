"""The criteria by which a score shows a variable: an effect with its intervals, and the thresholds of a study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pydantic import Field

from interlocus.alignment.dimensions import Size, fills_site
from interlocus.alignment.metrics import JOINT, Cell, Score
from interlocus.core.errors import SpecificationError
from interlocus.core.spec import Share, Spec
from interlocus.core.statistics import clopper_pearson, fewest_trials

WORST_TRANSITION = 0.90
"""Lower end of a transition's IIA that is required by default. A transition counts as measured if it has enough
interventions that an alignment without a miss reaches it."""


class RareTransition(NamedTuple):
    """A transition with too few interventions to be measured on its own.

    Args:
        change: The transition, such as `"1→1"`.
        interventions: Its number of interventions.
    """

    change: str
    interventions: int


class Thresholds(Spec):
    """The thresholds of a verdict. docs/verdicts.md says what each of them decides.

    Args:
        found: Lower end of the IIA's interval from which a variable counts as found.
        worst_transition: Lower end of the interval of the worst transition between values, from which it counts.
        source_gap: Largest difference between the IIA of interventions from several sources and that from one source.
        answer_change_rate: Smallest share of interchanges that change the network's answer. Below it the maps exchange
            nothing that the network uses.
        operand_leakage: Largest R² of the features on the operands, among examples of equal value, for which the
            features count as the value alone.
        value_change: Lower end of the interval of the worst transition that changes the value, for a partial effect. A
            one-directional map reaches 0 in one direction.
        power: Lower end of the share of planted variables that the searches must find, for an absence to be claimed.
        agreement: Share of its own answers that a network keeps when only the used subspace of a site holds its own
            state.
        natural: IIA, with exchanged states kept within the range of those that occur, below which what was found works
            only with states that do not occur.
        decodable: Accuracy of a linear probe from which a variable counts as decodable.
        values_suffice: Lower end of the share of answers that a network keeps when each state is replaced by the mean
            of its values, from which nothing else at the site counts as needed.
    """

    found: Share = 0.95
    worst_transition: Share = WORST_TRANSITION
    source_gap: Share = 0.03
    answer_change_rate: Share = 0.02
    operand_leakage: Share = 0.05
    value_change: Share = 0.50
    power: Share = 0.80
    agreement: Share = Field(default=0.999, gt=0.5, lt=1)
    natural: Share = 0.90
    decodable: Share = 0.95
    values_suffice: Share = 0.99

    def check(self) -> None:
        """Check that the thresholds are consistent.

        Raises:
            SpecificationError: two thresholds contradict each other, or `found` or `power` is not between 0 and 1.
        """
        for low, high in (("worst_transition", "found"), ("value_change", "worst_transition")):
            if getattr(self, low) > getattr(self, high):
                raise SpecificationError(
                    f"The threshold {low!r} is {getattr(self, low):g} and {high!r} is {getattr(self, high):g}.",
                    f"Whatever reaches {low!r} reaches {high!r} as well, so {high!r} would decide nothing.",
                    f"Set {low} to at most {getattr(self, high):g}.",
                )
        if not 0 < self.found < 1 or not 0 < self.power < 1:
            raise SpecificationError(
                f"The thresholds found and power are {self.found:g} and {self.power:g}.",
                "The lower end of an interval never reaches 1, and every interval reaches 0.",
                "Set both between 0 and 1, for instance to .95 and .8.",
            )


@dataclass(frozen=True, kw_only=True)
class Effect:
    """The effect of exchanging one variable in one network, with a featurizer and size, on test interventions.

    Args:
        featurizer: Name of the featurizer.
        size: Number of features per variable.
        iia: IIA of the alignment, over the interventions on all of its variables.
        low: Lower end of the interval of the IIA, corrected for the number of scores that were compared.
        high: Upper end of the same interval.
        worst_transition: Lower end of the interval of this variable's worst measured transition, corrected for the
            number of scores and of transitions; 0 if none is measured.
        value_change: The same for the worst transition that changes the value.
        single: IIA of the interventions that exchange one variable.
        joint: IIA of the interventions that exchange several variables, each from its own source; `None` for a
            hypothesis of one variable.
        answer_change_rate: Share of interchanges that change the network's answer, from 0 to 1.
        operand_leakage: Highest R² of the variable's features on its operands, or what is computed of them, at equal
            value; `None` if it was not measured.
        leaked: What was predicted with that R², and by which probe; empty if it was not measured.
        random_directions: 95th percentile of the IIA of random directions of the same size in the same network; `None`
            if it was not measured. A found effect exceeds it.
        fills: Whether the variables take up the whole site at this size. It is no evidence then: an exchange of most of
            a state moves the answer whatever the directions are.
        rare_transitions: The transitions that have too few interventions to be measured on their own. Those that change
            the value are measured together, and so are the others, if they are enough together.
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
    leaked: str = ""
    random_directions: float | None = None
    fills: bool = False
    rare_transitions: tuple[RareTransition, ...] = ()

    @classmethod
    def from_score(
        cls,
        score: Score,
        variable: str,
        *,
        featurizer: str,
        size: Size,
        comparisons: int,
        width: int,
        random_directions: float | None = None,
    ) -> Effect:
        """What the score of an alignment says of one of its variables.

        Args:
            score: Score of the alignment on test interventions.
            variable: Name of a variable of the alignment.
            featurizer: Name of the featurizer.
            size: Number of features per variable.
            comparisons: Number of scores that were looked at, at least 1, with those inside the used subspace and those
                of rivals. Intervals are corrected for it (Bonferroni).
            width: Width of the site, also for an effect inside the used subspace.
            random_directions: IIA of random directions of this size, if it was measured.
        """
        low, high = clopper_pearson(score.hits, score.count, comparisons=comparisons)
        transitions = _Transitions.of([cell for cell in score.cells if cell.kind == variable], comparisons)
        single = [cell for cell in score.cells if JOINT not in cell.kind]
        joint = [cell for cell in score.cells if JOINT in cell.kind]
        return cls(
            featurizer=featurizer,
            size=size,
            iia=score.iia,
            low=low,
            high=high,
            worst_transition=min((*transitions.changing, *transitions.staying), default=0.0),
            value_change=min(transitions.changing, default=0.0),
            single=_pooled_iia(single),
            joint=_pooled_iia(joint) if joint else None,
            answer_change_rate=score.answer_change_rate,
            random_directions=random_directions,
            fills=fills_site(size, len(score.single_kinds), width),
            rare_transitions=transitions.rare,
        )


def is_found(effect: Effect, thresholds: Thresholds, null_level: float = 0.0) -> bool:
    """Whether an effect shows that the variable is at the site, whether or not the rest of the network reads it.

    Args:
        effect: The effect of one alignment.
        thresholds: The study's thresholds for found variables.
        null_level: IIA that untrained networks reach. The interval must lie above it, and above that of random
            directions of the same size.
    """
    return (
        not effect.fills
        and effect.low >= thresholds.found
        and effect.worst_transition >= thresholds.worst_transition
        and effect.low > max(null_level, effect.random_directions or 0.0)
        and (effect.joint is None or abs(effect.joint - effect.single) <= thresholds.source_gap)
        and effect.answer_change_rate >= thresholds.answer_change_rate
    )


class _Transitions(NamedTuple):
    """What the cells of a variable say of its transitions.

    Args:
        changing: Lower ends of the measured transitions that change the value.
        staying: Lower ends of the others.
        rare: The transitions that are not measured on their own.
    """

    changing: list[float]
    staying: list[float]
    rare: tuple[RareTransition, ...]

    @classmethod
    def of(cls, cells: Sequence[Cell], comparisons: int) -> _Transitions:
        """Every transition with enough interventions on its own, and the rest in two groups as far as they suffice."""
        cells = [cell for cell in cells if cell.all_count]
        looks = comparisons * max(len(cells), 1)
        fewest = fewest_trials(WORST_TRANSITION, comparisons=looks)

        def lows(part: Sequence[Cell]) -> list[float]:
            groups = [[cell] for cell in part if cell.all_count >= fewest]
            groups.append([cell for cell in part if cell.all_count < fewest])
            counts = [(sum(cell.all_hits for cell in group), sum(cell.all_count for cell in group)) for group in groups]
            return [clopper_pearson(hits, n, comparisons=looks)[0] for hits, n in counts if n >= fewest]

        return cls(
            changing=lows([cell for cell in cells if _changes(cell)]),
            staying=lows([cell for cell in cells if not _changes(cell)]),
            rare=tuple(RareTransition(cell.change, cell.all_count) for cell in cells if cell.all_count < fewest),
        )


def _changes(cell: Cell) -> bool:
    old, arrow, new = cell.change.partition("→")
    return old != new if arrow else cell.change == "changes"


def _pooled_iia(cells: Sequence[Cell]) -> float:
    return sum(cell.hits for cell in cells) / sum(cell.count for cell in cells)
