"""Planted networks: the variable is where it was planted, and what else lies in its subspace is known."""

from __future__ import annotations

import pytest
import torch

import interlocus as il
from interlocus.controls.ground_truth.planting import Planted, plant, random_planting_subspaces
from interlocus.controls.ground_truth.training_batches import TrainingConfig
from interlocus.core.errors import AlignmentError, SpecificationError, UnknownNameError
from interlocus.networks import MLP
from interlocus.searches.decomposition import decompose, operand_r2
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality(item_width=2)
SMALL = il.Budget(pool=8192, held_out=4096, partners=1, batch=128, check_every=25, validation=1024, test=3000)


def config(hypothesis: str = "both", site: str = "layer2", **settings) -> TrainingConfig:
    return TrainingConfig(task=TASK, hypothesis=TASK.hypothesis(hypothesis), site=site, **settings)


def plant_at_random(networks: MLP, config: TrainingConfig, size: int = 2) -> Planted:
    width, variables = networks.width(config.site), len(config.hypothesis.variables)
    subspaces = random_planting_subspaces(len(networks), width, variables, size, config.seed)
    return plant(networks, config, subspaces=subspaces)


@pytest.fixture(scope="module")
def planted():
    return plant_at_random(MLP.untrained(TASK, count=2, seed=1), config(steps=2500, seed=1))


@pytest.mark.slow
def test_the_variable_is_where_it_was_planted(planted):
    assert planted.admitted
    for network in planted.admitted:
        assert planted.networks.accuracy(TASK, seed=3)[network] > 0.98
        score = planted.scores[network]
        assert score.iia >= 0.99
        assert score.worst_transition > 0.95


def test_the_subspaces_are_orthonormal_and_differ(planted):
    for alignment in planted.alignments:
        rows = torch.cat([alignment.basis(name).T for name in ("left", "right")])
        torch.testing.assert_close(rows @ rows.T, torch.eye(4), atol=1e-5, rtol=0)
    one, other = (alignment.basis("left") for alignment in planted.alignments)
    assert not torch.allclose(one, other, atol=0.1)


@pytest.mark.slow
def test_a_search_finds_what_was_planted(planted):
    network = planted.admitted[0]
    result = il.search(
        planted.networks[network], TASK, hypothesis="both", site="layer2", sizes=(2,), budget=SMALL,
        phases=(il.Phase(steps=300),),
    )  # fmt: skip
    assert result.iia[0, 0] > planted.scores[network].iia - 0.02


def test_after_the_last_layer_two_truth_values_cannot_be_combined():
    made = plant_at_random(MLP.untrained(TASK, hidden=(16, 16), count=1, seed=0), config(steps=400))
    assert made.scores[0].iia < 0.75
    assert not made.admitted


def test_training_starts_from_the_given_networks():
    initial = MLP.untrained(TASK, hidden=(8, 8), count=2, activation="tanh", seed=4)
    made = plant_at_random(initial, config("left", "layer1", steps=1, learning_rate=1e-12), size=1)
    for trained, given in zip(made.networks.weights, initial.weights, strict=True):
        torch.testing.assert_close(trained, given, atol=1e-6, rtol=0)
    assert made.networks.activation == "tanh"


def test_parts_are_concatenated_in_order(planted):
    again = Planted.concatenate([planted.select(1), planted.select(0)])
    assert [one.network for one in again.alignments] == [one.network for one in reversed(planted.alignments)]
    assert again.networks[0].fingerprint() == planted.networks[1].fingerprint()


@pytest.mark.slow
def test_the_subspace_of_a_planted_bit_holds_nothing_else(planted):
    network = planted.admitted[0]
    one, alignment = planted.networks[network], planted.alignments[network]
    inside = decompose(
        alignment, "left", one, TASK, hypothesis="identity", sizes=(1,), budget=SMALL, phases=(il.Phase(steps=100),)
    )
    assert inside.iia[0, 0] < 0.6
    basis, subspace = inside.best(network=0, size=1).basis("a"), alignment.basis("left")
    torch.testing.assert_close(subspace @ subspace.T @ basis, basis, atol=1e-4, rtol=0)


def test_the_whole_input_carries_its_operands():
    """With all directions of the input the operands can be read completely, with one they cannot."""
    network = MLP.untrained(TASK, hidden=(8,), count=1)
    for size, low, high in ((8, 0.999, 1.01), (1, -1.0, 0.6)):
        result = il.search(
            network, TASK, hypothesis="left", site="input", sizes=(size,), starts={"random": 1}, budget=SMALL,
            phases=(il.Phase(steps=1),),
        )  # fmt: skip
        best = result.best(network=0, size=size)
        assert low < operand_r2(best, "left", network, TASK, operand="difference", value=0) < high


def test_what_cannot_be_planted_is_refused(fails):
    networks = MLP.untrained(TASK, count=1, seed=0)
    for site, size, error, words in (
        ("input", 1, SpecificationError, ["'input'", "hidden layer"]),
        ("layer1", 9, SpecificationError, ["2 variables of size 9", "from 1 to 8"]),
        ("layr1", 1, UnknownNameError, ["'layer1'"]),
    ):
        with fails(error, *words):
            plant(networks, config(site=site, steps=1), subspaces=torch.zeros(1, 2, size, 16))


def test_what_cannot_be_decomposed_is_refused(planted, fails):
    one, alignment = planted.networks[0], planted.alignments[0]
    with fails(SpecificationError, "2 dimensions"):
        decompose(alignment, "left", one, TASK, hypothesis="identity", sizes=(3,))
    with fails(AlignmentError, "another"):
        decompose(alignment, "left", planted.networks[1], TASK, hypothesis="identity")
    with fails(AlignmentError, "at least 100"):
        operand_r2(alignment, "left", one, TASK, operand="difference", value=0, examples=50)
