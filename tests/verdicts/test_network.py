"""The verdict on one network, as a table and as plain values."""

from __future__ import annotations

import json

import pytest
from control_contexts import effect_with, observation_of, used_with

from interlocus.controls.criteria import Thresholds
from interlocus.verdicts.network import NetworkVerdict
from interlocus.verdicts.rules import judge_network


@pytest.fixture(scope="module")
def network() -> NetworkVerdict:
    rows = [
        [observation_of(site=site, variable=variable, used=used_with(effect_with(0.97, operand_leakage=0.01)))
         for variable in ("left", "right")]
        for site in ("layer1", "layer2")
    ]  # fmt: skip
    verdicts = judge_network(0.999, rows, competence=0.99, thresholds=Thresholds())
    return NetworkVerdict(
        network="relu-00",
        group="relu",
        accuracy=0.999,
        answer="hierarchical",
        sites=tuple(map(tuple, verdicts)),
        rivals=(tuple(verdicts[0]),),
    )


def test_plain_values_hold_every_verdict_in_order(network):
    data = json.loads(json.dumps(network.to_json()))
    assert [(row["site"], row["variable"]) for row in data["sites"]] == [
        (site, variable) for site in ("layer1", "layer2") for variable in ("left", "right")
    ]
    assert [row["site"] for row in data["rivals"]] == ["layer1", "layer1"]
    for row in data["sites"]:
        assert row["verdict"] == "computed"
        assert row["used_iia"] == pytest.approx(0.98)
        assert row["evidence"]


def test_the_table_has_a_row_for_each_site_and_variable(network):
    text = str(network)
    assert "relu-00 (relu): hierarchical" in text
    assert text.count("computed") == 4
