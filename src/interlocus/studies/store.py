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

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from interlocus.alignment.alignment import Alignment, alignments_to_bytes
from interlocus.alignment.dimensions import Size
from interlocus.core.errors import RunFolderError
from interlocus.core.version import __version__
from interlocus.networks import AbstractNetworks
from interlocus.studies.plan import Trial
from interlocus.studies.records import Record
from interlocus.studies.spec.study import SCHEMA, Study

FILE_MODE = 0o644
"""Who shares a run folder can read it; temporary files are private otherwise."""


class Store:
    """A run folder.

    Args:
        folder: where.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

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
            for name in ("records", "alignments", "networks", "figures", "controls", "twins"):
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

    def has(self, trial: Trial) -> bool:
        """Whether a trial is finished."""
        return self._record(trial.name).is_file()

    def add(self, record: Record, alignments: dict[Size, Alignment]) -> None:
        """Keep a finished trial. The record comes last: where it is, the rest is."""
        self.write(self.alignment_path(record.trial.name), alignments_to_bytes(alignments))
        self.write(self._record(record.trial.name), (json.dumps(record.to_json(), indent=1) + "\n").encode())

    def record(self, name: str) -> Record:
        """One record.

        Raises:
            RunFolderError: it is truncated, or was written by another version.
        """
        path = self._record(name)
        try:
            data = json.loads(path.read_text())
            if data["schema"] != SCHEMA:
                raise RunFolderError(
                    f"The record {path} has schema {data['schema']}.",
                    f"This version reads schema {SCHEMA}.",
                    "Use the version that wrote it, or search again in another folder.",
                )
            return Record.from_json(data)
        except (ValueError, KeyError, TypeError, OSError):
            raise RunFolderError(
                f"The record {path} is damaged.",
                "It was cut short or changed by hand.",
                "Delete it and run the study again: only what is missing is searched.",
            ) from None

    def records(self) -> Iterator[Record]:
        """All records, by name."""
        for path in sorted((self.folder / "records").glob("*.json")):
            yield self.record(path.stem)

    def add_control(self, network: str, site: str, control: dict[str, Any]) -> None:
        """Keep what controls say of a network at a site."""
        self._add_plain(self.folder / "controls" / f"{network}.{site}.json", control)

    def control(self, network: str, site: str) -> dict[str, Any] | None:
        """The same again, where it was measured."""
        return self._plain(self.folder / "controls" / f"{network}.{site}.json")

    def add_twins(self, name: str, twins: dict[str, Any]) -> None:
        """Keep in how many planted networks a variable was found."""
        self._add_plain(self.folder / "twins" / f"{name}.json", twins)

    def twins(self, name: str) -> dict[str, Any] | None:
        """The same again, where it was measured."""
        return self._plain(self.folder / "twins" / f"{name}.json")

    def add_reuse(self, network: str, reuse: dict[str, Any]) -> None:
        """Keep how well a new question is answered about a network."""
        with _writing(self.folder):
            (self.folder / "reuse").mkdir(exist_ok=True)
        self._add_plain(self.folder / "reuse" / f"{network}.json", reuse)

    def reuse(self, network: str) -> dict[str, Any] | None:
        """The same again, where it was measured."""
        return self._plain(self.folder / "reuse" / f"{network}.json")

    def _add_plain(self, path: Path, data: dict[str, Any]) -> None:
        self.write(path, (json.dumps({"schema": SCHEMA} | data, indent=1) + "\n").encode())

    def _plain(self, path: Path) -> dict[str, Any] | None:
        if not path.is_file():
            return None
        try:
            data = json.loads(path.read_text())
            data.pop("schema")
        except (ValueError, KeyError, AttributeError):
            raise RunFolderError(
                f"The file {path} is damaged.",
                "It was cut short or changed by hand.",
                "Delete it and run the study again: only what is missing is measured.",
            ) from None
        return data

    def alignment_path(self, trial: str) -> Path:
        """Where the alignments of a trial are kept, a size each."""
        return self.folder / "alignments" / f"{trial}.safetensors"

    def network_path(self, name: str) -> Path:
        """Where a network is kept."""
        return self.folder / "networks" / f"{name}.safetensors"

    def add_network(self, name: str, network: AbstractNetworks) -> None:
        """Keep a network."""
        self.write(self.network_path(name), network.to_bytes())

    def _record(self, name: str) -> Path:
        return self.folder / "records" / f"{name}.json"


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
