"""Planted networks: the variable is where it was put, and what lies inside its subspace is known."""

from __future__ import annotations

import pytest
import torch

import interlocus as il
from interlocus.controls.ground_truth.planting import plant
from interlocus.core.errors import AlignmentError, SpecificationError, UnknownNameError
from interlocus.networks import MLP
from interlocus.searches.decomposition import decompose, operand_r2
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality(item_width=2)
SMALL = il.Budget(pool=8192, held_out=4096, partners=1, batch=128, check_every=25, validation=1024, test=3000)


@pytest.fixture(scope="module")
def planted():
    return plant(TASK, hypothesis="both", site="layer2", size=2, count=2, steps=2500, seed=1)


@pytest.mark.slow
def test_the_variable_is_where_it_was_put(planted):
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
    found = il.search(
        planted.networks[network], TASK, hypothesis="both", site="layer2", sizes=(2,), budget=SMALL,
        phases=(il.Phase(steps=300),),
    )  # fmt: skip
    assert found.iia[0, 0] > planted.scores[network].iia - 0.02


def test_behind_the_last_layer_two_truth_values_cannot_be_combined():
    made = plant(TASK, hypothesis="both", site="layer2", size=2, hidden=(16, 16), count=1, steps=400)
    assert made.scores[0].iia < 0.75
    assert not made.admitted


def test_training_goes_on_from_networks_in_hand():
    begin = MLP.untrained(TASK, hidden=(8, 8), count=2, activation="tanh", seed=4)
    made = plant(TASK, hypothesis="left", site="layer1", size=1, begin=begin, steps=1, learning_rate=1e-12)
    for ours, theirs in zip(made.networks.weights, begin.weights, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)
    assert made.networks.activation == "tanh"


@pytest.mark.slow
def test_a_planted_bit_has_nothing_else_inside(planted):
    network = planted.admitted[0]
    own, alignment = planted.networks[network], planted.alignments[network]
    inside = decompose(
        alignment, "left", own, TASK, hypothesis="identity", sizes=(1,), budget=SMALL, phases=(il.Phase(steps=100),)
    )
    assert inside.iia[0, 0] < 0.6
    basis, subspace = inside.best(network=0, size=1).basis("a"), alignment.basis("left")
    torch.testing.assert_close(subspace @ subspace.T @ basis, basis, atol=1e-4, rtol=0)


def test_the_whole_input_carries_its_operands():
    """Every direction of the input is a subspace in which the operands ride along whole."""
    network = MLP.untrained(TASK, hidden=(8,), count=1)
    found = il.search(
        network, TASK, hypothesis="left", site="input", sizes=(8,), starts={"random": 1}, budget=SMALL,
        phases=(il.Phase(steps=1),),
    )  # fmt: skip
    whole = found.best(network=0, size=8)
    assert operand_r2(whole, "left", network, TASK, operand="difference", value=0) > 0.999
    few = il.search(
        network, TASK, hypothesis="left", site="input", sizes=(1,), starts={"random": 1}, budget=SMALL,
        phases=(il.Phase(steps=1),),
    ).best(network=0, size=1)  # fmt: skip
    assert operand_r2(few, "left", network, TASK, operand="difference", value=0) < 0.6


def test_what_cannot_be_planted_or_decomposed_is_said(planted, fails):
    with fails(SpecificationError, "hidden layer"):
        plant(TASK, hypothesis="both", site="input", size=1, steps=1)
    with fails(SpecificationError, "from 1 to 8"):
        plant(TASK, hypothesis="both", site="layer1", size=9, steps=1)
    with fails(UnknownNameError, "'layer1'"):
        plant(TASK, hypothesis="both", site="layr1", size=1, steps=1)
    own, alignment = planted.networks[0], planted.alignments[0]
    with fails(SpecificationError, "2 dimensions"):
        decompose(alignment, "left", own, TASK, hypothesis="identity", sizes=(3,))
    with fails(AlignmentError, "another"):
        decompose(alignment, "left", planted.networks[1], TASK, hypothesis="identity")
    with fails(AlignmentError, "too few"):
        operand_r2(alignment, "left", own, TASK, operand="difference", value=0, examples=50)
