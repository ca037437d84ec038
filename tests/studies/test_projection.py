"""Projections of states into the subspace of a variable."""

from __future__ import annotations

import json

import pytest
from tiny import TINY

from interlocus.core.errors import RunFolderError
from interlocus.report.figures import figures
from interlocus.studies.projection import POINTS
from interlocus.studies.run import Run, run_study
from interlocus.studies.spec.study import Study


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    return run_study(Study.parse(TINY, "tiny"), tmp_path_factory.mktemp("run"))


def test_each_trained_group_has_projections_at_each_hidden_site(run):
    found = run.projections
    assert [(one.group, one.site, one.variable) for one in found] == [
        ("relu", "layer1", "left"),
        ("relu", "layer1", "right"),
    ]
    assert "subspace_relu_layer1" in figures(run)


def test_after_the_exchange_the_features_are_those_of_the_source(run):
    for one in run.projections:
        assert one.map == "rotation"
        assert len(one.base.x) == len(one.patched.x) == POINTS
        assert one.patched.value == one.source.value
        assert one.patched.x == pytest.approx(one.source.x, abs=2e-3)  # two roundings of .0005 and single precision
        if one.size > 1:
            assert one.patched.y == pytest.approx(one.source.y, abs=2e-3)
        assert set(one.base.value) == {0, 1}


def test_a_stored_projection_is_not_computed_again(run):
    (kept,) = (run.store.folder / "projections").glob("*.json")
    data = json.loads(kept.read_text())
    data["projections"][0]["share"] = 0.125
    kept.write_text(json.dumps(data))
    again = run_study(run.study, run.store.folder)
    assert again.projections[0].share == 0.125
    kept.unlink()
    assert run_study(run.study, run.store.folder).projections[0].share != 0.125


def test_a_damaged_file_is_named_and_says_what_to_do(run, fails):
    (kept,) = (run.store.folder / "projections").glob("*.json")
    content = kept.read_text()
    kept.write_text("{")
    with fails(RunFolderError, "damaged", kept.name):
        _ = Run.load(run.store.folder).projections
    kept.write_text(content)


def test_projections_are_read_without_the_network(run):
    path = run.store.network_path("relu-00")
    content = path.read_bytes()
    path.unlink()
    try:
        assert Run.load(run.store.folder).projections == run.projections
    finally:
        path.write_bytes(content)
