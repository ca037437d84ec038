"""What a search could have found: networks in which variables are planted, and what is said of them."""

from __future__ import annotations

from dataclasses import asdict

import pytest
import torch
from perceptron_as_module import brought

from interlocus.controls import power
from interlocus.controls.ground_truth import recipes as twins
from interlocus.controls.ground_truth.planting import plant
from interlocus.controls.ground_truth.recipes import PLANTING_RECIPES, TARGET_IIA, random_subspace
from interlocus.controls.power import PlantedResult, hardest_of, measure_planted, search_planted
from interlocus.networks import MLP
from interlocus.searches.budget import Budget, Phase
from interlocus.studies.spec.networks import NetworkGroup
from interlocus.studies.spec.searches import SearchSpec
from interlocus.studies.spec.study import Study
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality(item_width=2)
STUDY = Study(
    name="power",
    title="Would it be found?",
    task={"name": "hierarchical_equality", "item_width": 2},
    networks=(NetworkGroup(name="relu", count=1),),
    sites=("layer2",),
    searches=(SearchSpec(hypotheses=("both",), sizes=(1, 2, 4), featurizers=("rotation", "linear")),),
    seed=3,
)
LIKE = MLP.untrained(TASK, count=4, seed=3)


@pytest.fixture(scope="module")
def planted():
    return random_subspace(TASK, hypothesis="both", site="layer2", like=LIKE, count=4, seed=3)


@pytest.mark.slow
def test_networks_learn_until_the_variable_is_where_it_should_be(planted):
    assert len(planted.admitted) == 4
    assert sum(score.iia >= TARGET_IIA for score in planted.scores) >= 3
    sizes = [int((one.frames.read.norm(dim=-1) > 0.5).sum()) // 2 for one in planted.alignments]
    assert sizes == [2, 4, 2, 4]  # in equal shares, smaller ones filled up with nothing


def test_of_one_network_no_two_twins_are_the_same(monkeypatch):
    """Else sixteen of them would say no more than one."""
    monkeypatch.setattr(twins, "PLANTING_ROUNDS", 1)
    monkeypatch.setattr(twins, "STEPS_PER_ROUND", 4)
    monkeypatch.setattr(twins, "SITE_SEARCH_PHASES", (Phase(steps=4),))
    monkeypatch.setattr(twins, "SITE_SEARCH_BUDGET", Budget(pool=512, held_out=512, batch=64, validation=256, test=256))
    made = PLANTING_RECIPES["fine_tuned"](
        TASK, hypothesis="both", site="layer2", like=LIKE.select([0]), count=6, seed=5
    )
    assert len({made.networks[i].fingerprint() for i in range(6)}) == 6


def test_a_search_that_can_find_it_has_power_and_a_crippled_one_has_none(planted):
    good = search_planted(STUDY, TASK, planted, "layer2", "mean_coded")
    assert good.found == good.count == len(planted.admitted)
    assert all(best >= iia - 0.02 for best, iia in zip(good.best, good.planted, strict=True))
    crippled = STUDY.model_copy(update={"starts": {"random": 1}, "phases": (Phase(steps=2),)})
    assert search_planted(crippled, TASK, planted, "layer2", "mean_coded").found == 0


@pytest.mark.slow
def test_what_is_there_in_part_is_found_where_its_true_iia_is_reached(planted):
    """A search has to come within .02 of it, and one that is crippled does not."""
    like = LIKE.select([0])
    part = PLANTING_RECIPES["ladder"](TASK, hypothesis="both", site="layer2", like=like, count=3, seed=6)
    good = search_planted(STUDY, TASK, part, "layer2", "ladder")
    assert good.found == good.count >= 2
    assert good.planted[0] < 0.8
    crippled = STUDY.model_copy(update={"starts": {"random": 1}, "phases": (Phase(steps=2),)})
    assert search_planted(crippled, TASK, part, "layer2", "ladder").found < good.count


def test_where_variables_share_their_inputs_a_kind_is_left_out():
    """Neurons that see one variable only cannot be made then, and other kinds are."""
    study = STUDY.model_copy(update={"searches": (SearchSpec(hypotheses=("symmetric",), sizes=(1,)),)})
    none = measure_planted(study, TASK, [LIKE], "layer2", "blocks")
    assert none.count == 0


@pytest.mark.slow
def test_modules_have_twins_too(monkeypatch):
    """Each is planted by itself, from another random place or another beginning."""
    monkeypatch.setattr(power, "PLANTED_COUNT", 2)
    modules = [brought(LIKE[i]) for i in range(2)]
    found = measure_planted(STUDY, TASK, modules, "layer2", "mean_coded")
    assert found.found == found.count == 2
    assert found.planted[0] != found.planted[1]
    assert measure_planted(STUDY, TASK, modules, "layer2", "blocks").count == 0


def test_where_planting_failed_nothing_is_said():
    noise = plant(TASK, hypothesis="both", site="layer3", size=2, count=1, steps=50, seed=3)
    twins = search_planted(STUDY, TASK, noise, "layer3", "mean_coded")
    assert (twins.count, twins.left_out) == (0, 1)  # behind layer3 everything is linear, and XOR is not
    assert PlantedResult.from_json(asdict(twins)) == twins


@pytest.mark.slow
def test_fine_tuned_networks_are_the_studied_ones_moved(planted):
    made = PLANTING_RECIPES["fine_tuned"](
        TASK, hypothesis="both", site="layer2", like=planted.networks, count=2, seed=5
    )
    for i in made.admitted:
        pairs = zip(made.networks.weights, planted.networks.weights, strict=True)
        moved = torch.cat([(new[i] - old[i]).flatten() for new, old in pairs])
        size = torch.cat([weight[i].flatten() for weight in planted.networks.weights])
        assert moved.norm() < size.norm()
    assert made.admitted


def _twins(kind: str, found: int, of: int = 16) -> PlantedResult:
    return PlantedResult(
        kind=kind, planted=(1.0,) * of, best=(1.0,) * of, hits=(True,) * found + (False,) * (of - found), left_out=0
    )


def test_power_is_that_of_the_hardest_kind_and_unknown_while_a_harder_one_may_come():
    one, other, hard = _twins("blocks", 16), _twins("fine_tuned", 15), _twins("mean_coded", 3)
    assert hardest_of([], 0.8) is None
    assert hardest_of([one], 0.8) is None
    assert hardest_of([one, _twins("fine_tuned", 16)], 0.8) is None
    assert hardest_of([one, other], 0.8) == other  # below .8 whatever comes
    assert hardest_of([one, _twins("fine_tuned", 16), hard], 0.8) == hard
    every = [one, _twins("fine_tuned", 0, of=0), _twins("ladder", 16), _twins("mean_coded", 16)]
    assert hardest_of(every[:3], 0.8) is None
    assert hardest_of(every, 0.8).found == 16
