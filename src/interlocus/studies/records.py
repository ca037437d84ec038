"""The run folder: one JSON record and one safetensors file a trial, written atomically; what is finished stays.

::

    DIR/study.yaml              the resolved study, with library and schema version
    DIR/networks/<network>.safetensors
    DIR/records/<trial>.json    one a finished trial
    DIR/alignments/<trial>.safetensors
    DIR/controls/<network>.<site>.json, DIR/twins/<architecture>.<site>.<kind>.json
    DIR/reuse/<network>.json    how well a new question about what was found is answered
    DIR/verdict.json            what scores and controls say together
    DIR/scores.csv              what the records say, a row a size
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from interlocus.core.version import __version__
from interlocus.searches.results import Restarts
from interlocus.studies.plan import Trial
from interlocus.studies.spec.study import SCHEMA


@dataclass(frozen=True, kw_only=True)
class Record:
    """What is kept of a trial.

    Args:
        trial: which.
        study: the fingerprint of the study.
        accuracy: of the network on fresh examples.
        seconds: what its share of the searches took.
        sizes: one entry a size.
    """

    trial: Trial
    study: str
    accuracy: float
    seconds: float
    sizes: tuple[Restarts, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "schema": SCHEMA,
            "version": __version__,
            "study": self.study,
            "trial": asdict(self.trial),
            "accuracy": self.accuracy,
            "seconds": self.seconds,
            "sizes": [entry.to_json() for entry in self.sizes],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Record:
        """What `to_json` wrote."""
        return cls(
            trial=Trial(**data["trial"]),
            study=data["study"],
            accuracy=data["accuracy"],
            seconds=data["seconds"],
            sizes=tuple(Restarts.from_json(entry) for entry in data["sizes"]),
        )
