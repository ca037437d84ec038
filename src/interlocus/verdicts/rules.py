"""From scores and controls to a verdict with its evidence: pure functions on numbers.

The truth table that these functions follow, one row for each situation, is in docs/verdicts.md; the tests check every
row. Tensors and networks do not appear here.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from interlocus.alignment.dimensions import Size, mean_size
from interlocus.controls._base import Evidence
from interlocus.controls.criteria import Effect, Thresholds, is_found
from interlocus.core.display import AbstractDisplayable, Display
from interlocus.core.json_record import JsonObject
from interlocus.verdicts.evidence import collect_evidence, competence_evidence
from interlocus.verdicts.observation import SiteObservation, is_partial
from interlocus.verdicts.words import Answer, Word

FOUND: tuple[Word, ...] = ("computed", "entangled")
MISSING: tuple[Word, ...] = ("absent", "consumed", "bypassed")
PLANTED = (
    "Networks in which the variable is planted, to see whether the search could find it: the control `power`, for "
    "perceptrons and for torch modules of up to 250,000 parameters."
)
"""The evidence that is missing before a variable can be called absent."""
LARGEST_OUTPUT_SIZE = 2
"""The output counts as found by itself at most at this size; a larger subspace may hold all variables together."""
EVIDENCE_COLUMNS = ("control", "supports it", "evidence")
"""Headings of a table of evidence: the control, whether it supports the variable, and what was measured."""
_PASSES = {True: "yes", False: "no", None: "–"}


@dataclass(frozen=True, kw_only=True, repr=False)
class Verdict(AbstractDisplayable):
    """The verdict on a variable at a site, with its evidence.

    Args:
        observation: The measurements that it is based on.
        word: The verdict in one word, a key of `VERDICT_WORDS`.
        effect: The smallest effect that was found, or else the best one.
        evidence: One row for each control.
        missing_evidence: Where the verdict is `undecided`, what would decide it.
    """

    observation: SiteObservation
    word: Word
    effect: Effect
    evidence: tuple[Evidence, ...]
    missing_evidence: tuple[str, ...] = ()

    @property
    def used_iia(self) -> float | None:
        """The best IIA inside the used subspace; `None` if it was not measured or is too small for the variables."""
        used = self.observation.used
        return max((effect.iia for effect in used.effects), default=None) if used else None

    @property
    def operand_leakage(self) -> float | None:
        """The smallest R² on the operands of what was found inside the used subspace; `None` where not measured."""
        used = self.observation.used
        measured = [effect.operand_leakage for effect in (used.effects if used else ())]
        return min((leakage for leakage in measured if leakage is not None), default=None)

    def display(self) -> Display:
        """The effect, the word, and one row for each control."""
        effect = self.effect
        iia = f"IIA {effect.iia:.3f} [{effect.low:.3f}, {effect.high:.3f}] at size {effect.size}"
        place = f"{self.observation.variable} at {self.observation.site}"
        return Display(
            title=f"{place}: {iia} with the featurizer {effect.featurizer}, {self.word}",
            columns=EVIDENCE_COLUMNS,
            rows=[(row.control, _PASSES[row.passes], row.text) for row in self.evidence],
            notes=[f"What would decide it: {missing}" for missing in self.missing_evidence],
        )

    def to_json(self) -> JsonObject:
        """Plain values: one entry of `verdict.json`, and of the JSON of an audit."""
        observation, effect, used = self.observation, self.effect, self.observation.used
        return {
            "site": observation.site,
            "variable": observation.variable,
            "verdict": self.word,
            "featurizer": effect.featurizer,
            "size": effect.size,
            "iia": effect.iia,
            "low": effect.low,
            "high": effect.high,
            "worst_transition": effect.worst_transition,
            "answer_change_rate": effect.answer_change_rate,
            "no_effect": observation.no_effect,
            "one_directional": observation.one_directional,
            "null": observation.null,
            "random_directions": effect.random_directions,
            "linear_ceiling": observation.linear_ceiling,
            "used_rank": used.rank if used else None,
            "used_iia": self.used_iia,
            "operand_leakage": self.operand_leakage,
            "power": observation.power.low if observation.power else None,
            "missing_evidence": list(self.missing_evidence),
            "evidence": [{"control": e.control, "text": e.text, "passes": e.passes} for e in self.evidence],
        }


def judge_network(
    accuracy: float, sites: Sequence[Sequence[SiteObservation]], *, competence: float, thresholds: Thresholds
) -> list[list[Verdict]]:
    """The verdicts on one network: for each site one for each variable.

    Args:
        accuracy: Accuracy of the network on fresh items.
        sites: For each site, in the order in which the network passes them, one observation for each variable.
        competence: Accuracy below which nothing is claimed.
        thresholds: The study's thresholds.
    """
    verdicts: list[list[Verdict]] = []
    for observations in sites:
        verdicts.append([_judge(accuracy, one, verdicts, competence, thresholds) for one in observations])
    return verdicts


def answer(verdicts: Sequence[Sequence[Verdict]], rivals: Sequence[Sequence[Verdict]] = ()) -> Answer:
    """What the verdicts on all variables say of a network.

    A rival counts at a site only if no variable of the hypothesis is there or earlier, even in part: an intermediate
    that is computed from the variables, such as their sum, lies on the way that the hypothesis describes.

    Args:
        verdicts: From `judge_network`, for the hypothesis of the study.
        rivals: The same for hypotheses that describe other routes to the output, at some of these sites.
    """
    hidden_rows = [row for row in verdicts if row and row[0].observation.hidden]
    hidden = [[verdict.word for verdict in row] for row in hidden_rows]
    before = itertools.takewhile(
        lambda row: all(verdict.word not in (*FOUND, "partial") for verdict in row), hidden_rows
    )
    without_variables = {row[0].observation.site for row in before}
    words = [word for row in hidden for word in row]
    if "not-learned" in words:
        return "not-learned"
    if any(all(word in FOUND for word in row) for row in hidden):
        return "hierarchical"
    if any(
        verdict.word in FOUND and verdict.observation.site in without_variables for row in rivals for verdict in row
    ):
        return "other-route"
    if any(word in (*FOUND, "partial") for word in words):
        return "partly-hierarchical"
    if "bypassed" in words and all(word in (*MISSING, "unused") for word in words):
        return "straight-to-the-end"
    return "undecided"


@dataclass(frozen=True, kw_only=True)
class _Case:
    """One variable at one site, while it is judged.

    Args:
        observation: Everything that was measured.
        earlier: The verdicts on this variable at earlier hidden sites.
        thresholds: The study's thresholds.
        found: Effects in the full state that count as found.
        evidence: The rows so far; a rule may add its own.
    """

    observation: SiteObservation
    earlier: tuple[Verdict, ...]
    thresholds: Thresholds
    found: tuple[Effect, ...]
    evidence: list[Evidence] = field(default_factory=list)

    @property
    def best(self) -> Effect:
        """The effect with the highest IIA in the full state."""
        return max(self.observation.effects, key=lambda effect: effect.iia)

    @property
    def effect(self) -> Effect:
        """The effect a verdict is about: of those found the smallest, by the first featurizer that found it."""
        if not self.found:
            return self.best
        first = self.found[0].featurizer
        return min((effect for effect in self.found if effect.featurizer == first), key=lambda effect: effect.size)

    def say(self, word: Word, *missing_evidence: str) -> Verdict:
        """The verdict with the evidence so far."""
        return Verdict(
            observation=self.observation,
            word=word,
            effect=self.effect,
            evidence=tuple(self.evidence),
            missing_evidence=missing_evidence,
        )


def _judge(
    accuracy: float,
    observation: SiteObservation,
    earlier: Sequence[Sequence[Verdict]],
    competence: float,
    thresholds: Thresholds,
) -> Verdict:
    """The verdict on one variable at one site, given those at earlier sites."""
    variable = observation.variable
    case = _Case(
        observation=observation,
        earlier=tuple(
            verdict
            for row in earlier
            for verdict in row
            if verdict.observation.variable == variable and verdict.observation.hidden
        ),
        thresholds=thresholds,
        found=tuple(effect for effect in observation.effects if is_found(effect, thresholds, observation.null_level)),
    )
    case.evidence.append(competence_evidence(accuracy, competence))
    case.evidence.extend(collect_evidence(case.effect, case.found, observation, thresholds))
    if accuracy < competence:
        return case.say("not-learned")
    if not observation.hidden:
        if case.found:
            return case.say("entangled")
        return case.say("undecided", "Nothing: the input is no evidence of a computation.")
    if observation.null is None:
        return case.say("undecided", "Untrained networks of the same architecture, with which a score is compared.")
    if case.found or is_partial(case.best, observation, thresholds):
        return _judge_present(case)
    return _judge_missing(case)


def _judge_present(case: _Case) -> Verdict:
    """Something was found in the full state. What is left of it inside the used subspace?"""
    observation, thresholds = case.observation, case.thresholds
    if observation.used is None:
        return case.say("undecided", "The used subspace, since an unused copy of the variable would score the same.")
    inside = [effect for effect in observation.used.effects if is_found(effect, thresholds, observation.null_level)]
    if case.found and inside:
        leakages = [effect.operand_leakage for effect in inside if effect.operand_leakage is not None]
        if not leakages:
            return case.say("undecided", "How much of the operands is exchanged together with the value.")
        return case.say("computed" if min(leakages) <= thresholds.operand_leakage else "entangled")
    if inside or any(is_partial(effect, observation, thresholds) for effect in observation.used.effects):
        return case.say("partial")
    if observation.used.highest <= observation.chance_level:
        missing = _missing_power(observation, thresholds)
        return case.say("undecided", missing) if missing else case.say("unused")
    return case.say(
        "undecided",
        "More starts or steps inside the used subspace: there the score is above a chance level, but not in both "
        "directions of change.",
    )


def _judge_missing(case: _Case) -> Verdict:
    """The verdict if no effect counts as found."""
    observation, thresholds = case.observation, case.thresholds
    highest = max(effect.high for effect in observation.effects)
    if observation.used is not None:  # what the rest of the network does not need cannot be its intermediate step
        highest = min(highest, observation.used.highest)
    if highest > observation.chance_level:
        return case.say(
            "undecided",
            f"More restarts, another start or more items: the score may be up to {highest:.3f}, and "
            f"{observation.chance_level:.3f} is reached without the variable.",
        )
    missing = _missing_power(observation, thresholds)
    if missing:
        return case.say("undecided", missing)
    if any(verdict.word in FOUND for verdict in case.earlier):
        return case.say("consumed")
    output = _output_effect(observation, case.best.size)
    if output is not None:
        size, low = output
        case.evidence.append(
            Evidence(
                control="output",
                text=f"The output itself, inside the used subspace at size {size}: IIA of at least {low:.3f}.",
                passes=low >= thresholds.found,
            )
        )
        if low >= thresholds.found and all(verdict.word in (*MISSING, "unused") for verdict in case.earlier):
            return case.say("bypassed")
    return case.say("absent")


def _missing_power(observation: SiteObservation, thresholds: Thresholds) -> str | None:
    """What has to be shown before a search that found nothing says anything; `None` where that was shown."""
    power = observation.power
    if observation.impossible is not None:
        return None
    if power is None:
        return PLANTED
    return power.missing(thresholds.power)


def _output_effect(observation: SiteObservation, size: Size) -> tuple[Size, float] | None:
    """Size and lower end of the output's best score, at sizes too small to hold all variables together."""
    if observation.used is None:
        return None
    largest = min(LARGEST_OUTPUT_SIZE, mean_size(size))
    small = {tried: low for tried, low in observation.used.output.items() if mean_size(tried) <= largest}
    return max(small.items(), key=lambda item: item[1]) if small else None
