"""The battery: networks with known ground truth, and how often verdicts on them are wrong."""

from __future__ import annotations

import pytest

from interlocus.studies.calibration.battery import ARCHITECTURES, battery
from interlocus.studies.calibration.confusion import confusion_of
from interlocus.studies.results.verdicts import collect_verdicts
from interlocus.studies.run import run_study
from interlocus.studies.spec.study import Study

WHOLE = battery()
FEW = {
    "relu16x3-random-subspace2-layer1",
    "relu16x3-count-only-layer2",
    "relu16x3-unused-copies-layer2",
    "relu16x3-untrained",
}


def _few(*, weakened: bool) -> Study:
    """A part of the small battery, with another seed than the sealed one, and without power."""
    small = battery(scale="small", weakened=weakened, seed=5)
    groups = tuple(
        group.model_copy(update={"at": group.at or ("layer1", "layer2")})
        for group in small.networks
        if group.name in FEW
    )
    assert {group.name for group in groups} == FEW
    return small.model_copy(update={"networks": groups, "controls": ("used_subspace", "operand_leakage")})


def test_the_battery_is_as_large_and_as_varied_as_it_has_to_be():
    there = [f for f in WHOLE.networks if f.ground_truth and f.source.truth == "there"]
    assert sum(f.count for f in there) >= 300
    assert sum(f.count for f in WHOLE.networks if f not in there) >= 300
    assert {one.activation for one in ARCHITECTURES} == {"relu", "sigmoid", "tanh", "gelu"}
    assert {one.width for one in ARCHITECTURES} == {16, 32, 64}
    assert {one.depth for one in ARCHITECTURES} == {1, 2, 3, 4}
    for group in there:  # the layers after the site can combine the variables
        assert group.ground_truth.site != f"layer{len(group.hidden)}"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("battery")
    return {weakened: run_study(_few(weakened=weakened), folder / str(weakened)) for weakened in (False, True)}


def _calibrated(run):
    free = run.study.model_copy(update={"competence": 0.0})
    return confusion_of(run.study, run.verdicts, collect_verdicts(free, run.measurements))


@pytest.mark.slow
def test_planted_variables_are_found_and_no_others(runs):
    table = _calibrated(runs[False])
    for one in table.cases:
        if one.truth == "there":
            assert set(one.words) <= {"computed", "entangled"}
        else:
            assert not one.reported_found
    assert table.false_found.count == table.false_missing.count == 0
    assert table.false_found.of >= 10
    assert table.false_found.high > 0.2  # nothing in ten says little


@pytest.mark.slow
def test_a_weakened_search_does_not_say_that_nothing_is_there(runs):
    table = _calibrated(runs[True])
    assert table.false_missing.count == 0
    assert table.false_found.count == 0
    assert not any(
        set(one.words) & {"absent", "consumed", "bypassed", "unused"} for one in table.cases if one.truth == "there"
    )


def test_a_wrong_ground_truth_shows_in_the_table(runs):
    run = runs[False]
    swapped = [
        group.model_copy(update={"ground_truth": group.ground_truth.model_copy(update={"construction": "count_only"})})
        if group.ground_truth and group.ground_truth.construction == "random_subspace"
        else group
        for group in run.study.networks
    ]
    study = run.study.model_copy(update={"networks": tuple(swapped)})
    assert confusion_of(study, run.verdicts, run.verdicts).false_found.count == 2


def test_the_indices_tell_networks_with_the_variables_from_those_without(runs):
    found = {one.group: one for one in runs[False].indices}
    for name, middle in (("random-subspace2-layer1", 1.0), ("count-only-layer2", 0.0), ("unused-copies-layer2", 0.0)):
        group = found[f"relu16x3-{name}"]
        assert len(group.networks) == group.summary.networks == 2
        for one in group.networks.values():
            assert [site.middle for site in one.sites] == pytest.approx([middle], abs=0.1)
    assert "relu16x3-untrained" not in found  # they do not solve the task
