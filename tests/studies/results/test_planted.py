"""Planted networks of a run: names of their results, power, and the sites that wait for them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_runs import made_run, with_controls

from interlocus.controls.ground_truth.recipes import PLANTING_RECIPES
from interlocus.controls.power import PlantedResult
from interlocus.studies.results.planted import planted_name, power_at, sites_that_wait

KINDS = list(PLANTING_RECIPES)
NETWORKS = [
    {"name": "relu", "hidden": [8], "count": 2},
    {"name": "again", "hidden": [8], "count": 1, "steps": 5000},
    {"name": "tanh", "hidden": [8], "count": 1, "activation": "tanh"},
]


def result(kind: str, found: int) -> PlantedResult:
    return PlantedResult(
        kind=kind, planted=(1.0,) * 17, best=(1.0,) * 17, hits=(True,) * found + (False,) * (17 - found), left_out=0
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two groups of one architecture, and one of another."""
    return made_run(tmp_path_factory.mktemp("planted"), networks=NETWORKS, title="x")


def test_groups_of_one_architecture_share_the_results_of_new_networks_only(run):
    relu, again, tanh = run.study.networks
    for kind, recipe in PLANTING_RECIPES.items():
        names = [planted_name(group, "layer1", kind) for group in (relu, again, tanh)]
        assert (names[0] == names[1]) is not recipe.changes_studied_networks
        assert names[0] != names[2]
    assert len({planted_name(relu, site, kind) for site in ("layer1", "layer2") for kind in KINDS}) == 2 * len(KINDS)


def test_power_is_known_once_one_way_is_too_hard_or_all_were_tried(run):
    group = run.study.networks[0]
    planted = {}
    assert power_at(planted, group, "layer1", 0.8) is None
    planted[planted_name(group, "layer1", KINDS[0])] = result(KINDS[0], 17)
    assert power_at(planted, group, "layer1", 0.8) is None
    assert power_at(planted, group, "layer2", 0.8) is None
    hard = planted | {planted_name(group, "layer1", KINDS[1]): result(KINDS[1], 3)}
    assert power_at(hard, group, "layer1", 0.8).found == 3
    planted |= {planted_name(group, "layer1", kind): result(kind, 17) for kind in KINDS}
    assert power_at(planted, group, "layer1", 0.8).found == 17


def test_sites_wait_until_power_is_known_and_once_for_each_architecture(tmp_path):
    """Verdicts on layer 1 wait for planted networks."""
    run = with_controls(made_run(tmp_path, networks=NETWORKS, searches=[{"hypotheses": ["both"], "sizes": [1]}]))
    study, measurements = run.study, run.measurements
    waiting = {
        (network.group, verdict.observation.site)
        for network in run.verdicts
        for row in network.sites
        for verdict in row
        if verdict.observation.hidden and any("planted" in text for text in verdict.missing_evidence)
    }
    for kind in KINDS:
        sites = sites_that_wait(study, run.verdicts, measurements, kind)
        assert {planted_name(group, site, kind) for group, site in sites} == {
            planted_name(next(g for g in study.networks if g.name == name), site, kind) for name, site in waiting
        }
        assert len({planted_name(group, site, kind) for group, site in sites}) == len(sites)
        planted = {planted_name(group, site, kind): result(kind, 17) for group, site in sites}
        assert sites_that_wait(study, run.verdicts, replace(measurements, planted=planted), kind) == []
