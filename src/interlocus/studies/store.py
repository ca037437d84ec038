"""The run folder: records, alignments and networks in files of their own, written atomically; what is finished stays.

::

    DIR/study.yaml                           the study with every default, with library and schema version
    DIR/networks/<network>.safetensors
    DIR/records/<trial>.json                 one for each finished trial
    DIR/alignments/<trial>.safetensors       its alignments, one for each size
    DIR/controls/<network>.<site>.json       what controls say of a network at a site
    DIR/planted/<architecture>.<site>.<kind>.json   how often planted variables were found
    DIR/projections/<group>.<site>.json      states in the subspace that was found
    DIR/reuse/<network>.json                 how well a new question is answered
    DIR/verdict.json, DIR/scores.csv         what scores and controls say together, and the table of scores
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import yaml

from interlocus.controls.power import PlantedResult
from interlocus.controls.record import ControlRecord
from interlocus.core.errors import RunFolderError
from interlocus.core.tensor_files import TensorFile
from interlocus.core.version import __version__
from interlocus.studies.projection import Projections
from interlocus.studies.record_folder import RecordFolder
from interlocus.studies.records import Measurements, Record
from interlocus.studies.reuse.measure import Reuse
from interlocus.studies.spec.study import SCHEMA, Study

FILE_MODE = 0o644
"""Whoever shares a run folder can read it; temporary files are private otherwise."""
FOLDERS = ("records", "alignments", "networks", "figures", "controls", "planted", "projections", "reuse")


class Store:
    """A run folder.

    Args:
        folder: Path of the folder; `begin` makes it.

    Attributes:
        records: One for each finished trial, by `Trial.name`.
        controls: What controls say of a network at a site, by `control_name`.
        planted: What was found in planted networks, by `planted_name`.
        projections: States in the subspace that was found, by `<group>.<site>`.
        reuse: How well a new question is answered, by the name of the network.
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
            self.folder / "planted", self.write, to_json=asdict, from_json=PlantedResult.from_json
        )
        self.projections = RecordFolder[Projections](
            self.folder / "projections", self.write, to_json=Projections.to_json, from_json=Projections.from_json
        )
        self.reuse = RecordFolder[Reuse](
            self.folder / "reuse", self.write, to_json=Reuse.to_json, from_json=Reuse.from_json
        )

    @property
    def measurements(self) -> Measurements:
        """Everything that verdicts are made from.

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
        """The table."""
        return self.folder / "scores.csv"

    @property
    def verdict(self) -> Path:
        """The verdicts."""
        return self.folder / "verdict.json"

    @property
    def page(self) -> Path:
        """The report."""
        return self.folder / "report.html"

    def begin(self, study: Study) -> None:
        """Make the folder, or find that it holds the same study.

        Raises:
            RunFolderError: another study is in there, or the folder cannot be written.
        """
        path = self.folder / "study.yaml"
        if path.exists():
            there = self.study()
            if there != study:
                raise RunFolderError(
                    f"The folder {self.folder} holds another study ({_difference(there, study)}).",
                    "Records of two studies cannot be told apart.",
                    "Pass another folder with --out, or the study that is there.",
                )
        with _writing(self.folder):
            for name in FOLDERS:
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            for left in self.folder.rglob("*.partial"):  # of a run that was killed
                left.unlink()
        if not path.exists():
            header = f"# interlocus {__version__}, schema {SCHEMA}: the study with every default written out\n"
            self.write(path, (header + yaml.safe_dump(study.to_dict(), sort_keys=False)).encode())

    def has_study(self) -> bool:
        """Whether this is a run folder at all."""
        return (self.folder / "study.yaml").is_file()

    def study(self) -> Study:
        """The study in this folder.

        Raises:
            RunFolderError: there is none.
        """
        if not self.has_study():
            raise RunFolderError(
                f"{self.folder} is no run folder.",
                "It holds no study.yaml.",
                "Pass a folder that `interlocus study` wrote.",
            )
        return Study.stored(self.folder / "study.yaml")

    def write(self, path: Path, content: bytes) -> None:
        """Write a file whole or not at all.

        Raises:
            RunFolderError: it cannot be written.
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
        """Write a file, unless it holds just that.

        Raises:
            RunFolderError: it cannot be written.
        """
        if not path.is_file() or path.read_bytes() != content:
            self.write(path, content)

    def add(self, record: Record, alignments: bytes) -> None:
        """Keep a finished trial. The record comes last: where it is, the alignments are.

        Raises:
            RunFolderError: A file cannot be written.
        """
        self.write(self.alignment_path(record.trial.name), alignments)
        self.records.add(record.trial.name, record)

    def alignment_path(self, trial: str) -> Path:
        """Where the alignments of a trial are kept, a size each."""
        return self.folder / "alignments" / f"{trial}.safetensors"

    def network_path(self, name: str) -> Path:
        """Where a network is kept."""
        return self.folder / "networks" / f"{name}.safetensors"

    def has_networks(self, names: tuple[str, ...]) -> bool:
        """Whether the folder holds all of these networks."""
        return all(self.network_path(name).is_file() for name in names)

    def networks(self, names: tuple[str, ...]) -> tuple[TensorFile, ...]:
        """The files of networks, in memory, as jobs take them."""
        return tuple(TensorFile.at(self.network_path(name)) for name in names)

    def add_network(self, name: str, content: bytes) -> None:
        """Keep a network.

        Raises:
            RunFolderError: The file cannot be written.
        """
        self.write(self.network_path(name), content)


def control_name(network: str, site: str) -> str:
    """The name of a control record."""
    return f"{network}.{site}"


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RunFolderError(
            f"The folder {folder} cannot be written: {error.strerror or error}.",
            "Results are kept there.",
            "Make room or get permission, or pass another folder with --out; what is finished is kept.",
        ) from None


def _difference(there: Study, here: Study) -> str:
    """The first key in which two studies differ."""
    one, other = there.to_dict(), here.to_dict()
    key = next(key for key in one if one[key] != other[key])
    return f"{key} is {one[key]} there and {other[key]} here" if key in {"name", "seed"} else f"they differ in {key}"
