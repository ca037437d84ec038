"""The evidence of a verdict: rows for the effect, and the rows of every control."""

from __future__ import annotations

import pytest
from control_contexts import effect_with, evidence_of, observation_of

from interlocus.controls.criteria import RareTransition, Thresholds
from interlocus.core.plugins import CONTROLS
from interlocus.verdicts.evidence import collect_evidence, competence_evidence

EFFECT_ROWS = ("effect", "transitions", "chance levels", "answer change rate", "two sources")


@pytest.mark.parametrize(
    ("control", "fails"),
    [
        ("effect", {"low": 0.9}),
        ("transitions", {"worst_transition": 0.5}),
        ("answer change rate", {"answer_change_rate": 0.0}),
        ("two sources", {"joint": 0.7}),
    ],
)
def test_each_property_of_the_effect_passes_by_itself(control, fails):
    good, bad = effect_with(0.98), effect_with(**({"low": 0.98} | fails))
    (passed,) = evidence_of(observation_of(effects=(good,)), control)
    assert passed.passes is True
    failed = {
        row.control: row.passes for row in collect_evidence(bad, [], observation_of(effects=(bad,)), Thresholds())
    }
    assert {name for name in EFFECT_ROWS if not failed[name]} == {control}


def test_an_effect_below_a_chance_level_does_not_pass():
    (row,) = evidence_of(observation_of(null=0.99), "chance levels")
    assert row.passes is False
    assert "untrained networks 0.990" in row.text
    assert "random directions of size 2 not measured" in row.text


def test_a_hypothesis_of_one_variable_has_no_row_about_two_sources():
    assert not evidence_of(observation_of(effects=(effect_with(0.98, joint=None),)), "two sources")


def test_the_effect_names_the_featurizers_that_found_it():
    effects = (effect_with(0.98), effect_with(0.5, featurizer="linear"))
    observation = observation_of(effects=effects)
    texts = [
        collect_evidence(effects[0], found, observation, Thresholds())[0].text for found in (effects[:1], effects, ())
    ]
    assert "found by rotation." in texts[0]
    assert "found by rotation and linear." in texts[1]
    assert "found by no rotation or linear map." in texts[2]


def test_controls_follow_in_the_order_of_the_registry():
    results = {"probes": {}, "source_variation": {"left": 0.1}}
    observation = observation_of(results=results)
    rows = collect_evidence(observation.effects[0], [], observation, Thresholds())
    names = [row.control for row in rows if row.control not in EFFECT_ROWS]
    order = [name.replace("_", " ") for name in CONTROLS]
    assert names == [name for name in order if name in names]
    assert {"used subspace", "operand leakage", "power", "source variation"} == set(names)


@pytest.mark.parametrize(("accuracy", "passes"), [(0.99, True), (0.98, False)])
def test_a_network_that_does_not_solve_the_task_does_not_pass(accuracy, passes):
    assert competence_evidence(accuracy, 0.99).passes is passes


def test_rare_transitions_are_named_with_their_interventions():
    rare = tuple(RareTransition(f"{n}→{n}", 10 + n) for n in range(6))
    (row,) = evidence_of(observation_of(effects=(effect_with(0.98, rare_transitions=rare),)), "transitions")
    assert "0→0 (10 interventions)" in row.text
    assert "5→5" not in row.text
    assert "2 more" in row.text
    (row,) = evidence_of(observation_of(effects=(effect_with(0.98),)), "transitions")
    assert "rare" not in row.text
