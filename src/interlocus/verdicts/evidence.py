"""What each control said, in words with figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from interlocus.controls.criteria import Effect, Thresholds, is_found
from interlocus.verdicts.observation import SiteObservation

MIN_CODE_SHARE = 0.02
"""Codes with a smaller share are not named."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One control, and what it said.

    Args:
        control: which.
        text: with figures.
        passes: whether it speaks for what was sought; `None` where it decides nothing or is missing.
    """

    control: str
    text: str
    passes: bool | None


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
        Evidence(control="ceiling", text=_ceiling_text(seen), passes=entry.low > max(seen.ceiling, seen.random)),
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
    rows += [_used_text(seen, bars), _pure_text(seen, bars), _power_text(seen, bars), *_decoy_text(seen)]
    return rows + [Evidence(control=name, text=text, passes=None) for name, text in _asides(seen).items()]


def _ceiling_text(seen: SiteObservation) -> str:
    parts = [f"doing nothing {seen.no_effect:.3f}"]
    if seen.one_directional is not None:
        parts.append(f"a one-sided trick {seen.one_directional:.3f}")
    parts.append("untrained networks " + ("–" if seen.null is None else f"{seen.null:.3f}"))
    parts.append(f"random directions {seen.random:.3f}")
    if seen.structural is not None:
        parts.append(f"any map before a linear rest {seen.structural:.3f}")
    return f"Without the variable: {', '.join(parts)}."


def _used_text(seen: SiteObservation, bars: Thresholds) -> Evidence:
    used = seen.used
    if used is None:
        return Evidence(
            control="used subspace", text="How many directions the network uses was not measured.", passes=None
        )
    control_evidence = f"{used.rank} of {used.width} directions keep {used.agreement:.4f} of the network's own answers"
    if not used.entries:
        return Evidence(
            control="used subspace", text=f"{control_evidence}; the variables have no room in them.", passes=False
        )
    best = max(used.entries, key=lambda entry: entry.iia)
    return Evidence(
        control="used subspace",
        text=f"{control_evidence}; inside, IIA {best.iia:.3f} [{best.low:.3f}, {best.high:.3f}] at size {best.size} ({best.map}).",
        passes=any(is_found(entry, bars, seen.bar) for entry in used.entries),
    )


def _pure_text(seen: SiteObservation, bars: Thresholds) -> Evidence:
    entries = [entry for entry in (seen.used.entries if seen.used else ()) if entry.pure is not None]
    if not entries:
        return Evidence(control="value-pure", text="What rides along with the value was not measured.", passes=None)
    sizes = ", ".join(f"{entry.pure:.2f} at size {entry.size} ({entry.map})" for entry in entries)
    return Evidence(
        control="value-pure",
        text=f"R² on the operands at equal value, inside the used subspace: {sizes}.",
        passes=min(entry.pure for entry in entries if entry.pure is not None) <= bars.pure,
    )


def _power_text(seen: SiteObservation, bars: Thresholds) -> Evidence:
    if seen.impossible is not None:
        return Evidence(control="power", text=f"None is needed: {seen.impossible}.", passes=None)
    power = seen.power
    if power is None:
        return Evidence(control="power", text="The search was not put to planted variables.", passes=None)
    return Evidence(
        control="power",
        text=f"The same search finds {power.found} of {power.of} planted variables ({power.kind}): at least "
        f"{power.low:.2f}; {bars.power:g} is asked for.",
        passes=power.low >= bars.power,
    )


def _decoy_text(seen: SiteObservation) -> list[Evidence]:
    """Whether what was found inside is above what is found where nobody reads it; nothing where that was not asked."""
    decoy = seen.decoy
    if decoy is None:
        return []
    if not decoy.count:
        text = "No network could be made here in which the variables can be decoded and nobody reads them."
        return [Evidence(control="decoys", text=text, passes=None)]
    entries = seen.used.entries if seen.used else ()
    text = (
        f"In {decoy.count} networks in which the variables can be decoded (at least {decoy.decodable:.3f} of them) and "
        f"nobody reads them, the same searches reach {decoy.full:.3f} in the full state and {decoy.inside:.3f} inside "
        "the used subspace."
    )
    above = max((entry.low for entry in entries), default=0.0) > decoy.inside if entries else None
    return [Evidence(control="decoys", text=text, passes=above)]


def _asides(seen: SiteObservation) -> dict[str, str]:
    """What decides nothing, by name."""
    aside, said = seen.aside, {}
    if aside is None:
        return said
    control_evidence = f"The {aside.featurizer} map of size {aside.size}"
    if aside.shifted is not None and aside.shifted_accuracy is not None:
        said["other items"] = (
            f"{control_evidence} scores {aside.shifted:.3f} on items that are drawn otherwise, of which the network solves "
            f"{aside.shifted_accuracy:.3f}."
        )
    if seen.variable in aside.varies:
        said["equal sources"] = (
            f"In {aside.varies[seen.variable]:.3f} of the bases two sources of equal value give different answers."
        )
    if aside.code:
        shares = sorted(aside.code.items(), key=lambda item: -item[1])
        held = ", ".join(f"{name} {share:.2f}" for name, share in shares if share >= MIN_CODE_SHARE)
        said["code"] = f"{control_evidence} is answered as if the site held: {held}."
    return said


def competence_evidence(accuracy: float, wanted: float) -> Evidence:
    """Whether the network can do the task at all."""
    return Evidence(
        control="competence",
        text=f"The network solves {accuracy:.4f} of fresh items; {wanted:g} is asked for.",
        passes=accuracy >= wanted,
    )
