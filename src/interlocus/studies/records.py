"""Values that pass between workers and a run folder: trials with their alignments, and all measurements of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from interlocus.alignment.alignment import Alignment
from interlocus.controls.ground_truth.planted_result import PlantedResult
from interlocus.controls.record import ControlRecord
from interlocus.core.json_record import JsonRecord
from interlocus.core.tensor_files import TensorFile
from interlocus.searches.results import Restarts
from interlocus.studies.plan import Trial


@dataclass(frozen=True, kw_only=True)
class Record(JsonRecord):
    """The result of one trial.

    Args:
        trial: Names of the network, site, hypothesis, featurizer and schedule.
        study: Fingerprint of the study that the trial belongs to.
        accuracy: Accuracy of the network on fresh examples, from 0 to 1.
        seconds: Time of the trial's job divided by the number of its trials.
        sizes: For each size, from small to large, all restarts with their scores.
    """

    trial: Trial
    study: str
    accuracy: float
    seconds: float
    sizes: tuple[Restarts, ...]


@dataclass(frozen=True, kw_only=True)
class TrialResult:
    """A finished trial.

    Args:
        record: The record with all scores.
        alignments: The alignments, one for each size, as the content of a safetensors file.
    """

    record: Record
    alignments: bytes


@dataclass(frozen=True, kw_only=True)
class ControlResult:
    """The controls of one network at one site.

    Args:
        record: The record with all results.
        inside: For each featurizer the alignments that were found inside the used subspace, one for each size, as the
            content of a safetensors file. They are alignments of the unrestricted network.
    """

    record: ControlRecord
    inside: Mapping[str, bytes]


@dataclass(frozen=True, kw_only=True)
class StoredAlignment:
    """An alignment in a form that can be sent to a worker.

    Args:
        file: The safetensors file of a trial, in memory.
        size: Size of the alignment, one of those in the file.
    """

    file: TensorFile
    size: int | str

    def load(self) -> Alignment:
        """Parse the file and return the alignment of this size."""
        return Alignment.load(self.file, size=self.size)


@dataclass(frozen=True, kw_only=True)
class Measurements:
    """Everything that verdicts are made from.

    Args:
        records: The records of all finished trials, in the order of their names.
        controls: Control records by the names of network and site.
        planted: Results in planted networks, by `planted_name`.
    """

    records: tuple[Record, ...]
    controls: Mapping[tuple[str, str], ControlRecord]
    planted: Mapping[str, PlantedResult]
