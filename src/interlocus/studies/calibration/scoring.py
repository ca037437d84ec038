"""How often the words of a tool are wrong, by construction: from answers and the truth, whoever gave the answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from interlocus.core.json_record import JsonObject
from interlocus.core.statistics import exact_high, exact_low
from interlocus.studies.calibration.truth import NetworkTruth, VariableTruth
from interlocus.verdicts.words import EXCHANGEABLE, NOT_USED

WordOutcome = Literal["right", "false finding", "false absence", "partial", "other", "undecided", "missing"]
"""What the word on a variable is.

- `false finding`: it says that the variable is there and read, and it is not, or in part only.
- `false absence`: it says that the variable is not there or not read, and it is, at least in part.
- `partial`: it says `partial` of a variable that is fully there, or not there.
- `other`: another word that is not right, for instance `not-learned` of a network that solves its task.
- `missing`: the tool gave no word.
"""
OUTCOMES: tuple[WordOutcome, ...] = (
    "false finding",
    "false absence",
    "other",
    "partial",
    "missing",
    "undecided",
    "right",
)
"""All outcomes, worst first; that of a network is the worst of its variables."""


@dataclass(frozen=True, kw_only=True)
class ToolAnswer:
    """What a tool says of one variable at one site of a network.

    Args:
        word: The verdict word.
        iia: The IIA that it found; `None` if it says none.
        low: Lower end of the interval of the IIA.
        high: Upper end of the interval.
        size: Number of directions per variable.
    """

    word: str
    iia: float | None = None
    low: float | None = None
    high: float | None = None
    size: float | None = None


Answers = Mapping[tuple[str, str], Mapping[str, ToolAnswer]]
"""The answers of a tool, by the names of network and site, then by variable."""


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How often an event happened, over units of three kinds. The bounds are one-sided, 95 %, Clopper and Pearson's.

    Args:
        counts: Number of units in which it happened at least once: constructions, cells (construction × architecture)
            and networks, by these names.
        of: Number of units in all.
    """

    counts: Mapping[str, int]
    of: Mapping[str, int]

    @property
    def high(self) -> dict[str, float]:
        """Upper bounds of the shares."""
        return {unit: exact_high(count, self.of[unit]) for unit, count in self.counts.items()}

    @property
    def low(self) -> dict[str, float]:
        """Lower bounds of the shares."""
        return {unit: exact_low(count, self.of[unit]) for unit, count in self.counts.items()}

    def to_json(self) -> JsonObject:
        """Counts with their bounds."""
        return {**asdict(self), "high": self.high, "low": self.low}


@dataclass(frozen=True, kw_only=True)
class ConstructionRow:
    """The outcomes of all networks of one construction.

    Args:
        construction: Its name.
        statuses: The statuses of its variables, in words.
        can_err: Whether a finding can be false there.
        networks: Number of networks at sites.
        outcomes: How many networks had each outcome.
        words: How often each word was given, over variables.
        size_right: Number of networks whose reported size is at most the true one plus one.
        sized: Number of networks that are found and whose true size is known.
    """

    construction: str
    statuses: tuple[str, ...]
    can_err: bool
    networks: int
    outcomes: Mapping[str, int]
    words: Mapping[str, int]
    size_right: int
    sized: int

    @property
    def badness(self) -> tuple[float, ...]:
        """Shares of the outcomes, worst first, to sort by."""
        return tuple(-self.outcomes.get(outcome, 0) / self.networks for outcome in OUTCOMES[:-1])


@dataclass(frozen=True, kw_only=True)
class ScoreCard:
    """How one tool did on the battery.

    Args:
        name: Name of the tool or way of deciding.
        rows: One row for each construction, the worst first.
        false_finding: False findings, in networks of constructions in which a finding can be false.
        false_absence: False absences, where a variable is there at least in part.
        power: Networks whose variables are all there and all found.
        undecided: Undecided networks, among those that solve their task.
        bias: Mean of the reported IIA minus that of the known directions, over variables with both; `None` if none.
        biased: Number of variables that the mean is over.
        covered: Number of variables whose interval includes the IIA of the known directions.
        intervals: Number of variables with an interval and known directions.
    """

    name: str
    rows: tuple[ConstructionRow, ...]
    false_finding: Rate
    false_absence: Rate
    power: Rate
    undecided: Rate
    bias: float | None
    biased: int
    covered: int
    intervals: int

    def to_json(self) -> JsonObject:
        """Plain values."""
        rates = ("false_finding", "false_absence", "power", "undecided")
        return {
            "name": self.name,
            **{name: getattr(self, name).to_json() for name in rates},
            "bias": self.bias,
            "biased": self.biased,
            "covered": self.covered,
            "intervals": self.intervals,
            "constructions": [asdict(row) for row in self.rows],
        }


