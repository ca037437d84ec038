"""The verdict on one variable at one site: a word, the effect it is about, and the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from interlocus.controls._base import Evidence
from interlocus.controls.criteria import Effect
from interlocus.core.display import AbstractDisplayable, Display
from interlocus.core.json_record import JsonObject
from interlocus.verdicts.observation import SiteObservation
from interlocus.verdicts.words import Word

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
        note: What the word means in this case: why a variable is there only in part, or what else is known; may be
            empty.
        other_words: The word at other thresholds of the IIA and of the worst transition, by their names such as
            `.90/.80`; empty where nothing was judged again.
    """

    observation: SiteObservation
    word: Word
    effect: Effect
    evidence: tuple[Evidence, ...]
    missing_evidence: tuple[str, ...] = ()
    note: str = ""
    other_words: Mapping[str, Word] = field(default_factory=dict)

    @property
    def threshold_note(self) -> str:
        """What the word would be at other thresholds; empty where it is the same at all of them."""
        others = {bar: word for bar, word in self.other_words.items() if word != self.word}
        if not others:
            return ""
        said = ", ".join(f"{word} at {bar}" for bar, word in others.items())
        return f"A threshold decides this word (IIA/worst transition): {said}."

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
            notes=[
                *(note for note in (self.note, self.threshold_note) if note),
                *(f"What would decide it: {missing}" for missing in self.missing_evidence),
            ],
        )

    def to_json(self) -> JsonObject:
        """Plain values: one entry of `verdict.json`, and of the JSON of an audit."""
        observation, effect, used = self.observation, self.effect, self.observation.used
        return {
            "site": observation.site,
            "variable": observation.variable,
            "verdict": self.word,
            "note": self.note,
            "other_words": dict(self.other_words),
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
