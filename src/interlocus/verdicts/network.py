"""From a run folder to verdicts: what was measured is laid out for `interlocus.verdict`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from interlocus.core.display import AbstractDisplayable, Display
from interlocus.verdicts.rules import Answer, Verdict


@dataclass(frozen=True, kw_only=True, repr=False)
class NetworkVerdict(AbstractDisplayable):
    """What is said of one network.

    Args:
        network: its name.
        group: of which it is one.
        accuracy: on fresh items.
        answer: the word for the whole network.
        sites: for each site, in order, a verdict a variable.
        rivals: the same for other ways to the output, inside the used subspace.
    """

    network: str
    group: str
    accuracy: float
    answer: Answer
    sites: tuple[tuple[Verdict, ...], ...]
    rivals: tuple[tuple[Verdict, ...], ...]

    def display(self) -> Display:
        """The word for the network, and a row a variable and site."""
        return Display(
            title=f"{self.network} ({self.group}): {self.answer}, accuracy {self.accuracy:.3f}",
            columns=("site", "variable", "IIA", "size", "map", "verdict"),
            rows=[
                (
                    one.seen.site,
                    one.seen.variable,
                    f"{one.entry.iia:.3f} [{one.entry.low:.3f}, {one.entry.high:.3f}]",
                    str(one.entry.size),
                    one.entry.map,
                    one.word,
                )
                for row in self.sites
                for one in row
            ],
            notes=("The verdict on one variable shows what it rests on: `sites[0][0]`, say.",),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        rows = [_plain(verdict) for row in self.sites for verdict in row]
        return {
            "network": self.network,
            "group": self.group,
            "accuracy": self.accuracy,
            "answer": self.answer,
            "sites": rows,
            "rivals": [_plain(verdict) for row in self.rivals for verdict in row],
        }


def _plain(verdict: Verdict) -> dict[str, Any]:
    """One row of `verdict.json`."""
    seen, entry = verdict.seen, verdict.entry
    inside = [e.pure for e in (seen.used.entries if seen.used else ()) if e.pure is not None]
    return {
        "site": seen.site,
        "variable": seen.variable,
        "verdict": verdict.word,
        "size": entry.size,
        "iia": entry.iia,
        "low": entry.low,
        "high": entry.high,
        "used_iia": verdict.used_iia,
        "used_rank": seen.used.rank if seen.used else None,
        "no_effect": seen.no_effect,
        "one_directional": seen.one_directional,
        "null": seen.null,
        "structural": seen.structural,
        "worst_transition": entry.cell,
        "operand_leakage": min(inside, default=None),
        "power": seen.power.low if seen.power else None,
        "map": entry.map,
        "wanted": list(verdict.wanted),
        "evidence": [asdict(row) for row in verdict.evidence],
    }
