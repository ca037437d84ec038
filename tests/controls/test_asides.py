"""What is printed beside the evidence, and the null of shuffled labels."""

from __future__ import annotations

import json

import pytest
from interlocus.controls.asides import Aside, aside_of
from networks_by_hand import hand_wired, known_subspace

from interlocus.alignment.alignment import Alignment
from interlocus.controls.criteria import Effect, Thresholds
from interlocus.controls.ground_truth.hand_wired import count_only
from interlocus.controls.record import ControlRecord, controls_of
from interlocus.featurizers import Frames
from interlocus.networks import MLP
from interlocus.searches.budget import Budget, Phase
from interlocus.studies.results.verdicts import verdicts
from interlocus.studies.run import run_study
from interlocus.studies.spec.networks import NetworkGroup
from interlocus.studies.spec.searches import SearchSpec
from interlocus.studies.spec.study import Study
from interlocus.tasks import HierarchicalEquality
from interlocus.verdicts.evidence import control_evidence
from interlocus.verdicts.observation import SiteObservation

TASK = HierarchicalEquality()
SMALL = Budget(pool=2048, held_out=2048, partners=64, batch=64, check_every=10, validation=512, test=1000)


def of_both(network: MLP, rows) -> Alignment:
    return Alignment(
        site="layer1", hypothesis="both", variables=("left", "right"), featurizer="rotation",
        network=network.fingerprint(), task=TASK.name, frames=Frames(read=rows, write=rows),
    )  # fmt: skip


def test_of_a_variable_that_is_there_and_of_nothing_else():
    network = hand_wired()
    aside = aside_of(of_both(network, known_subspace()), network, TASK, rivals=("symmetric",))
    assert aside.shifted > 0.99
    assert aside.shifted_accuracy > 0.99
    assert set(aside.varies) == {"left", "right"}
    assert max(aside.varies.values()) < 0.01
    assert aside.code["left+right"] > 0.95
    assert sum(aside.code.values()) == pytest.approx(1)


def test_what_is_exchanged_of_the_count_is_not_answered_as_left_and_right():
    decoys = count_only(TASK, site="layer2", code="pair", count=1)
    network, rows = decoys.networks[0], decoys.alignments[0].frames.write
    alignment = Alignment(
        site="layer2", hypothesis="both", variables=("left", "right"), featurizer="linear",
        network=network.fingerprint(), task=TASK.name, frames=Frames(read=rows, write=rows),
    )  # fmt: skip
    aside = aside_of(alignment, network, TASK, rivals=("symmetric",))
    assert aside.code["left+right"] < 0.1
    assert max(aside.varies.values()) > 0.05  # what passes is not the value


def test_of_a_vector_there_is_no_code_and_nothing_varies():
    network, rows = hand_wired(), known_subspace()[:1]
    alignment = Alignment(
        site="layer1", hypothesis="difference", variables=TASK.hypothesis("difference").variables[:1],
        featurizer="rotation", network=network.fingerprint(), task=TASK.name, frames=Frames(read=rows, write=rows),
    )  # fmt: skip
    aside = aside_of(alignment, network, TASK)
    assert (aside.varies, aside.code) == ({}, {})


def test_evidence_names_them_and_they_decide_nothing():
    aside = Aside(
        size="2", featurizer="rotation", shifted=0.91, shifted_accuracy=0.98, varies={"left": 0.125},
        code={"left+right": 0.9, "output": 0.09, "guess": 0.01},
    )  # fmt: skip
    entry = Effect(
        featurizer="rotation",
        size=2,
        iia=1.0,
        low=0.99,
        high=1.0,
        worst_transition=0.99,
        value_change=0.99,
        single=1.0,
        joint=1.0,
        answer_change_rate=0.5,
    )
    seen = SiteObservation(
        site="layer1",
        variable="left",
        hidden=True,
        effects=(entry,),
        no_effect=0.5,
        one_directional=0.7,
        null=0.6,
        aside=aside,
    )
    rows = {row.control: row for row in control_evidence(entry, [entry], seen, Thresholds())}
    assert "0.910" in rows["other items"].text
    assert "0.980" in rows["other items"].text
    assert "0.125" in rows["equal sources"].text
    assert "left+right 0.90, output 0.09" in rows["code"].text
    assert "guess" not in rows["code"].text
    assert {rows[name].passes for name in ("other items", "equal sources", "code")} == {None}


def study(*controls: str) -> Study:
    return Study(
        name="small",
        networks=(NetworkGroup(name="one", hidden=(16, 16), count=1),),
        sites=("layer1",),
        searches=(SearchSpec(hypotheses=("both",), sizes=(1,), featurizers=("rotation",)),),
        phases=(Phase(steps=20),),
        budget=SMALL,
        controls=controls,
    )


def test_labels_of_others_teach_nothing_and_the_null_is_what_they_reach(tmp_path):
    networks = hand_wired()
    own = study("used", "shuffled")
    (control,) = controls_of(own, TASK, networks, "layer1", names=["one-00"], group="one")
    assert control.aside is None
    assert 0.4 < control.shuffled < 0.75
    again = ControlRecord.from_json(json.loads(json.dumps(control.to_json())))
    assert again == control


def test_a_null_of_shuffled_labels_is_one(tmp_path):
    run = run_study(study("used", "shuffled"), tmp_path / "run")
    (one,) = verdicts(run.study, run.store, run.records)
    reached = ControlRecord.from_json(run.store.control("one-00", "layer1")).shuffled
    assert {verdict.observation.null for verdict in one.sites[0]} == {reached}
