"""The evidence of a verdict: what the effect itself says, and then what each control says for itself."""

from __future__ import annotations

from collections.abc import Sequence

from interlocus.controls._base import Evidence, EvidenceContext
from interlocus.controls.criteria import Effect, Thresholds
from interlocus.controls.record import controls_of
from interlocus.core.plugins import CONTROLS
from interlocus.verdicts.observation import SiteObservation

RARE_SHOWN = 4
"""Rare transitions that are named; the number of the others is given."""


def collect_evidence(
    effect: Effect, found: Sequence[Effect], observation: SiteObservation, thresholds: Thresholds
) -> list[Evidence]:
    """One row for each property of the effect, and the rows of every control.

    Args:
        effect: The effect that the verdict is about.
        found: All effects that count as found.
        observation: Everything that was measured.
        thresholds: From which score on something counts.
    """
    context = EvidenceContext(
        variable=observation.variable,
        inside=observation.used.effects if observation.used else None,
        null_level=observation.null_level,
        impossible=observation.impossible,
        thresholds=thresholds,
    )
    rows = _effect_rows(effect, found, observation, thresholds)
    for control in controls_of(tuple(CONTROLS)):
        error = observation.failed.get(control.name)
        if error is None:
            rows += control.evidence(observation.results.get(control.name), context)
        else:
            rows.append(Evidence(control=control.name.replace("_", " "), text=f"It failed: {error}", passes=None))
    return rows


def competence_evidence(accuracy: float, competence: float) -> Evidence:
    """Whether the network solves the task. Nothing is claimed about a network that does not."""
    return Evidence(
        control="competence",
        text=f"The network solves {accuracy:.4f} of fresh items; {competence:g} is required.",
        passes=accuracy >= competence,
    )


def _effect_rows(
    effect: Effect, found: Sequence[Effect], observation: SiteObservation, thresholds: Thresholds
) -> list[Evidence]:
    featurizers = dict.fromkeys(other.featurizer for other in observation.effects)
    successful = [name for name in featurizers if any(other.featurizer == name for other in found)]
    by = f"found by {' and '.join(successful)}" if successful else f"found by no {' or '.join(featurizers)} map"
    if effect.fills:
        by += ", which takes up the whole site and is no evidence"
    rows = [
        Evidence(
            control="effect",
            text=f"IIA {effect.iia:.3f} [{effect.low:.3f}, {effect.high:.3f}] with a {effect.featurizer} map of size "
            f"{effect.size}; {by}.",
            passes=effect.low >= thresholds.found,
        ),
        Evidence(
            control="transitions",
            text=f"The worst transition between values has an IIA of at least {effect.worst_transition:.3f}, the worst "
            f"one that changes the value {effect.value_change:.3f}.{_rare_text(effect)}",
            passes=effect.worst_transition >= thresholds.worst_transition,
        ),
        Evidence(
            control="chance levels",
            text=_chance_level_text(effect, observation),
            passes=effect.low > max(observation.chance_level, observation.null_level, effect.random_directions or 0.0),
        ),
        Evidence(
            control="answer change rate",
            text=f"{effect.answer_change_rate:.3f} of the interventions change the answer.",
            passes=effect.answer_change_rate >= thresholds.answer_change_rate,
        ),
    ]
    if effect.joint is not None:
        rows.append(
            Evidence(
                control="two sources",
                text=f"Interventions from two sources score {effect.joint:.3f}, those from one {effect.single:.3f}.",
                passes=abs(effect.joint - effect.single) <= thresholds.source_gap,
            )
        )
    return rows


def _rare_text(effect: Effect) -> str:
    """The transitions that have too few interventions, in words."""
    if not effect.rare_transitions:
        return ""
    rarest = sorted(effect.rare_transitions, key=lambda rare: rare.interventions)
    shown = [f"{rare.change} ({rare.interventions:,} interventions)" for rare in rarest[:RARE_SHOWN]]
    more = [f"{len(rarest) - RARE_SHOWN} more"] if len(rarest) > RARE_SHOWN else []
    return f" Too rare to be measured on their own: {', '.join(shown + more)}."


def _chance_level_text(effect: Effect, observation: SiteObservation) -> str:
    levels = [f"an intervention without effect {observation.no_effect:.3f}"]
    if observation.one_directional is not None:
        levels.append(f"a one-directional map {observation.one_directional:.3f}")
    levels.append(_untrained_text(observation))
    levels.append(f"random directions of size {effect.size} {_measured(effect.random_directions)}")
    if observation.linear_ceiling is not None:
        levels.append(f"any linear map before a linear rest {observation.linear_ceiling:.3f}")
    return f"Without the variable: {', '.join(levels)}."


def _untrained_text(observation: SiteObservation) -> str:
    """The level of untrained networks: what they reached, and the fitted limit of a further one."""
    parts = [observation.untrained] if observation.untrained and observation.null is not None else []
    if observation.untrained_count:
        copies = "1 copy" if observation.untrained_count == 1 else f"{observation.untrained_count} copies"
        parts.append(f"{copies}, too few" if observation.null is None else copies)
    made = f" ({'; '.join(parts)})" if parts else ""
    fitted = (
        "" if observation.null_level == (observation.null or 0.0) else f", fitted limit {observation.null_level:.3f}"
    )
    return f"untrained networks{made} {_measured(observation.null)}{fitted}"


def _measured(iia: float | None) -> str:
    return "not measured" if iia is None else f"{iia:.3f}"
