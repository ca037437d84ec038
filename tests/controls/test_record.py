"""Records of controls: what is measured in a context, and what of it is stored."""

from __future__ import annotations

import json

import pytest
from control_contexts import alignment_of, context_of, observation_of, portfolio_of
from networks_by_hand import hand_wired, known_subspace

from interlocus.controls.criteria import Thresholds
from interlocus.controls.nulls.random_directions import RandomDirections
from interlocus.controls.probes import ProbesControl
from interlocus.controls.record import ALWAYS_MEASURED, ControlRecord, controls_of, measure_controls
from interlocus.core.errors import UnknownNameError
from interlocus.core.plugins import CONTROLS
from interlocus.tasks import HierarchicalEquality
from interlocus.verdicts.rules import judge_network

TASK = HierarchicalEquality(item_width=2)


@pytest.fixture(scope="module")
def records():
    networks = hand_wired(item_width=2).select([0, 0])
    alignments = [alignment_of(networks[0], TASK, known_subspace(item_width=2), site="layer1"), None]
    controls = ("probes", "distribution_shift", "power")
    portfolio = portfolio_of(hypothesis="left")
    context = context_of(networks, TASK, site="layer1", alignments=alignments, controls=controls, portfolio=portfolio)
    return measure_controls(context, names=["one", "two"], group="both")


def test_each_network_has_one_record(records):
    assert [(record.network, record.group, record.site) for record in records] == [
        ("one", "both", "layer1"),
        ("two", "both", "layer1"),
    ]


def test_a_record_holds_what_could_be_measured(records):
    """Random directions are always measured; power waits for a verdict; one network has no alignment to be shifted."""
    one, two = records
    assert set(one.results) == {"random_directions", "probes", "distribution_shift"}
    assert set(two.results) == {"random_directions", "probes"}
    assert two.result(ProbesControl) == two.results["probes"]
    assert one.result(RandomDirections) == pytest.approx(two.result(RandomDirections))  # the networks are the same


def test_a_record_is_stored_as_plain_values(records):
    for record in records:
        assert ControlRecord.from_json(json.loads(json.dumps(record.to_json()))) == record


def test_a_control_that_is_not_installed_is_named():
    data = {"network": "n", "group": "g", "site": "layer1", "results": {"proves": 1.0}}
    with pytest.raises(UnknownNameError, match=r"proves.*probes"):
        ControlRecord.from_json(data)


def test_controls_stand_in_the_order_of_the_registry_and_each_once():
    names = [control.name for control in controls_of(("probes", "linear_ceiling", "probes", "random_directions"))]
    assert names == [name for name in CONTROLS if name in {"probes", *ALWAYS_MEASURED}]


def test_a_control_that_fails_is_recorded_and_does_not_stop_the_others(monkeypatch):
    def fails(self, context):
        raise ValueError("no convergence")

    monkeypatch.setattr(ProbesControl, "measure", fails)
    context = context_of(hand_wired(item_width=2), TASK, site="layer1", controls=("probes", "source_variation"))
    (record,) = measure_controls(context, names=["one"], group="both")
    assert record.failed == {"probes": "ValueError: no convergence"}
    assert set(record.results) >= {"random_directions"}
    assert ControlRecord.from_json(json.loads(json.dumps(record.to_json()))) == record


def test_the_verdict_names_a_control_that_failed():
    seen = observation_of(failed={"used_subspace": "NetworkError: no memory"})
    ((verdict,),) = judge_network(0.999, [[seen]], competence=0.99, thresholds=Thresholds())
    assert verdict.word == "undecided"
    assert any("used_subspace" in text and "no memory" in text for text in verdict.missing_evidence)
    (row,) = [row for row in verdict.evidence if row.control == "used subspace"]
    assert row.text == "It failed: NetworkError: no memory"
