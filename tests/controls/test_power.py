"""The control `power`: networks in which variables are planted, and what a search finds in them."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest
import torch
from control_contexts import context_of, evidence_of, observation_of, portfolio_of
from modules import as_module
from perceptron_as_module import brought

from interlocus.controls import power
from interlocus.controls.criteria import Thresholds
from interlocus.controls.ground_truth import planted_result, recipes
from interlocus.controls.ground_truth.planted_result import (
    INSIDE_KIND,
    PlantedResult,
    Power,
    networks_to_search,
    power_of,
)
from interlocus.controls.ground_truth.planting import PlantingRequest, plant, random_planting_subspaces
from interlocus.controls.ground_truth.recipes import PLANTING_RECIPES, TARGET_IIA, random_subspace
from interlocus.controls.ground_truth.training_batches import TrainingConfig
from interlocus.controls.power import PowerControl, measure_planted, search_planted
from interlocus.networks import MLP, Module
from interlocus.searches.budget import STARTS_BY_DEFAULT, Budget, Phase
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality(item_width=2)
PORTFOLIO = portfolio_of(
    sizes=(1, 2, 4),
    featurizers=("rotation", "linear"),
    starts=STARTS_BY_DEFAULT,
    phases=(Phase(),),
    budget=Budget(),
    seed=3,
)
WEAKENED = replace(PORTFOLIO, starts={"random": 1}, phases=(Phase(steps=2),))
THRESHOLDS = Thresholds()
LIKE = MLP.untrained(TASK, count=4, seed=3)


def request(*, count: int, seed: int, like: MLP = LIKE) -> PlantingRequest:
    return PlantingRequest(task=TASK, hypothesis="both", site="layer2", like=like, count=count, seed=seed)


@pytest.fixture(scope="module")
def planted():
    return random_subspace(request(count=4, seed=3))


@pytest.mark.slow
def test_networks_learn_until_the_variable_is_where_it_should_be(planted):
    assert len(planted.admitted) == 4
    assert sum(score.iia >= TARGET_IIA for score in planted.scores) >= 3
    sizes = [int((one.frames.read.norm(dim=-1) > 0.5).sum()) // 2 for one in planted.alignments]
    assert sizes == [2, 4, 2, 4]  # in equal shares, smaller ones filled up with nothing


def test_no_two_networks_that_are_planted_from_one_network_are_the_same(monkeypatch):
    """Otherwise seventeen of them would say no more than one."""
    monkeypatch.setattr(recipes, "PLANTING_ROUNDS", 1)
    monkeypatch.setattr(recipes, "STEPS_PER_ROUND", 4)
    monkeypatch.setattr(recipes, "SITE_SEARCH_PHASES", (Phase(steps=4),))
    monkeypatch.setattr(
        recipes, "SITE_SEARCH_BUDGET", Budget(pool=512, held_out=512, batch=64, validation=256, test=256)
    )
    made = PLANTING_RECIPES["fine_tuned"].plant(request(like=LIKE.select([0]), count=6, seed=5))
    assert len({made.networks[i].fingerprint() for i in range(6)}) == 6


def test_a_search_that_can_find_it_has_power_and_a_weakened_one_has_none(planted):
    good = search_planted(PORTFOLIO, TASK, planted, "layer2", "random_subspace", thresholds=THRESHOLDS)
    assert good.found == good.count == len(planted.admitted)
    assert all(best >= iia - 0.02 for best, iia in zip(good.best, good.planted, strict=True))
    weakened = search_planted(WEAKENED, TASK, planted, "layer2", "random_subspace", thresholds=THRESHOLDS)
    assert weakened.found == 0


@pytest.mark.slow
def test_what_is_there_in_part_is_found_where_its_true_iia_is_reached(planted):
    """A search has to come within .02 of it, and one that is weakened does not."""
    like = LIKE.select([0])
    part = PLANTING_RECIPES["graded"].plant(request(like=like, count=3, seed=6))
    good = search_planted(PORTFOLIO, TASK, part, "layer2", "graded", thresholds=THRESHOLDS)
    assert good.found == good.count >= 2
    assert good.planted[0] < 0.85
    assert good.hits_inside == (True,) * good.count
    weakened = search_planted(WEAKENED, TASK, part, "layer2", "graded", thresholds=THRESHOLDS)
    assert weakened.found < good.count
    assert sum(weakened.hits_inside) <= sum(good.hits_inside)


def test_where_variables_share_their_inputs_one_way_of_planting_is_left_out():
    """Neurons that see one variable only cannot be made then, and other kinds are."""
    portfolio = replace(PORTFOLIO, hypothesis="symmetric", sizes=(1,))
    assert measure_planted(portfolio, TASK, [LIKE], "layer2", "neuron_blocks", thresholds=THRESHOLDS).count == 0


@pytest.mark.slow
def test_variables_are_planted_in_modules_too(monkeypatch):
    """Each is planted by itself, from another random place or another beginning."""
    for module in (power, planted_result):
        monkeypatch.setattr(module, "PLANTED_COUNT", 2)
    modules = [brought(LIKE[i]) for i in range(2)]
    found = measure_planted(PORTFOLIO, TASK, modules, "layer2", "random_subspace", thresholds=THRESHOLDS)
    assert found.found == found.count == 2
    assert found.planted[0] != found.planted[1]
    assert measure_planted(PORTFOLIO, TASK, modules, "layer2", "neuron_blocks", thresholds=THRESHOLDS).count == 0


def test_where_planting_failed_nothing_is_said():
    networks = MLP.untrained(TASK, count=1, seed=3)
    config = TrainingConfig(task=TASK, hypothesis=TASK.hypothesis("both"), site="layer3", steps=50, seed=3)
    noise = plant(networks, config, subspaces=random_planting_subspaces(1, 16, 2, 2, seed=3))
    result = search_planted(PORTFOLIO, TASK, noise, "layer3", "random_subspace", thresholds=THRESHOLDS)
    assert (result.count, result.left_out) == (0, 1)  # behind layer3 everything is linear, and XOR is not
    assert PlantedResult.from_json(json.loads(json.dumps(asdict(result)))) == result


@pytest.mark.slow
def test_fine_tuned_networks_are_the_studied_ones_moved(planted):
    made = PLANTING_RECIPES["fine_tuned"].plant(request(like=planted.networks, count=2, seed=5))
    for i in made.admitted:
        pairs = zip(made.networks.weights, planted.networks.weights, strict=True)
        moved = torch.cat([(new[i] - old[i]).flatten() for new, old in pairs])
        size = torch.cat([weight[i].flatten() for weight in planted.networks.weights])
        assert moved.norm() < size.norm()
    assert made.admitted


def _result(kind: str, found: int, of: int = 17) -> PlantedResult:
    return PlantedResult(
        kind=kind, planted=(1.0,) * of, best=(1.0,) * of, hits=(True,) * found + (False,) * (of - found), left_out=0
    )


def test_power_is_that_of_the_hardest_kind_and_not_known_while_a_harder_one_may_come():
    one, other, hard = _result("neuron_blocks", 17), _result("fine_tuned", 16), _result("random_subspace", 3)
    assert power_of([], 0.8) is None
    assert power_of([one], 0.8) is None
    assert power_of([one, _result("fine_tuned", 17)], 0.8) is None
    assert power_of([one, other], 0.8) == Power(kind="fine_tuned", found=16, of=17)  # below .8 whatever comes
    assert power_of([one, _result("fine_tuned", 17), hard], 0.8).found == 3
    every = [_result(kind, 17) for kind in PLANTING_RECIPES]
    assert power_of(every[:3], 0.8) is None
    assert power_of(every, 0.8).missing(0.8) is None


@pytest.mark.parametrize(("made", "enough"), [(4, True), (2, True), (1, False), (0, None)])
def test_kinds_that_could_not_be_made_are_unknown_and_an_absence_rests_on_two(made, enough):
    """Of the others a few networks were made, and the variables were found in all of them, which shows nothing."""
    kinds = list(PLANTING_RECIPES)
    results = [_result(kind, 17) if i < made else _result(kind, i % 3, of=i % 3) for i, kind in enumerate(kinds)]
    power = power_of(results, 0.8)
    if enough is None:
        assert power is None
        return
    assert power.unknown == tuple(kinds[made:])
    assert (power.found, power.of, power.kinds) == (17, 17, made)
    assert (power.missing(0.8) is None) is enough
    (row,) = evidence_of(observation_of(results={"power": power}), "power")
    assert row.passes is enough
    assert all(kind in row.text for kind in power.unknown)


def test_a_miss_among_few_networks_is_no_lack_of_knowledge():
    results = [_result(kind, 17) for kind in list(PLANTING_RECIPES)[:3]] + [_result("random_subspace", 2, of=3)]
    assert power_of(results, 0.8).missing(0.8) is not None


def test_power_inside_is_that_of_the_networks_that_were_searched_there():
    results = [_result(kind, 17) for kind in PLANTING_RECIPES]
    assert power_of(results, 0.8).inside is None
    results = [
        replace(one, best_inside=(1.0,) * 17, hits_inside=(True,) * 15 + (False,) * 2)
        if one.kind == INSIDE_KIND
        else one
        for one in results
    ]
    assert power_of(results, 0.8).inside == Power(kind=INSIDE_KIND, found=15, of=17)
    assert observation_of(power=power_of(results, 0.8)).power_inside.found == 15
    (row,) = evidence_of(observation_of(results={"power": power_of(results, 0.8)}), "power inside")
    assert not row.passes


def test_the_control_stops_at_the_first_way_of_planting_that_is_too_hard(monkeypatch):
    tried = []

    def planted(portfolio, task, likes, site, kind, *, thresholds):
        tried.append(kind)
        return _result(kind, {"neuron_blocks": 17}.get(kind, 3))

    monkeypatch.setattr(power, "measure_planted", planted)
    kinds = list(PLANTING_RECIPES)
    result = PowerControl().measure(context_of(LIKE, TASK, site="layer2", portfolio=PORTFOLIO))
    hardest = next(kind for kind in kinds if kind != "neuron_blocks")
    assert tried == kinds[: kinds.index(hardest) + 1]
    assert result == [Power(kind=hardest, found=3, of=17)] * len(LIKE)


def test_nothing_is_planted_in_modules_that_are_too_large(monkeypatch):
    monkeypatch.setattr(power, "can_be_trained", lambda networks: False)
    module = Module(as_module(LIKE.select([0])), sites={"layer2": "3"})
    assert PowerControl().measure(context_of(module, TASK, site="layer2", portfolio=PORTFOLIO)) == [None]


@pytest.mark.parametrize(("found", "passes"), [(17, True), (3, False), (None, None)])
def test_its_evidence_says_whether_the_share_is_large_enough(found, passes):
    results = {} if found is None else {"power": Power(kind="neuron_blocks", found=found, of=17)}
    (row,) = evidence_of(observation_of(results=results), "power")
    assert row.passes is passes
    assert found is None or f"{found} of 17" in row.text


def test_no_power_is_needed_where_no_search_could_find_the_variable():
    (row,) = evidence_of(observation_of(linear_ceiling=0.75), "power")
    assert row.passes is None
    assert "only linear layers follow" in row.text


def test_a_single_miss_is_followed_by_more_networks():
    found, missed = [True], [False]
    assert networks_to_search(16 * found) == networks_to_search(17 * found) == 17
    assert networks_to_search(16 * found + missed) == networks_to_search(16 * found + missed + 4 * found) == 30
    assert networks_to_search(15 * found + 2 * missed) == 17
    assert networks_to_search(17 * found + missed) == 17, "only the first networks decide whether there are more"
    assert Power(kind="graded", found=29, of=30).low >= 0.80
    assert Power(kind="graded", found=28, of=30).low < 0.80
