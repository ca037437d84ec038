"""The verdict on one network: the verdicts on all its sites, and the answer they give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from interlocus.core.display import AbstractDisplayable, Display
from interlocus.core.json_record import JsonObject
from interlocus.verdicts.verdict import Verdict
from interlocus.verdicts.words import Answer


@dataclass(frozen=True, kw_only=True, repr=False)
class NetworkVerdict(AbstractDisplayable):
    """What is said of one network.

    Args:
        network: Name of the network.
        group: Name of its group.
        accuracy: Accuracy of the network on fresh items, from 0 to 1.
        answer: The word for the whole network.
        sites: For each site, in order, one verdict for each variable.
        rivals: The same for hypotheses that describe other routes to the output, inside the used subspace.
        other_answers: The answer at other thresholds of the IIA and of the worst transition, by their names such as
            `.90/.80`; empty where nothing was judged again.
    """

    network: str
    group: str
    accuracy: float
    answer: Answer
    sites: tuple[tuple[Verdict, ...], ...]
    rivals: tuple[tuple[Verdict, ...], ...]
    other_answers: Mapping[str, Answer] = field(default_factory=dict)

    def display(self) -> Display:
        """The word for the network, and one row for each site and variable."""
        return Display(
            title=f"{self.network} ({self.group}): {self.answer}, accuracy {self.accuracy:.3f}",
            columns=("site", "variable", "IIA", "size", "featurizer", "verdict"),
            rows=[
                (
                    verdict.observation.site,
                    verdict.observation.variable,
                    f"{verdict.effect.iia:.3f} [{verdict.effect.low:.3f}, {verdict.effect.high:.3f}]",
                    str(verdict.effect.size),
                    verdict.effect.featurizer,
                    verdict.word,
                )
                for row in self.sites
                for verdict in row
            ],
            notes=("A single verdict shows its evidence, for instance `sites[0][0]`.",),
        )

    def to_json(self) -> JsonObject:
        """Plain values: one network of `verdict.json`."""
        return {
            "network": self.network,
            "group": self.group,
            "accuracy": self.accuracy,
            "answer": self.answer,
            "other_answers": dict(self.other_answers),
            "sites": [verdict.to_json() for row in self.sites for verdict in row],
            "rivals": [verdict.to_json() for row in self.rivals for verdict in row],
        }
