"""The evidence of a verdict: what the effect itself says, and then what each control says for itself."""

from __future__ import annotations

from collections.abc import Sequence

from interlocus.controls._base import Evidence, EvidenceContext
from interlocus.controls.criteria import Effect, Thresholds
from interlocus.controls.record import controls_of
from interlocus.core.plugins import CONTROLS
from interlocus.verdicts.observation import SiteObservation


def control_evidence(entry: Effect, good: Sequence[Effect], seen: SiteObservation, bars: Thresholds) -> list[Evidence]:
    """What each control says, whatever the verdict."""
    maps = list(dict.fromkeys(e.map for e in seen.entries))
    carried = [name for name in maps if any(e.map == name for e in good)]
    by = f"found by {' and '.join(carried)}" if carried else f"found by no {' or '.join(maps)} map"
    rows = [
        Evidence(
            control="effect",
            text=f"IIA {entry.iia:.3f} [{entry.low:.3f}, {entry.high:.3f}] with a {entry.map} map of size "
            f"{entry.size}; {by}.",
            passes=entry.low >= bars.found,
        ),
        Evidence(
            control="cells",
            text=f"The smallest cell is at least {entry.cell:.3f}, the worse direction of change {entry.ways:.3f}.",
            passes=entry.cell >= bars.cell,
        ),
        Evidence(control="ceiling", text=_ceiling_text(seen), passes=entry.low > max(seen.ceiling, seen.random or 0.0)),
        Evidence(
            control="answer_change_rate",
            text=f"{entry.answer_change_rate:.3f} of the swaps change the answer.",
            passes=entry.answer_change_rate >= bars.answer_change_rate,
        ),
    ]
    if entry.joint is not None:
        rows.append(
            Evidence(
                control="two sources",
                text=f"From two sources {entry.joint:.3f}, from one {entry.single:.3f}.",
                passes=abs(entry.joint - entry.single) <= bars.gap,
            )
        )
    context = EvidenceContext(
        variable=seen.variable,
        inside=seen.used.entries if seen.used else (),
        bar=seen.bar,
        impossible=seen.impossible,
        thresholds=bars,
    )
    for control in controls_of(tuple(CONTROLS)):
        rows += control.evidence(seen.results.get(control.name), context)
    return rows


def _ceiling_text(seen: SiteObservation) -> str:
    parts = [f"doing nothing {seen.no_effect:.3f}"]
    if seen.one_directional is not None:
        parts.append(f"a one-sided trick {seen.one_directional:.3f}")
    parts.append("untrained networks " + ("not measured" if seen.null is None else f"{seen.null:.3f}"))
    parts.append("random directions " + ("not measured" if seen.random is None else f"{seen.random:.3f}"))
    if seen.structural is not None:
        parts.append(f"any map before a linear rest {seen.structural:.3f}")
    return f"Without the variable: {', '.join(parts)}."


def competence_evidence(accuracy: float, wanted: float) -> Evidence:
    """Whether the network can do the task at all."""
    return Evidence(
        control="competence",
        text=f"The network solves {accuracy:.4f} of fresh items; {wanted:g} is asked for.",
        passes=accuracy >= wanted,
    )
