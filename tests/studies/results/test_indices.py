"""Indices of a run: which networks have them, and what they are compared with."""

from __future__ import annotations

import json

import pytest
from made_runs import made_run, with_controls

from interlocus.controls.used_subspace import UsedSubspaceControl
from interlocus.studies.results.indices import indices_of
from interlocus.verdicts.indices import indices, levels_of, measured_in


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return with_controls(made_run(tmp_path_factory.mktemp("indices")))


def test_networks_with_a_measured_used_subspace_have_indices(run):
    (group,) = run.indices
    assert group.group == "relu"
    assert list(group.networks) == ["relu-00"]


def test_they_are_computed_from_the_used_subspace_and_untrained_networks(run):
    task = run.study.task.build()
    null = run.verdicts[0].sites[0][0].observation.null
    levels = levels_of(task, "both", rivals=run.study.rivals, null=null)
    used = run.controls["relu-00", "layer1"].result(UsedSubspaceControl)
    expected = indices([measured_in("layer1", used, task.hypothesis("both"), levels)], levels)
    assert run.indices[0].networks["relu-00"] == expected
    assert run.indices[0].summary.networks == 1


def test_networks_that_do_not_solve_the_task_have_none(run):
    study = run.study.model_copy(update={"competence": 1.0})
    assert indices_of(study, run.measurements, run.verdicts)
    verdicts = [type(verdict)(**(vars(verdict) | {"accuracy": 0.9})) for verdict in run.verdicts]
    assert indices_of(study, run.measurements, verdicts) == []


def test_without_controls_there_are_none(tmp_path):
    assert made_run(tmp_path).indices == []


def test_variables_without_declared_values_have_none(tmp_path):
    searches = [{"hypotheses": ["difference"], "sizes": [1]}]
    run = with_controls(made_run(tmp_path, searches=searches))
    assert run.indices == []


def test_they_are_stored_as_plain_values(run):
    (group,) = run.indices
    data = json.loads(json.dumps(group.to_json()))
    assert data["group"] == "relu"
    assert data["each"]["relu-00"]["hierarchy"] == group.networks["relu-00"].hierarchy
