"""From scores and controls to a verdict with its evidence: pure functions on numbers.

The truth table that these functions follow, one row for each situation, is in docs/verdicts.md; the tests check every
row. Tensors and networks do not appear here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from interlocus.alignment.dimensions import Size, mean_size
from interlocus.controls._base import Evidence
from interlocus.controls.criteria import Effect, Thresholds, is_found
from interlocus.verdicts.evidence import collect_evidence, competence_evidence
from interlocus.verdicts.observation import SiteObservation, is_partial
from interlocus.verdicts.verdict import Verdict
from interlocus.verdicts.words import EXCHANGEABLE, NOT_USED, Word

PLANTED = (
    "Networks in which the variable is planted, to see whether the search could find it: the control `power`, for "
    "perceptrons and for torch modules of up to 250,000 parameters."
)
"""The evidence that is missing before a variable can be called absent."""
LARGEST_OUTPUT_SIZE = 2
"""The output counts as found by itself at most at this size; a larger subspace may hold all variables together."""


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


@dataclass(frozen=True, kw_only=True)
class _Case:
    """One variable at one site, while it is judged.

    Args:
        observation: Everything that was measured.
        earlier: The verdicts on this variable at earlier hidden sites.
        thresholds: The study's thresholds.
        effects: The effects in the full state that are considered.
        found: Those that count as found.
        inside: Effects inside the used subspace that count as found. What is found there is in the full state, too.
        evidence: The rows so far; a rule may add its own.
    """

    observation: SiteObservation
    earlier: tuple[Verdict, ...]
    thresholds: Thresholds
    effects: tuple[Effect, ...]
    found: tuple[Effect, ...]
    inside: tuple[Effect, ...]
    evidence: list[Evidence] = field(default_factory=list)

    @property
    def best(self) -> Effect:
        """The effect with the highest IIA in the full state, at a size that is evidence if there is one."""
        return max(self.effects, key=lambda effect: (not effect.fills, effect.iia))

    @property
    def effect(self) -> Effect:
        """The effect a verdict is about: of those found the smallest, by the first featurizer that found it.

        One that was found inside the used subspace only stands for it if the search in the full state missed it.
        """
        found = self.found or self.inside
        if not found:
            return self.best
        first = found[0].featurizer
        return min((effect for effect in found if effect.featurizer == first), key=lambda effect: effect.size)

    def say(self, word: Word, *missing_evidence: str, note: str = "") -> Verdict:
        """The verdict with the evidence so far. An undecided one also names the controls that failed."""
        if word == "undecided":
            failed = self.observation.failed
            missing_evidence += tuple(f"The control {name!r}, which failed: {error}" for name, error in failed.items())
        return Verdict(
            observation=self.observation,
            word=word,
            effect=self.effect,
            evidence=tuple(self.evidence),
            missing_evidence=missing_evidence,
            note=note,
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
        effects=observation.effects,
        found=_found_among(observation.effects, observation, thresholds),
        inside=_found_among(observation.used.effects if observation.used else (), observation, thresholds),
    )
    case.evidence.append(competence_evidence(accuracy, competence))
    case.evidence.extend(collect_evidence(case.effect, case.found or case.inside, observation, thresholds))
    if accuracy < competence:
        return case.say("not-learned")
    if not observation.hidden:
        if case.found:  # at the input every variable has still to be computed
            return case.say("entangled")
        return case.say("undecided", "Nothing: the input is no evidence of a computation.")
    if observation.null is None:
        return case.say("undecided", "Untrained networks of the same architecture, with which a score is compared.")
    inside = observation.used.effects if observation.used else ()
    if case.found or any(is_partial(effect, observation, thresholds) for effect in (case.best, *inside)):
        return _judge_present(case)
    return _judge_missing(case)


def _found_among(effects: Sequence[Effect], observation: SiteObservation, thresholds: Thresholds) -> tuple[Effect, ...]:
    return tuple(effect for effect in effects if is_found(effect, thresholds, observation.null_level))


def _judge_present(case: _Case) -> Verdict:
    """Something was found, or partly found. What of it does the rest of the network read?"""
    observation, thresholds = case.observation, case.thresholds
    if observation.used is None:
        return case.say("undecided", "The used subspace, since an unused copy of the variable would score the same.")
    if case.inside:
        if _only_unnatural(observation.used.natural_inside, thresholds):
            return case.say("undecided", _confined_search(observation.used.natural_inside))
        return _judge_found_inside(case)
    if any(is_partial(effect, observation, thresholds) for effect in observation.used.effects):
        return case.say("partial", note=_why_partial(case))
    if case.found and _only_unnatural(observation.used.natural, thresholds):
        return _judge_unnatural(case, observation.used.natural)
    if not case.found:  # in the full state the score lies above chance, but below the threshold
        if observation.used.effects and observation.used.highest <= observation.chance_level:
            return _judge_missing(case, inside=True)
        return case.say("partial", note=_why_partial(case))
    if observation.used.highest > observation.chance_level:
        return case.say(
            "undecided",
            "More starts or steps inside the used subspace: there the score is above a chance level, but not in both "
            "directions of change.",
        )
    missing = _missing_power(observation, thresholds, inside=True) if observation.used.effects else None
    if missing:
        return case.say("undecided", missing)
    read = observation.read_as
    note = f"The mean of {read} in place of each state is enough for the network's answers." if read else ""
    return case.say("merged", note=note)


def _judge_unnatural(case: _Case, natural: float | None) -> Verdict:
    """What was found works only with states that do not occur. What is left are the featurizers that found nothing."""
    finders = {effect.featurizer for effect in case.found}
    others = tuple(effect for effect in case.effects if effect.featurizer not in finders)
    if not others:
        return case.say("undecided", _confined_search(natural))
    return _judge_missing(replace(case, effects=others, found=()), inside=True)


def _only_unnatural(natural: float | None, thresholds: Thresholds) -> bool:
    """Whether an exchange that scores works only with states that do not occur."""
    return natural is not None and natural < thresholds.natural


def _confined_search(natural: float | None) -> str:
    return f"A search confined to states like those that occur: within their range the IIA is {natural:.3f}."


def _judge_found_inside(case: _Case) -> Verdict:
    """The variable is found inside the used subspace. Does only its value pass on, or also what it is computed from?"""
    observation, thresholds = case.observation, case.thresholds
    leakages = [effect.operand_leakage for effect in case.inside if effect.operand_leakage is not None]
    if not leakages:
        return case.say("undecided", "How much of the operands is exchanged together with the value.")
    kept = observation.kept_by_values
    # what the probes miss may still be needed: one bit of an exclusive or shows nothing of it
    still_needed = kept is not None and kept < thresholds.found
    if min(leakages) <= thresholds.operand_leakage and not still_needed:
        return case.say("computed")
    if kept is not None and kept >= thresholds.values_suffice:
        return case.say(
            "computed",
            note=f"The features carry the operands as well, but the values suffice: with every state replaced by the "
            f"mean of its values the network keeps at least {kept:.3f} of its answers.",
        )
    return case.say("entangled")


def _why_partial(case: _Case) -> str:
    """What keeps a partial variable from being found: the bar or the used subspace, and in which cases it is there."""
    observation, best, bar = case.observation, case.best, case.thresholds
    used = observation.used
    if used is not None and case.found:
        inside = max((effect.iia for effect in used.effects), default=None)
        left = f"an IIA of {inside:.3f} is left" if inside is not None else "there is no room for the variables"
        reason = f"Lost inside the used subspace: IIA {case.effect.iia:.3f} in the full state; inside, {left}."
        return f"{reason} {observation.cases}".rstrip()
    gaps = {
        "the IIA": bar.found - best.low,
        "the worst transition": bar.worst_transition - best.worst_transition,
    }
    missed = [f"{name} misses its bar by {gap:.3f}" for name, gap in gaps.items() if gap > 0]
    reason = f"The bar was missed: at best {' and '.join(missed)}." if missed else ""
    return f"{reason} {observation.cases}".strip()


def _judge_missing(case: _Case, *, inside: bool = False) -> Verdict:
    """The verdict if nothing counts as found or partial inside the used subspace, nor as found in the full state.

    With `inside`, there was something in part in the full state, so that the search inside decides by itself.
    """
    observation, thresholds = case.observation, case.thresholds
    if observation.used is not None and observation.used.changed <= 1 - thresholds.agreement:
        return case.say(
            "undecided",
            f"Another site: an exchange of the whole state changes {observation.used.changed:.4f} of the answers, so "
            "nothing is read here.",
        )
    if case.best.fills:
        return case.say(
            "undecided", "A smaller size: the variables take up the whole site at those that were searched."
        )
    highest = max(effect.high for effect in case.effects if not effect.fills)
    if observation.used is not None:  # what the rest of the network does not need cannot be its intermediate step
        highest = min(highest, observation.used.highest)
    if highest > observation.chance_level:
        return case.say(
            "undecided",
            f"More restarts, another start or more items: the score may be up to {highest:.3f}, and "
            f"{observation.chance_level:.3f} is reached without the variable.",
        )
    missing = _missing_power(observation, thresholds, inside=inside)
    if missing:
        return case.say("undecided", missing)
    if any(verdict.word in EXCHANGEABLE for verdict in case.earlier):
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
        if low >= thresholds.found and all(verdict.word in NOT_USED for verdict in case.earlier):
            return case.say("bypassed")
    if observation.decodable is not None and observation.decodable >= thresholds.decodable:
        return case.say("unused")
    return case.say("absent")


def _missing_power(observation: SiteObservation, thresholds: Thresholds, *, inside: bool = False) -> str | None:
    """What has to be shown before a search that found nothing says anything; `None` where that was shown.

    Where it is the search inside the used subspace that found nothing, its own power counts as well.
    """
    power = observation.power
    if observation.impossible is not None:
        return None
    if power is None:
        return PLANTED
    missing = power.missing(thresholds.power)
    if missing is None and inside:
        if power.inside is None:
            return "Planted networks that were searched inside their used subspaces."
        return power.inside.missing(thresholds.power)
    return missing


def _output_effect(observation: SiteObservation, size: Size) -> tuple[Size, float] | None:
    """Size and lower end of the output's best score, at sizes too small to hold all variables together."""
    if observation.used is None:
        return None
    largest = min(LARGEST_OUTPUT_SIZE, mean_size(size))
    small = {tried: low for tried, low in observation.used.output.items() if mean_size(tried) <= largest}
    return max(small.items(), key=lambda item: item[1]) if small else None