def outcome_of(truth: VariableTruth, word: str | None) -> WordOutcome:
    """What a word is, given the truth.

    Args:
        truth: The truth of the variable.
        word: The word; `None` where there is none.
    """
    if word is None:
        return "missing"
    if word == "undecided":
        return "undecided"
    if word in truth.words:
        return "right"
    if word in EXCHANGEABLE:
        return "other" if truth.status == "there" else "false finding"
    if word in NOT_USED and truth.status in ("there", "partly"):
        return "false absence"
    return "partial" if word == "partial" else "other"


def score_answers(name: str, truths: Sequence[NetworkTruth], answers: Answers) -> ScoreCard:
    """Compare the answers of a tool with the truth.

    Args:
        name: Name of the tool or way of deciding.
        truths: The truth of every network at every site.
        answers: Its answers.
    """
    judged = [_Judged.of(truth, answers.get((truth.network, truth.site), {})) for truth in truths]
    by_construction: dict[str, list[_Judged]] = {}
    for one in judged:
        by_construction.setdefault(one.truth.construction, []).append(one)
    present = [one for one in judged if one.truth.statuses & {"there", "partly"}]
    whole = [one for one in present if one.truth.statuses == {"there"}]
    solved = [one for one in judged if "not-learned" not in one.truth.statuses]
    known = [
        (truth.iia, answer)
        for one in judged
        for variable, truth in one.truth.variables.items()
        for answer in [one.answers.get(variable)]
        if truth.iia is not None and answer is not None
    ]
    differences = [answer.iia - iia for iia, answer in known if answer.iia is not None]
    ends = [(iia, a.low, a.high) for iia, a in known if a.low is not None and a.high is not None]
    return ScoreCard(
        name=name,
        rows=tuple(sorted((_row(group) for group in by_construction.values()), key=lambda row: row.badness)),
        false_finding=_rate([one for one in judged if one.truth.can_err], lambda one: one.has("false finding")),
        false_absence=_rate(present, lambda one: one.has("false absence")),
        power=_rate(whole, lambda one: one.found),
        undecided=_rate(solved, lambda one: one.has("undecided")),
        bias=sum(differences) / len(differences) if differences else None,
        biased=len(differences),
        covered=sum(low <= iia <= high for iia, low, high in ends),
        intervals=len(ends),
    )


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """One network at one site, with the outcome of each variable."""

    truth: NetworkTruth
    answers: Mapping[str, ToolAnswer]
    outcomes: tuple[WordOutcome, ...]

    @classmethod
    def of(cls, truth: NetworkTruth, answers: Mapping[str, ToolAnswer]) -> _Judged:
        words = {variable: answer.word for variable, answer in answers.items()}
        outcomes: tuple[WordOutcome, ...] = tuple(
            outcome_of(one, words.get(variable)) for variable, one in truth.variables.items()
        )
        return cls(truth=truth, answers=answers, outcomes=outcomes)

    def has(self, outcome: WordOutcome) -> bool:
        """Whether a variable has this outcome."""
        return outcome in self.outcomes

    @property
    def worst(self) -> WordOutcome:
        """The worst outcome of its variables."""
        return min(self.outcomes, key=OUTCOMES.index)

    @property
    def found(self) -> bool:
        """Whether all variables are reported as found."""
        words = [answer.word for answer in self.answers.values()]
        return len(words) == len(self.outcomes) and all(word in EXCHANGEABLE for word in words)


def _row(group: Sequence[_Judged]) -> ConstructionRow:
    truth = group[0].truth
    worst = [one.worst for one in group]
    words = [answer.word for one in group for answer in one.answers.values()]
    sizes = [
        (answer.size, one.truth.variables[name].size)
        for one in group
        for name, answer in one.answers.items()
        if answer.word in EXCHANGEABLE and answer.size is not None and name in one.truth.variables
    ]
    known = [(size, true) for size, true in sizes if true is not None]
    return ConstructionRow(
        construction=truth.construction,
        statuses=tuple(sorted(truth.statuses)),
        can_err=truth.can_err,
        networks=len(group),
        outcomes={outcome: worst.count(outcome) for outcome in OUTCOMES if outcome in worst},
        words={word: words.count(word) for word in sorted(set(words))},
        size_right=sum(size <= true + 1 for size, true in known),
        sized=len(known),
    )


def _rate(among: Sequence[_Judged], happened: Callable[[_Judged], bool]) -> Rate:
    units: dict[str, Callable[[_Judged], str]] = {
        "constructions": lambda one: one.truth.construction,
        "cells": lambda one: one.truth.cell,
        "networks": lambda one: one.truth.network,
    }
    return Rate(
        counts={unit: len({name(one) for one in among if happened(one)}) for unit, name in units.items()},
        of={unit: len({name(one) for one in among}) for unit, name in units.items()},
    )
