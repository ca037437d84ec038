"""From scores and controls to a verdict with its evidence: pure functions on numbers.

The truth table that these functions follow, a row a situation, is docs/verdicts.md; the tests are that table. No tensor
and no network is seen here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from interlocus.alignment.dimensions import Size, mean_size
from interlocus.controls.criteria import Effect, Thresholds, is_found
from interlocus.core.display import AbstractDisplayable, Display
from interlocus.verdicts import evidence as said
from interlocus.verdicts.evidence import Evidence
from interlocus.verdicts.observation import SiteObservation, is_partial

Word = Literal[
    "computed", "entangled", "partial", "unused", "absent", "consumed", "bypassed", "undecided", "not-learned"
]
"""What is said of a variable at a site."""

Answer = Literal[
    "hierarchical", "partly-hierarchical", "other-route", "straight-to-the-end", "undecided", "not-learned"
]
"""What is said of a network."""

_PASSES = {True: "yes", False: "no", None: "–"}
FOUND: tuple[Word, ...] = ("computed", "entangled")
MISSING: tuple[Word, ...] = ("absent", "consumed", "bypassed")
PLANTED = (
    "Networks in which the variable is planted, to see whether the search could find it: the control `power`, for "
    "perceptrons and for torch modules of up to 250,000 parameters."
)
"""What an absence waits for."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Verdict(AbstractDisplayable):
    """What is said of a variable at a site, and why.

    Args:
        seen: on what it rests.
        word: the verdict.
        entry: the effect: the smallest size that was found, or else the best.
        evidence: a row a control.
        wanted: what would decide it, where it is undecided.
    """

    seen: SiteObservation
    word: Word
    entry: Effect
    evidence: tuple[Evidence, ...]
    wanted: tuple[str, ...] = ()

    @property
    def used_iia(self) -> float | None:
        """The best IIA inside the used subspace."""
        used = self.seen.used
        return max((entry.iia for entry in used.entries), default=None) if used else None

    def display(self) -> Display:
        """The effect, the word, and a row a control."""
        effect = f"IIA {self.entry.iia:.3f} [{self.entry.low:.3f}, {self.entry.high:.3f}] at size {self.entry.size}"
        return Display(
            title=f"{self.seen.variable} at {self.seen.site}: {effect} with {self.entry.map} maps, {self.word}",
            columns=("control", "speaks for it", "what it says"),
            rows=[(row.control, _PASSES[row.passes], row.text) for row in self.evidence],
            notes=[f"What would decide it: {wanted}" for wanted in self.wanted],
        )


def judge_network(
    accuracy: float, sites: Sequence[Sequence[SiteObservation]], *, competence: float, thresholds: Thresholds
) -> list[list[Verdict]]:
    """The verdicts of one network.

    Args:
        accuracy: on fresh items.
        sites: in the order in which the network passes them, for each a row a variable.
        competence: accuracy under which nothing is claimed.
        thresholds: from where on a score counts.
    """
    judged: list[list[Verdict]] = []
    for rows in sites:
        judged.append([_judge(accuracy, seen, judged, competence, thresholds) for seen in rows])
    return judged


def answer(judged: Sequence[Sequence[Verdict]], rivals: Sequence[Sequence[Verdict]] = ()) -> Answer:
    """What the verdicts on all variables say of a network.

    Args:
        judged: from `judge_network`, for the hypothesis of the study.
        rivals: the same for other ways to the output.
    """
    hidden = [[verdict.word for verdict in row] for row in judged if row and row[0].seen.hidden]
    words = [word for row in hidden for word in row]
    if "not-learned" in words:
        return "not-learned"
    if any(all(word in FOUND for word in row) for row in hidden):
        return "hierarchical"
    if any(verdict.word in FOUND for row in rivals for verdict in row if verdict.seen.hidden):
        return "other-route"
    if any(word in (*FOUND, "partial") for word in words):
        return "partly-hierarchical"
    if "bypassed" in words and all(word in (*MISSING, "unused") for word in words):
        return "straight-to-the-end"
    return "undecided"


