"""The table of scores: typed rows, and text at the edge only."""

from __future__ import annotations

import csv
import io

import pytest
from made_runs import made_run

from interlocus.studies.results.scores import featurizer_label, to_csv


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return made_run(tmp_path_factory.mktemp("run"))


def test_rows_hold_what_the_records_say(run):
    sizes = {(record.trial.name, entry.size): entry for record in run.records for entry in record.sizes}
    assert len(run.table) == len(sizes)
    for row in run.table:
        entry = sizes[f"{row.network}.{row.site}.{row.hypothesis}.{row.featurizer}", row.size]
        assert row.by_start == entry.by_start()
        assert row.solved == entry.solved()
        assert row.by_kind == entry.best.score.kinds
        assert row.iia == entry.best.score.iia


def test_the_table_as_text_has_a_line_for_each_row(run):
    lines = list(csv.DictReader(io.StringIO(to_csv(run.table))))
    assert len(lines) == len(run.table)
    for line, row in zip(lines, run.table, strict=True):
        assert line["iia"] == f"{row.iia:.6f}"
        assert line["by_start"] == ";".join(f"{start}={iia:.6f}" for start, iia in row.by_start.items())
        assert line["solved"] == ";".join(f"{start}={hits}/{count}" for start, (hits, count) in row.solved.items())
        assert list(line) == list(row.to_cells())


def test_cells_are_plain_values(run):
    assert {type(cell) for cell in run.table[0].to_cells().values()} <= {str, int, float, bool, type(None)}
    assert run.to_rows()[0] == run.table[0].to_cells()


def test_a_featurizer_is_named_with_its_schedule():
    assert featurizer_label("rotation", "greedy") == "rotation, greedy"
    assert featurizer_label("rotation", "") == "rotation"
