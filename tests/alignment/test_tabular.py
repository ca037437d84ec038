"""Rows in files: what is read is what was written, in parts or whole."""

from __future__ import annotations

import io

import numpy as np
import pytest

from interlocus.alignment import tabular as module
from interlocus.alignment.tabular import CsvWriter, NpyWriter, Rows
from interlocus.core.errors import SpecificationError


@pytest.fixture
def table():
    return np.random.default_rng(0).standard_normal((23, 3)).astype(np.float32)


@pytest.fixture(params=["npy", "npy by columns", "csv", "csv with a header"])
def path(request, table, tmp_path):
    file = tmp_path / f"table.{request.param[:3]}"
    if "npy" in request.param:
        np.save(file, np.asfortranarray(table) if "columns" in request.param else table)
    else:
        names = "a,b,c" if "header" in request.param else ""
        np.savetxt(file, table, delimiter=",", header=names, comments="", fmt="%.9g")
        file.write_text(file.read_text().lstrip("\n"))
    return file


@pytest.mark.parametrize("together", [1, 5, 23, 100])
def test_parts_are_the_whole(path, table, together, monkeypatch):
    monkeypatch.setattr(module, "ROWS_PER_READ", together)
    parts = list(Rows(path=path, width=3))
    assert max(len(part.rows) for part in parts) <= together
    np.testing.assert_array_equal(np.concatenate([part.rows for part in parts]), table)
    assert np.concatenate([part.number for part in parts]).tolist() == list(range(23))


@pytest.mark.parametrize("word", ["", "nan", "inf", "word", "1,2"])
@pytest.mark.parametrize("together", [2, 100])
def test_bad_rows_are_named_or_left_out(table, tmp_path, word, together, monkeypatch, fails):
    monkeypatch.setattr(module, "ROWS_PER_READ", together)
    lines = [",".join(map(str, row)) for row in table.tolist()]
    lines[7] = f"1.0,{word},2.0"
    file = tmp_path / "table.csv"
    file.write_text("\n".join(lines) + "\n")
    with fails(SpecificationError, "Rows 7", "--skip-invalid-rows"):
        list(Rows(path=file, width=3))
    skipping = Rows(path=file, width=3, skip_invalid=True)
    parts = list(skipping)
    assert skipping.skipped == 1
    assert np.concatenate([part.number for part in parts]).tolist() == [*range(7), *range(8, 23)]
    np.testing.assert_array_equal(np.concatenate([part.rows for part in parts]), np.delete(table, 7, 0))


def test_what_is_not_such_a_file_is_said(tmp_path, table, fails):
    with fails(SpecificationError, ".csv"):
        list(Rows(path=tmp_path / "table.txt", width=3))
    with fails(SpecificationError, "cannot be read"):
        list(Rows(path=tmp_path / "none.npy", width=3))
    (tmp_path / "bad.npy").write_text("no array")
    with fails(SpecificationError, "cannot be read"):
        list(Rows(path=tmp_path / "bad.npy", width=3))
    np.save(tmp_path / "wide.npy", table)
    with fails(SpecificationError, "[23, 3]"):
        list(Rows(path=tmp_path / "wide.npy", width=4))
    (tmp_path / "wide.csv").write_text("1,2,3\n")
    with fails(SpecificationError, "3 columns"):
        list(Rows(path=tmp_path / "wide.csv", width=4))


def test_an_array_with_objects_is_not_loaded(tmp_path, fails):
    """Loading it would run code."""
    np.save(tmp_path / "objects.npy", np.array([[{}]], dtype=object), allow_pickle=True)
    with fails(SpecificationError, "cannot be read"):
        list(Rows(path=tmp_path / "objects.npy", width=1))


COLUMNS = {
    "row": np.arange(4),
    "left": np.array([0, 1, 1, 0]),
    "left_features": np.arange(8, dtype=np.float32).reshape(4, 2) / 3,
}


def test_an_array_is_written_in_parts(tmp_path):
    out = NpyWriter(tmp_path / "read.npy")
    for part in (slice(0, 1), slice(1, 4)):
        out.write({name: values[part] for name, values in COLUMNS.items()})
    out.finish()
    out.close()
    read = np.load(tmp_path / "read.npy")
    assert read.dtype.names == tuple(COLUMNS)
    for name, values in COLUMNS.items():
        np.testing.assert_array_equal(read[name], values)


def test_text_has_its_names_once():
    file = io.StringIO()
    out = CsvWriter(file)
    for part in (slice(0, 1), slice(1, 4)):
        out.write({name: values[part] for name, values in COLUMNS.items()})
    lines = file.getvalue().splitlines()
    assert lines[0] == "row,left,left_features_0,left_features_1"
    assert lines[2] == "1,1,0.666667,1"
    assert len(lines) == 5
