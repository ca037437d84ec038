"""What a search could have found: networks in which variables are planted, and what is said of them."""

from __future__ import annotations

from dataclasses import asdict

import pytest
import torch

from interlocus.budget import Phase
from interlocus.family import Family
from interlocus.networks import MLP
from interlocus.planting import plant
from interlocus.power import Twins, search_twins
from interlocus.study import SearchSpec, Study
from interlocus.tasks import HierarchicalEquality
from interlocus.twins import ENOUGH, KINDS, mean_coded

TASK = HierarchicalEquality(item_width=2)
STUDY = Study(
    name="power",
    title="Would it be found?",
    task={"name": "hierarchical_equality", "item_width": 2},
    families=(Family(name="relu", count=1),),
    sites=("layer2",),
    searches=(SearchSpec(hypotheses=("both",), sizes=(1, 2, 4), featurizers=("rotation", "linear")),),
    seed=3,
)
LIKE = MLP.untrained(TASK, count=4, seed=3)


@pytest.fixture(scope="module")
def planted():
    return mean_coded(TASK, hypothesis="both", site="layer2", like=LIKE, count=4, seed=3)


@pytest.mark.slow
def test_networks_learn_until_the_variable_is_where_it_should_be(planted):
    assert len(planted.admitted) == 4
    assert sum(score.iia >= ENOUGH for score in planted.scores) >= 3
    sizes = [int((one.frames.read.norm(dim=-1) > 0.5).sum()) // 2 for one in planted.alignments]
    assert sizes == [2, 4, 2, 4]  # in equal shares, smaller ones filled up with nothing


def test_a_search_that_can_find_it_has_power_and_a_crippled_one_has_none(planted):
    good = search_twins(STUDY, TASK, planted, "layer2", "mean_coded")
    assert good.found == good.count == len(planted.admitted)
    assert all(best >= iia - 0.02 for best, iia in zip(good.best, good.planted, strict=True))
    crippled = STUDY.model_copy(update={"starts": {"random": 1}, "phases": (Phase(steps=2),)})
    assert search_twins(crippled, TASK, planted, "layer2", "mean_coded").found == 0


def test_where_planting_failed_nothing_is_said():
    noise = plant(TASK, hypothesis="both", site="layer3", size=2, count=1, steps=50, seed=3)
    twins = search_twins(STUDY, TASK, noise, "layer3", "mean_coded")
    assert (twins.count, twins.left_out) == (0, 1)  # behind layer3 everything is linear, and XOR is not
    assert Twins.from_json(asdict(twins)) == twins


@pytest.mark.slow
def test_fine_tuned_networks_are_the_studied_ones_moved(planted):
    made = KINDS["fine_tuned"](TASK, hypothesis="both", site="layer2", like=planted.networks, count=2, seed=5)
    for i in made.admitted:
        pairs = zip(made.networks.weights, planted.networks.weights, strict=True)
        moved = torch.cat([(new[i] - old[i]).flatten() for new, old in pairs])
        size = torch.cat([weight[i].flatten() for weight in planted.networks.weights])
        assert moved.norm() < size.norm()
    assert made.admitted
