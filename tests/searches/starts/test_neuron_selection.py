"""Searches over neurons find the set that is best, by whatever judge."""

from __future__ import annotations

import itertools

import pytest
import torch
from networks_by_hand import hand_wired
from torch import Tensor

import interlocus as il
from interlocus.core.errors import SpecificationError
from interlocus.featurizers import Frames
from interlocus.networks import MLP
from interlocus.networks.mlp.training import Recipe
from interlocus.searches.starts.neuron_selection import closest, directions_of, exhaustive, greedy, window
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality()
SMALL = il.Budget(pool=8192, held_out=4096, partners=1, batch=128, check_every=25, validation=1024, test=3000)


class Knows:
    """A judge that knows the answer, and counts how often it is asked."""

    def __init__(self, *wanted: tuple[int, ...], width: int = 7) -> None:
        self.width, self.asked = width, 0
        self._wanted = torch.zeros(len(wanted), width)
        for row, own in zip(self._wanted, wanted, strict=True):
            row[list(own)] = 1.0

    def __call__(self, maps: Frames) -> Tensor:
        self.asked += len(maps.read)
        chosen = maps.read.sum(2)
        return (chosen * self._wanted).sum((1, 2)) - 0.5 * (chosen * (1 - self._wanted)).sum((1, 2))


@pytest.mark.parametrize("search", [exhaustive, greedy])
@pytest.mark.parametrize("wanted", [((4,),), ((1, 5, 6),), ((0, 3), (2, 6)), ((6,), (0, 1, 4))])
def test_the_best_set_is_found(search, wanted):
    found = search(Knows(*wanted), tuple(len(own) for own in wanted))
    assert tuple(tuple(sorted(own)) for own in found) == wanted


def test_neighbours_are_found():
    assert window(Knows((2, 3, 4)), (3,)) == ((2, 3, 4),)
    assert window(Knows((4, 5), (1, 2)), (2, 2)) == ((4, 5), (1, 2))


def test_every_set_is_tried_once():
    scorer = Knows((0, 1, 2))
    exhaustive(scorer, (3,))
    assert scorer.asked == len(list(itertools.combinations(range(7), 3)))


def test_many_pairs_of_sets_are_sought_in_turns():
    wanted = (0, 2, 4, 6), (1, 3, 5, 7)
    scorer = Knows(*wanted, width=14)
    assert exhaustive(scorer, (4, 4)) == wanted
    assert scorer.asked < 20_000


def test_more_sets_than_are_tried_are_refused(fails):
    with fails(SpecificationError, "1,352,078", "20,000"):
        exhaustive(Knows((0,), width=23), (11,))


def test_the_closest_neurons_keep_their_signs():
    directions = torch.tensor([[[0.1, -0.9, 0.4], [0.8, 0.5, 0.0]]])
    neurons, one_hot = closest(directions)
    assert neurons == ((1, 0),)
    torch.testing.assert_close(one_hot, torch.tensor([[[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]]]))


def test_neurons_as_directions():
    (rows,) = directions_of(((2, 0),), 3)
    torch.testing.assert_close(rows, torch.tensor([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]))


@pytest.fixture(scope="module")
def some() -> MLP:
    recipe = Recipe(learning_rate=5e-3, steps=800)
    return MLP.train(TASK, count=1, weight_decay=1.0, recipe=recipe, seed=1)


def scored(networks: MLP, start: str, **changes) -> float:
    asked = {"hypothesis": "left", "site": "layer1", "sizes": (4,), "budget": SMALL, "featurizer": "identity"}
    return float(il.search(networks, TASK, starts={start: 1}, **(asked | changes)).iia[0, 0])


def test_all_sets_are_never_worse_than_some_of_them(some):
    """On the interventions they are chosen by; the score on others follows up to its error."""
    error = 4 * 0.5 / 1024**0.5
    best = scored(some, "neurons_exhaustive")
    for start in ("neurons_greedy", "neurons_window", "random"):
        assert best > scored(some, start) - error


def test_the_wired_neurons_of_a_variable_are_found():
    """|a − b| stands in eight neurons of the first layer."""
    assert scored(hand_wired(), "neurons_exhaustive", sizes=(8,)) > 0.99


def test_what_begins_at_the_best_neurons_ends_no_worse(some):
    found = il.search(
        some, TASK, hypothesis="left", site="layer1", sizes=(4,), budget=SMALL, phases=(il.Phase(steps=50),),
        starts={"neurons_exhaustive": 1, "random": 1},
    )  # fmt: skip
    for restart in found.restarts(network=0, size=4).restarts:
        if restart.start == "neurons_exhaustive":
            assert found.restarts(network=0, size=4).best.validation >= restart.begin


def test_gradients_of_the_answer_point_to_what_it_reads():
    """Behind the last layer the logits are linear: their difference is the one direction that matters."""
    networks = MLP.untrained(TASK, count=2, seed=3)
    found = il.search(
        networks, TASK, hypothesis="left", site="layer3", sizes=(2,), starts={"gradient": 1}, budget=SMALL,
        phases=(il.Phase(steps=1, learning_rate=1e-9),),
    )  # fmt: skip
    for network in range(2):
        basis = found.best(network=network, size=2).basis("left")
        rows = networks.weights[-1][network]
        torch.testing.assert_close(rows @ basis @ basis.T, rows, atol=1e-4, rtol=1e-3)
