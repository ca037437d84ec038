"""A folder with records of one kind: one JSON file for each record, written atomically and parsed once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from interlocus.core.errors import InterlocusError, RunFolderError
from interlocus.core.json_record import JsonObject
from interlocus.core.version import __version__
from interlocus.studies.spec.study import SCHEMA

Value = TypeVar("Value")

Write = Callable[[Path, bytes], None]
"""Writes a file completely or not at all."""


class RecordFolder(Generic[Value]):
    """The records of one kind. A record stays in memory once it was added or read, so no file is parsed twice.

    Args:
        folder: Path of the folder; a record is the file `<name>.json` in it.
        write: Writes a file completely or not at all.
        to_json: Converts a record into plain values that JSON can hold.
        from_json: Converts such plain values back into a record.
    """

    def __init__(
        self,
        folder: Path,
        write: Write,
        *,
        to_json: Callable[[Value], JsonObject],
        from_json: Callable[[JsonObject], Value],
    ) -> None:
        self.folder = folder
        self._write, self._to_json, self._from_json = write, to_json, from_json
        self._known: dict[str, Value] = {}

    def __contains__(self, name: str) -> bool:
        return self.path(name).is_file()

    def path(self, name: str) -> Path:
        """Path of the file of a record, whether or not it exists."""
        return self.folder / f"{name}.json"

    def names(self) -> list[str]:
        """The names of all records, in alphabetical order."""
        return sorted(path.stem for path in self.folder.glob("*.json"))

    def add(self, name: str, value: Value) -> None:
        """Write a record to its file.

        Args:
            name: Name of the record, the stem of its file.
            value: The record to write.

        Raises:
            RunFolderError: The file cannot be written.
        """
        content = {"schema": SCHEMA, "version": __version__} | self._to_json(value)
        self._write(self.path(name), (json.dumps(content, indent=1) + "\n").encode())
        self._known[name] = value

    def get(self, name: str) -> Value | None:
        """The record of a name, or `None` if there is none.

        Args:
            name: Name of the record, the stem of its file.

        Raises:
            RunFolderError: The file is damaged, or was written by another version.
        """
        if name not in self:
            return None
        if name not in self._known:
            self._known[name] = self._read(self.path(name))
        return self._known[name]

    def all(self) -> dict[str, Value]:
        """All records by name, in alphabetical order.

        Raises:
            RunFolderError: A file is damaged, or was written by another version.
        """
        values = {name: self.get(name) for name in self.names()}
        return {name: value for name, value in values.items() if value is not None}

    def _read(self, path: Path) -> Value:
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            schema = data.pop("schema")
            data.pop("version", None)
            if schema != SCHEMA:
                raise other_schema_error(path, schema)
            return self._from_json(data)
        except RunFolderError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError, OSError, InterlocusError):
            raise RunFolderError(
                f"The record {path} is damaged.",
                "It was cut short or changed by hand.",
                "Delete it and run the study again: only what is missing is measured.",
            ) from None


def other_schema_error(path: Path, schema: object) -> RunFolderError:
    """The error for a file of a run folder that another version wrote.

    Args:
        path: Path of the file.
        schema: The schema that the file names.
    """
    return RunFolderError(
        f"The file {path} has schema {schema}.",
        f"This version of Interlocus, {__version__}, reads schema {SCHEMA} only.",
        "Read the folder with the version that wrote it, or run the study again in another folder.",
    )
