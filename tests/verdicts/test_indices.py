"""Indices of networks: formulas, checked with numbers that were computed by hand."""

from __future__ import annotations

import json

import pytest

from interlocus.alignment.dimensions import UnequalSize
from interlocus.alignment.metrics import Cell, Score
from interlocus.controls.used_subspace import UsedSubspaceResult
from interlocus.searches.results import Restart, Restarts
from interlocus.tasks import HierarchicalEquality, SumOfThree
from interlocus.verdicts.indices import Levels, Measured, adjusted, index_interval, indices, levels_of, measured_in

TASK = HierarchicalEquality()
RIVALS = ("symmetric", "count", "identity", "output")
LEVELS = Levels(variables={"left": 0.625, "right": 0.625}, output=0.5)


def at(site, left, right, output, count=10_000):
    return Measured(site=site, variables={"left": left, "right": right}, output=output, count=count)


def test_chance_levels_are_what_rivals_reach_and_at_least_what_untrained_networks_reach():
    assert levels_of(TASK, "both", rivals=RIVALS) == LEVELS
    assert levels_of(TASK, "left", rivals=RIVALS).variables == {"left": 0.625}
    assert levels_of(TASK, "both").variables == {"left": 0.5, "right": 0.5}
    high = levels_of(TASK, "both", rivals=RIVALS, null=0.7)
    assert high == Levels(variables={"left": 0.7, "right": 0.7}, output=0.7)
    assert (
        levels_of(TASK, "both", rivals=("left",)).variables["left"] < 1
    )  # a hypothesis that holds the variable itself is no rival
    assert levels_of(TASK, "identity").variables["a"] == pytest.approx(0.5, abs=0.02)  # drawn
    assert 0 < levels_of(SumOfThree(), "first_two").variables["a_and_b"] < 0.5


def test_the_hierarchy_index_is_the_middle_times_the_share_of_the_output_that_is_missing():
    one = indices([at("layer1", 0.8125, 1.0, 0.75)], LEVELS)
    assert one.sites[0].middle == pytest.approx(0.5**0.5)
    assert one.sites[0].output == pytest.approx(0.5)
    assert one.hierarchy == pytest.approx(0.5 * 0.5**0.5)
    assert adjusted(0.2, 0.5) == 0.0
    assert adjusted(1.0, 1.0) == 0.0


def test_the_index_is_zero_where_one_variable_is_missing():
    assert indices([at("layer1", 0.625, 1.0, 0.5)], LEVELS).hierarchy == 0.0


def test_the_stage_gap_is_positive_where_the_variables_come_before_the_output():
    through = indices([at("layer1", 1.0, 1.0, 0.5), at("layer2", 0.6, 0.6, 1.0), at("layer3", 0.5, 0.5, 1.0)], LEVELS)
    assert through.hierarchy == 1.0
    assert through.stage_gap == pytest.approx(1 / 3)
    straight = indices([at("layer1", 0.5, 0.5, 1.0), at("layer2", 1.0, 1.0, 1.0)], LEVELS)
    assert straight.hierarchy == 0.0
    assert straight.stage_gap == pytest.approx(-1 / 2)


def test_stages_that_are_never_reached_have_no_gap():
    assert indices([at("layer1", 1.0, 1.0, 0.6)], LEVELS).stage_gap is None
    assert indices([at("layer1", 0.5, 0.5, 1.0)], LEVELS).stage_gap is None
    assert indices([at("layer1", 1.0, 1.0, None)], LEVELS).hierarchy == 1.0


def test_a_hypothesis_of_one_variable_has_the_index_of_that_variable():
    levels = Levels(variables={"left": 0.625}, output=0.5)
    one = Measured(site="layer1", variables={"left": 0.8125}, output=0.5, count=100)
    assert indices([one], levels).hierarchy == pytest.approx(0.5)


def test_intervals_are_wide_where_networks_differ():
    alike = [[at("layer1", 1.0, 1.0, 0.5), at("layer2", 0.5, 0.5, 1.0)]] * 6
    mixed = alike[:3] + [[at("layer1", 0.625, 0.625, 0.5), at("layer2", 0.5, 0.5, 1.0)]] * 3
    narrow, wide = index_interval(alike, LEVELS), index_interval(mixed, LEVELS)
    assert narrow.hierarchy.value == pytest.approx(1.0)
    assert narrow.hierarchy.high - narrow.hierarchy.low < 0.02
    assert wide.hierarchy.value == pytest.approx(0.5, abs=0.02)
    assert wide.hierarchy.low < 0.25 < 0.75 < wide.hierarchy.high
    assert narrow.stage_gap is not None
    assert (narrow.stage_gap.value, narrow.gaps, narrow.networks) == (0.5, 6, 6)
    assert index_interval(mixed, LEVELS) == wide
    assert index_interval([[at("layer1", 0.5, 0.5, 0.5)]], LEVELS).stage_gap is None


def test_intervals_are_wider_with_fewer_interventions():
    few, many = (index_interval([[at("layer1", 0.8, 0.8, 0.6, count)]] * 4, LEVELS) for count in (50, 50_000))
    assert few.hierarchy.high - few.hierarchy.low > 10 * (many.hierarchy.high - many.hierarchy.low)


def restarts(size, validation, **hits):
    cells = tuple(Cell(kind=kind, change="stays", hits=n, count=100) for kind, n in hits.items())
    one = Restart(
        start="random", restart=0, begin=0.5, validation=validation, last=validation, steps=1, outcome="solved",
        score=Score(cells=cells, answer_change_rate=0.5),
    )  # fmt: skip
    return Restarts(size=size, restarts=(one,), best_index=0)


def control(inside, rank=2):
    return UsedSubspaceResult(rank=rank, width=16, agreement=0.9995, agreement_at_mean=0.9995, found=inside)


def test_scores_inside_the_used_subspace_are_the_best_by_validation_and_the_output_is_smaller_than_the_variables():
    both = TASK.hypothesis("both")
    inside = {
        "both": {
            "rotation": (restarts(1, 0.95, left=90, both=80, right=100), restarts(2, 0.95, left=99, both=99, right=99)),
            "linear": (restarts(1, 0.80, left=100, both=100, right=100),),
        },
        "output": {"rotation": (restarts(1, 0.7, output=70), restarts(2, 0.9, output=95))},
    }
    found = measured_in("layer1", control(inside), both, LEVELS)
    assert found == Measured(site="layer1", variables={"left": 0.9, "right": 1.0}, output=0.7, count=100)
    no_room = measured_in("layer1", control({"output": inside["output"]}, rank=1), both, LEVELS)
    assert no_room == Measured(site="layer1", variables=dict(LEVELS.variables), output=0.7, count=100)
    both_maps = {"rotation": (restarts(UnequalSize("2+1"), 0.9, left=90, right=90),)}
    unequal = {"both": both_maps, "output": inside["output"]}
    assert measured_in("layer1", control(unequal), both, LEVELS).output == 0.95  # two directions are fewer than three
    one = indices([no_room], LEVELS)
    assert one.hierarchy == 0.0
    assert json.loads(json.dumps(one.to_json()))["sites"][0]["output"] == pytest.approx(0.4)
