"""Networks in which variables can be decoded and nobody reads them."""

from __future__ import annotations

import json

import pytest
import torch
from modules import as_module

from interlocus.controls.criteria import Effect, Thresholds
from interlocus.controls.ground_truth.dormant import unused_copies_like
from interlocus.controls.negative_controls import NegativeControls, measure_negative_controls
from interlocus.controls.record import ControlRecord
from interlocus.networks import MLP, Module
from interlocus.searches.budget import Budget
from interlocus.studies.spec.networks import NetworkGroup
from interlocus.studies.spec.searches import SearchSpec
from interlocus.studies.spec.study import Study
from interlocus.tasks import HierarchicalEquality
from interlocus.verdicts.evidence import control_evidence
from interlocus.verdicts.observation import SiteObservation, UsedSubspaceEvidence

TASK = HierarchicalEquality(item_width=2)
LIKE = MLP.untrained(TASK, count=1, seed=3)
SMALL = Budget(pool=8192, held_out=4096, partners=1, batch=256, check_every=25, validation=1024, test=3000)
STUDY = Study(
    name="decoys",
    task={"name": "hierarchical_equality", "item_width": 2},
    networks=(NetworkGroup(name="relu", count=1),),
    sites=("layer3",),
    searches=(SearchSpec(hypotheses=("both",), sizes=(1, 2), featurizers=("rotation", "linear")),),
    budget=SMALL,
    seed=3,
)


@pytest.fixture(scope="module")
def unread():
    return unused_copies_like(TASK, hypothesis="both", site="layer3", like=LIKE, count=2, seed=5)


@pytest.mark.slow
def test_they_answer_from_one_direction_and_hold_the_variables_elsewhere(unread):
    assert unread.admitted
    network = unread.admitted[0]
    assert unread.accuracy[network] > 0.99
    assert unread.kept[network] > 0.99
    assert unread.decodable[network] > 0.95
    assert unread.idle[network] < 0.03
    flat = unread.dormant[network].flatten(0, 1)
    torch.testing.assert_close(flat @ flat.T, torch.eye(4), atol=1e-5, rtol=0)


@pytest.mark.slow
def test_the_searches_find_nothing_inside_what_is_read():
    found = measure_negative_controls(STUDY, TASK, LIKE, "layer3")
    assert found is not None
    assert found.count >= 1
    assert found.decodable > 0.95
    assert found.inside < 0.8


def test_of_a_module_there_are_none():
    module = Module(as_module(LIKE), sites={"layer3": "5"})
    assert measure_negative_controls(STUDY, TASK, module, "layer3") is None


def entry(low: float) -> Effect:
    return Effect(
        featurizer="rotation", size=1, iia=low + 0.01, low=low, high=low + 0.02, worst_transition=low, value_change=low, single=low, joint=low,
        answer_change_rate=0.5,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("decoy", "inside", "passes"),
    [
        (NegativeControls(count=4, decodable=0.98, full=0.97, inside=0.6), (entry(0.98),), True),
        (NegativeControls(count=4, decodable=0.98, full=0.97, inside=0.985), (entry(0.98),), False),
        (NegativeControls(count=4, decodable=0.98, full=0.97, inside=0.6), (), None),
        (NegativeControls(count=0, decodable=0.0, full=0.0, inside=0.0), (entry(0.98),), None),
        (None, (entry(0.98),), "no row"),
    ],
)
def test_beside_the_evidence_stands_what_searches_make_of_them(decoy, inside, passes):
    used = UsedSubspaceEvidence(rank=2, width=16, agreement=0.9995, effects=inside, output={})
    seen = SiteObservation(
        site="layer1", variable="left", hidden=True, effects=(entry(0.98),), no_effect=0.5, one_directional=0.7, null=0.6,
        used=used, decoy=decoy,
    )  # fmt: skip
    rows = [row for row in control_evidence(entry(0.98), (entry(0.98),), seen, Thresholds()) if row.control == "decoys"]
    assert [row.passes for row in rows] == ([] if passes == "no row" else [passes])


def test_a_record_keeps_them():
    control = ControlRecord(
        network="relu-00", group="relu", site="layer3", rank=1, width=16, agreement=1.0, linear_ceiling=None, random_directions=0.5,
        inside={}, operand_leakage={}, decoy=NegativeControls(count=4, decodable=0.98, full=0.97, inside=0.6),
    )  # fmt: skip
    assert ControlRecord.from_json(json.loads(json.dumps(control.to_json()))) == control
