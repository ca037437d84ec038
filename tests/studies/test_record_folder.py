"""A folder of records of one kind: each file is parsed at most once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from run_watching import counted_parses

from interlocus.core.errors import RunFolderError
from interlocus.studies.record_folder import RecordFolder
from interlocus.studies.spec.study import SCHEMA


def write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def count_of(data: dict[str, Any]) -> int:
    return data["count"]


def opened(folder: Path) -> RecordFolder[int]:
    """Records that are numbers."""
    return RecordFolder(folder, write, to_json=lambda count: {"count": count}, from_json=count_of)


def test_a_record_that_was_added_is_not_parsed(tmp_path):
    with counted_parses() as parsed:
        records = opened(tmp_path)
        records.add("a", 3)
        assert "a" in records
        assert records.get("a") == 3
        assert records.all() == {"a": 3}
    assert not parsed


def test_a_record_is_parsed_once(tmp_path):
    opened(tmp_path).add("b", 4)
    opened(tmp_path).add("a", 3)
    records = opened(tmp_path)
    with counted_parses() as parsed:
        assert records.names() == ["a", "b"]
        assert not parsed
        for _ in range(3):
            assert records.all() == {"a": 3, "b": 4}
            assert records.get("b") == 4
    assert parsed == {tmp_path / "a.json": 1, tmp_path / "b.json": 1}


def test_a_record_whose_file_was_deleted_is_missing(tmp_path):
    records = opened(tmp_path)
    records.add("a", 3)
    records.path("a").unlink()
    assert "a" not in records
    assert records.get("a") is None
    assert records.all() == {}


def test_a_folder_that_does_not_exist_holds_nothing(tmp_path):
    records = opened(tmp_path / "nowhere")
    assert "a" not in records
    assert records.all() == {}


def test_a_file_names_schema_and_version(tmp_path):
    opened(tmp_path).add("a", 3)
    data = json.loads((tmp_path / "a.json").read_text())
    assert data["schema"] == SCHEMA
    assert set(data) == {"schema", "version", "count"}


@pytest.mark.parametrize("content", ["", "{", "[]", '{"count": 3}', f'{{"schema": {SCHEMA}}}'])
def test_a_damaged_file_is_named(tmp_path, content, fails):
    (tmp_path / "a.json").write_text(content)
    with fails(RunFolderError, "a.json", "damaged", "Delete it"):
        opened(tmp_path).get("a")


def test_a_record_of_another_schema_is_refused(tmp_path, fails):
    (tmp_path / "a.json").write_text(json.dumps({"schema": SCHEMA + 1, "count": 3}))
    with fails(RunFolderError, f"schema {SCHEMA + 1}", f"schema {SCHEMA}"):
        opened(tmp_path).all()
