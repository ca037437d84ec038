"""Verdicts of a run: what was measured at each site reaches the observation that the rules judge."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from made_runs import made_run, with_controls

from interlocus.controls.cell_means import CellMeans
from interlocus.controls.ground_truth.planted_result import PlantedResult, power_of
from interlocus.controls.ground_truth.recipes import PLANTING_RECIPES
from interlocus.controls.operand_leakage import OperandLeakage
from interlocus.controls.power import PowerControl
from interlocus.studies.results.planted import planted_name
from interlocus.studies.results.verdicts import collect_verdicts, verdicts_to_json

LEAKAGE = OperandLeakage(r2=0.3, value=0, target="the distance of a and b", probe="nearest neighbours")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return with_controls(
        made_run(tmp_path_factory.mktemp("verdicts")),
        linear_ceiling=0.75,
        operand_leakage={"left": {"rotation": {1: LEAKAGE}}},
        cell_means=CellMeans(kept={"left+right": 1.0}, cells={"left+right": 4}, joint="left+right", items=1_000),
    )


def observations(run, network="relu-00"):
    (verdict,) = [verdict for verdict in run.verdicts if verdict.network == network]
    return {(row.observation.site, row.observation.variable): row.observation for site in verdict.sites for row in site}


def test_every_network_with_a_record_has_a_verdict_on_each_site_and_variable(run, tmp_path):
    assert [verdict.network for verdict in run.verdicts] == ["relu-00", "relu-01", "blank-00", "blank-01", "tanh-00"]
    sites = [(site, variable) for site in ("input", "layer1") for variable in ("left", "right")]
    for verdict in run.verdicts:
        assert [(v.observation.site, v.observation.variable) for row in verdict.sites for v in row] == sites
    unfinished = made_run(tmp_path, keep=lambda trial: trial.network == "tanh-00")
    assert [verdict.network for verdict in unfinished.verdicts] == ["tanh-00"]


def test_controls_reach_the_observation_of_their_network_and_site(run):
    seen = observations(run)
    left = seen["layer1", "left"]
    assert left.linear_ceiling == 0.75
    assert {effect.size: effect.random_directions for effect in left.effects} == {1: 0.5, 2: None}
    assert (left.used.rank, left.used.width) == (2, 8)
    assert [effect.operand_leakage for effect in left.used.effects] == [0.3]
    assert [effect.leaked for effect in left.used.effects] == ["the distance of a and b, nearest neighbours"]
    assert [effect.operand_leakage for effect in seen["layer1", "right"].used.effects] == [None]
    assert set(left.used.output) == {1}
    assert left.kept_by_values == pytest.approx(0.025 ** (1 / 1000))  # the exact lower end of 1000 of 1000
    assert set(left.results) == {
        "cell_means",
        "used_subspace",
        "random_directions",
        "operand_leakage",
        "linear_ceiling",
    }
    for elsewhere in (seen["input", "left"], observations(run, "relu-01")["layer1", "left"]):
        assert elsewhere.used is None
        assert elsewhere.kept_by_values is None
        assert not elsewhere.results


def test_effects_are_those_of_all_featurizers_and_sizes_in_the_order_of_the_study(run):
    effects = observations(run)["layer1", "left"].effects
    assert [(effect.featurizer, effect.size) for effect in effects] == [
        (featurizer, size) for featurizer in ("rotation", "linear") for size in (1, 2)
    ]


def test_the_null_is_the_best_score_in_untrained_networks_of_the_same_architecture(run):
    untrained = [row.iia for row in run.table if row.group == "blank" and row.hypothesis == "both"]
    assert observations(run)["layer1", "left"].null == max(untrained)
    assert observations(run, "tanh-00")["layer1", "left"].null is None


def test_shuffled_labels_raise_the_null_and_never_lower_it(run, tmp_path):
    null = observations(run)["layer1", "left"].null
    for shuffled in (0.1, 1.0):
        other = with_controls(made_run(tmp_path / str(shuffled)), shuffled_labels=shuffled)
        assert observations(other)["layer1", "left"].null == max(null, shuffled)


def test_power_reaches_the_evidence_as_soon_as_it_is_known(run):
    group = run.study.networks[0]
    hits = (True,) * 3 + (False,) * 13
    kind = next(iter(PLANTING_RECIPES))
    planted = PlantedResult(kind=kind, planted=(1.0,) * 16, best=(1.0,) * 16, hits=hits, left_out=0)
    measurements = replace(run.measurements, planted={planted_name(group, "layer1", kind): planted})
    verdicts = collect_verdicts(run.study, measurements)
    hidden = verdicts[1].sites[1][0]  # no linear ceiling was measured here, so power matters
    assert hidden.observation.power == hidden.observation.results[PowerControl.name] == power_of([planted], 0.8)
    assert any(row.control == "power" and "3 of 16" in row.text for row in hidden.evidence)


def test_the_file_holds_every_verdict_and_the_shares_of_answers(run):
    data = json.loads(json.dumps(verdicts_to_json(run.study, run.verdicts, run.answer)))
    assert [network["network"] for network in data["networks"]] == [verdict.network for verdict in run.verdicts]
    for group in data["groups"]:
        assert sum(group["answer"].values()) == pytest.approx(1)
    assert {group["group"]: group["count"] for group in data["groups"]} == {"relu": 2, "blank": 2, "tanh": 1}