def _judge(
    accuracy: float, seen: SiteObservation, before: Sequence[Sequence[Verdict]], competence: float, bars: Thresholds
) -> Verdict:
    """One variable at one site, given the verdicts at earlier ones."""
    good = [entry for entry in seen.entries if is_found(entry, bars, seen.bar)]
    best = max(seen.entries, key=lambda entry: entry.iia)
    shown = _shown(good, best)
    evidence = [said.competence_evidence(accuracy, competence), *said.control_evidence(shown, good, seen, bars)]

    def say(word: Word, *wanted: str) -> Verdict:
        return Verdict(seen=seen, word=word, entry=shown, evidence=tuple(evidence), wanted=wanted)

    if accuracy < competence:
        return say("not-learned")
    if not seen.hidden:
        return say("entangled") if good else say("undecided", "Nothing: the input is no evidence of a computation.")
    if seen.null is None:
        return say("undecided", "Untrained networks of the same architecture, for a score to be held against.")
    if good or is_partial(best, seen, bars):
        return _present(seen, good, bars, say)
    return _missing(seen, best, before, bars, say, evidence)


def _present(seen: SiteObservation, good: Sequence[Effect], bars: Thresholds, say: Callable[..., Verdict]) -> Verdict:
    """Something is there in the full state; what becomes of it inside the used subspace?"""
    if seen.used is None:
        return say("undecided", "The used subspace, for a copy that nobody reads would look the same.")
    inside = [entry for entry in seen.used.entries if is_found(entry, bars, seen.bar)]
    if good and inside:
        known = [entry.pure for entry in inside if entry.pure is not None]
        if not known:
            return say("undecided", "How much of the operands rides along in the features.")
        return say("computed" if min(known) <= bars.pure else "entangled")
    if inside or any(is_partial(entry, seen, bars) for entry in seen.used.entries):
        return say("partial")
    if seen.used.reach <= seen.ceiling:
        wanted = _unshown(seen, bars)
        return say("undecided", wanted) if wanted else say("unused")
    return say(
        "undecided",
        "More starts or steps inside the used subspace: there the score is neither above the ceiling in both "
        "directions nor below it.",
    )


def _missing(
    seen: SiteObservation,
    best: Effect,
    before: Sequence[Sequence[Verdict]],
    bars: Thresholds,
    say: Callable[..., Verdict],
    evidence: list[Evidence],
) -> Verdict:
    """Nothing was found; is nothing there?"""
    reach = max(entry.high for entry in seen.entries)
    if seen.used is not None:  # what the rest of the network does not need cannot be its intermediate step
        reach = min(reach, seen.used.reach)
    if reach > seen.ceiling:
        return say(
            "undecided",
            f"More restarts, another start or more items: the score may be up to {reach:.3f}, and "
            f"{seen.ceiling:.3f} can be had without the variable.",
        )
    wanted = _unshown(seen, bars)
    if wanted:
        return say("undecided", wanted)
    own = [v for row in before for v in row if v.seen.variable == seen.variable and v.seen.hidden]
    if any(verdict.word in FOUND for verdict in own):
        return say("consumed")
    straight = _output(seen, best.size)
    if straight is not None:
        size, low = straight
        evidence.append(
            Evidence(
                control="output",
                text=f"The output itself, inside the used subspace at size {size}: IIA of at least {low:.3f}.",
                passes=low >= bars.found,
            )
        )
        if low >= bars.found and all(verdict.word in (*MISSING, "unused") for verdict in own):
            return say("bypassed")
    return say("absent")


def _unshown(seen: SiteObservation, bars: Thresholds) -> str | None:
    """What it takes before a search that found nothing says anything; `None` where that was shown."""
    if seen.impossible is not None:
        return None
    if seen.power is None:
        return PLANTED
    if seen.power.low < bars.power:
        return (
            f"A stronger search (more restarts, other starts or sizes): it finds {seen.power.found} of "
            f"{seen.power.of} planted variables ({seen.power.kind})."
        )
    return None


def _output(seen: SiteObservation, size: Size) -> tuple[Size, float] | None:
    """The best score of the output at a size too small to be that of all variables together."""
    if seen.used is None:
        return None
    small = {k: low for k, low in seen.used.output.items() if mean_size(k) <= min(2, mean_size(size))}
    return max(small.items(), key=lambda pair: pair[1]) if small else None


def _shown(good: Sequence[Effect], best: Effect) -> Effect:
    """The entry a verdict is about: of what was found the smallest, by the first class of maps that found it."""
    if not good:
        return best
    first = good[0].map
    return min((entry for entry in good if entry.map == first), key=lambda entry: entry.size)
