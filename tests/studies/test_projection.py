"""Projections of states into the subspace of a variable."""

from __future__ import annotations

import json

import pytest

from interlocus.core.errors import RunFolderError
from interlocus.report.figures import figures
from interlocus.studies.projection import NEAR_BEST, POINTS, Projections, projected_size
from interlocus.studies.run import Run, run_study


def test_each_trained_group_has_projections_at_each_hidden_site(tiny_run):
    projections = tiny_run.projections
    assert [(projection.group, projection.site, projection.variable) for projection in projections] == [
        ("relu", "layer1", "left"),
        ("relu", "layer1", "right"),
    ]
    assert "subspace_relu_layer1" in figures(tiny_run)


def test_after_the_exchange_the_features_are_those_of_the_source(tiny_run):
    for projection in tiny_run.projections:
        base, source, patched = projection.base, projection.source, projection.patched
        assert projection.map == "rotation"
        assert len(base.x) == len(patched.x) == POINTS
        assert patched.value == source.value
        assert patched.x == pytest.approx(source.x, abs=2e-3)  # two roundings of .0005 and single precision
        if projection.size > 1:
            assert patched.y == pytest.approx(source.y, abs=2e-3)
        assert set(base.value) == {0, 1}


def test_a_stored_projection_is_not_computed_again(tiny_run, tiny_folder):
    (path,) = (tiny_folder / "projections").glob("*.json")
    data = json.loads(path.read_text())
    data["variables"][0]["share"] = 0.125
    path.write_text(json.dumps(data))
    assert run_study(tiny_run.study, tiny_folder).projections[0].share == 0.125
    path.unlink()
    assert run_study(tiny_run.study, tiny_folder).projections == tiny_run.projections


def test_a_damaged_file_is_named(tiny_folder, fails):
    (path,) = (tiny_folder / "projections").glob("*.json")
    path.write_text("{")
    with fails(RunFolderError, "damaged", path.name):
        _ = Run.load(tiny_folder).projections


def test_projections_are_read_without_the_network(tiny_run, tiny_folder):
    (tiny_folder / "networks" / "relu-00.safetensors").unlink()
    assert Run.load(tiny_folder).projections == tiny_run.projections


def test_projections_are_stored_as_plain_values(tiny_run):
    for projections in tiny_run.store.projections.all().values():
        assert Projections.from_json(json.loads(json.dumps(projections.to_json()))) == projections


def test_the_projected_size_is_the_smallest_that_scores_about_as_well_as_the_best(tiny_run):
    for record in tiny_run.records:
        validation = {entry.size: entry.best.validation for entry in record.sizes}
        size = projected_size(record)
        assert validation[size] >= max(validation.values()) - NEAR_BEST
        assert all(score < max(validation.values()) - NEAR_BEST for other, score in validation.items() if other < size)
