"""The run folder. Each record, alignment and network is a file of its own, written atomically.

::

    DIR/study.yaml                           the study with every default, with library and schema version
    DIR/networks/<network>.safetensors
    DIR/records/<trial>.json                 one for each finished trial
    DIR/alignments/<trial>.safetensors       its alignments, one for each size
    DIR/alignments/<trial>.inside.safetensors   those that were found inside the used subspace
    DIR/controls/<network>.<site>.json       the controls of a network at a site
    DIR/planted/<architecture>.<site>.<kind>.json   how often planted variables are found
    DIR/projections/<group>.<site>.json      states projected into the subspaces of variables
    DIR/reuse/<network>.json                 accuracy on a new question
    DIR/verdict.json, DIR/scores.csv         all verdicts with their evidence, and the table of scores
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from interlocus.controls.ground_truth.planted_result import PlantedResult
from interlocus.controls.record import ControlRecord
from interlocus.core.errors import RunFolderError
from interlocus.core.tensor_files import TensorFile
from interlocus.core.version import __version__
from interlocus.studies.projection import Projections
from interlocus.studies.record_folder import RecordFolder, other_schema_error
from interlocus.studies.records import Measurements, Record
from interlocus.studies.reuse.measure import Reuse
from interlocus.studies.spec.study import SCHEMA, Study

FILE_MODE = 0o644
"""Permissions of the files in a run folder: others can read them, unlike temporary files."""
FOLDERS = ("records", "alignments", "networks", "figures", "controls", "planted", "projections", "reuse")
"""Names of the folders inside a run folder."""
INSIDE = "inside"
"""What follows the name of a trial in the name of the file with alignments inside the used subspace."""
_SCHEMA_IN_HEADER = re.compile(r"schema (\d+)")


class Store:
    """A run folder.

    Args:
        folder: Path of the folder; `begin` makes it if it does not exist.

    Attributes:
        records: One record for each finished trial, by `Trial.name`.
        controls: The controls of a network at a site, by `control_name`.
        planted: Results of searches in planted networks, by `planted_name`.
        projections: States projected into the subspaces of variables, by `<group>.<site>`.
        reuse: Accuracy on a new question, by the name of the network.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.records = RecordFolder[Record](
            self.folder / "records", self.write, to_json=Record.to_json, from_json=Record.from_json
        )
        self.controls = RecordFolder[ControlRecord](
            self.folder / "controls", self.write, to_json=ControlRecord.to_json, from_json=ControlRecord.from_json
        )
        self.planted = RecordFolder[PlantedResult](
            self.folder / "planted", self.write, to_json=PlantedResult.to_json, from_json=PlantedResult.from_json
        )
        self.projections = RecordFolder[Projections](
            self.folder / "projections", self.write, to_json=Projections.to_json, from_json=Projections.from_json
        )
        self.reuse = RecordFolder[Reuse](
            self.folder / "reuse", self.write, to_json=Reuse.to_json, from_json=Reuse.from_json
        )

    @property
    def measurements(self) -> Measurements:
        """All measurements that verdicts are made from.

        Raises:
            RunFolderError: A record is damaged, or was written by another version.
        """
        controls = self.controls.all().values()
        return Measurements(
            records=tuple(self.records.all().values()),
            controls={(control.network, control.site): control for control in controls},
            planted=self.planted.all(),
        )

    @property
    def scores(self) -> Path:
        """Path of the table of scores."""
        return self.folder / "scores.csv"

    @property
    def verdict(self) -> Path:
        """Path of the file with all verdicts."""
        return self.folder / "verdict.json"

    @property
    def page(self) -> Path:
        """Path of the page."""
        return self.folder / "report.html"

    def begin(self, study: Study) -> None:
        """Make the folder, or check that it holds the same study.

        Args:
            study: The study that is to be run or resumed.

        Raises:
            RunFolderError: The folder holds another study, or cannot be written.
        """
        path = self.folder / "study.yaml"
        if path.exists():
            stored = self.study()
            if stored != study:
                raise RunFolderError(
                    f"The folder {self.folder} holds another study ({_difference(stored, study)}).",
                    "One folder cannot hold the records of two studies.",
                    f"Choose another folder (--out on the command line), or run the study that is stored in {path}.",
                )
        with _writing(self.folder):
            for name in FOLDERS:
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            for partial in self.folder.rglob("*.partial"):  # left by a run that was killed
                partial.unlink()
        if not path.exists():
            header = f"# interlocus {__version__}, schema {SCHEMA}: the study with every default written out\n"
            self.write(path, (header + yaml.safe_dump(study.to_dict(), sort_keys=False)).encode())

    def has_study(self) -> bool:
        """Whether the folder holds a study, and so is a run folder."""
        return (self.folder / "study.yaml").is_file()

    def study(self) -> Study:
        """Read the study in this folder.

        Raises:
            RunFolderError: The folder holds no study, or one that another version wrote.
            SpecificationError: The file of the study was changed, and no longer holds a study.
        """
        if not self.has_study():
            raise RunFolderError(
                f"{self.folder} is no run folder.",
                "It has no file study.yaml.",
                "Pass a folder that `interlocus study` wrote.",
            )
        path = self.folder / "study.yaml"
        with path.open(encoding="utf-8", errors="replace") as file:
            schema = _SCHEMA_IN_HEADER.search(file.readline())
        if schema and schema.group(1) != str(SCHEMA):
            raise other_schema_error(path, schema.group(1))
        return Study.stored(path)

    def write(self, path: Path, content: bytes) -> None:
        """Write a file completely or not at all.

        Args:
            path: Path of the file, inside this folder.
            content: Its content; an existing file is replaced.

        Raises:
            RunFolderError: The file cannot be written.
        """
        with _writing(self.folder):
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".partial")
            try:
                with os.fdopen(handle, "wb") as file:
                    os.fchmod(handle, FILE_MODE)
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).replace(path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise

    def renew(self, path: Path, content: bytes) -> None:
        """Write a file, unless it has this content already.

        Args:
            path: Path of the file, inside this folder.
            content: The content that the file is to have.

        Raises:
            RunFolderError: The file cannot be written.
        """
        if not path.is_file() or path.read_bytes() != content:
            self.write(path, content)

    def add(self, record: Record, alignments: bytes) -> None:
        """Write a finished trial. The record is written last, so a trial with a record has its alignments.

        Args:
            record: The record of the trial.
            alignments: The content of the file with its alignments.

        Raises:
            RunFolderError: A file cannot be written.
        """
        self.write(self.alignment_path(record.trial.name), alignments)
        self.records.add(record.trial.name, record)

    def alignment_path(self, trial: str) -> Path:
        """Path of the file with the alignments of a trial, one for each size."""
        return self.folder / "alignments" / f"{trial}.safetensors"

    def network_path(self, name: str) -> Path:
        """Path of the file of a network."""
        return self.folder / "networks" / f"{name}.safetensors"

    def has_networks(self, names: tuple[str, ...]) -> bool:
        """Whether the folder holds all of these networks."""
        return all(self.network_path(name).is_file() for name in names)

    def networks(self, names: tuple[str, ...]) -> tuple[TensorFile, ...]:
        """The files of networks, read into memory so that jobs can send them."""
        return tuple(TensorFile.at(self.network_path(name)) for name in names)

    def add_network(self, name: str, content: bytes) -> None:
        """Write a network.

        Args:
            name: Name of the network in this run.
            content: The content of its safetensors file.

        Raises:
            RunFolderError: The file cannot be written.
        """
        self.write(self.network_path(name), content)


def control_name(network: str, site: str) -> str:
    """Name of the control record of a network at a site."""
    return f"{network}.{site}"


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RunFolderError(
            f"The folder {folder} cannot be written: {error.strerror or error}.",
            "Results are stored in this folder.",
            "Free disk space, change permissions, or choose another folder; what is finished is kept.",
        ) from None


def _difference(stored: Study, given: Study) -> str:
    """The first key in which two studies differ."""
    old, new = stored.to_dict(), given.to_dict()
    key = next(key for key in old if old[key] != new[key])
    return f"{key} is {old[key]} there and {new[key]} here" if key in {"name", "seed"} else f"they differ in {key}"
