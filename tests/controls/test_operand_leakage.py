"""The control `operand_leakage`: whether the operands are exchanged together with the value."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from control_contexts import alignment_of, context_of, effect_with, evidence_of, observation_of, portfolio_of, used_with
from networks_by_hand import hand_wired, known_subspace, mean_coded
from torch import nn

from interlocus.causal.operands import leakage_targets
from interlocus.controls.operand_leakage import OperandLeakageControl, operand_leakage, with_leakage
from interlocus.core.errors import AlignmentError
from interlocus.networks import Module
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality()


def test_neurons_that_hold_the_difference_carry_the_operands():
    """At layer 1 of the network (a − b)⁺ and (b − a)⁺ together determine a − b."""
    network = hand_wired()
    alignment = alignment_of(network, TASK, known_subspace(), site="layer1")
    leakage = operand_leakage(alignment, "left", network, TASK)
    assert leakage.r2 > 0.95
    assert leakage.value == 0  # unequal items vary in more directions than equal ones


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("size", [1, 2])
def test_a_truth_value_carries_nothing_else(size, seed):
    """Also where a feature holds nothing: it takes some of the directions beside the code."""
    directions = torch.linalg.qr(torch.randn(8, 2 * size, generator=torch.Generator().manual_seed(seed))).Q.T
    network = mean_coded(directions=directions[[0, size]])
    alignment = alignment_of(network, TASK, directions.view(2, size, 8), site="layer3")
    for variable in ("left", "right"):
        assert operand_leakage(alignment, variable, network, TASK, seed=seed).r2 < 0.05


class State(nn.Module):
    """A state that is computed from the items by a given function, as an activation."""

    def __init__(self, code) -> None:
        super().__init__()
        self.code = code

    def forward(self, x):
        return self.code(*x.chunk(4, 1))


def leakage_of(code, features: int, task=TASK):
    """The leakage of left, whose features are the state."""
    network = Module(nn.Sequential(State(code), nn.Linear(features, 2)), sites={"state": "0"})
    network.prepare(task.labelled_inputs(4, split="train", generator=torch.Generator().manual_seed(0))[0])
    rows = torch.eye(features).unsqueeze(0)
    alignment = alignment_of(network, task, rows, site="state", hypothesis="left")
    return operand_leakage(alignment, "left", network, task)


def left_of(a, b):
    return (a == b).all(1).float() * 2 - 1


def test_a_value_as_two_bits_carries_the_bit_that_hides_it():
    """The sign of a number of the other pair, and the same exclusive or left. A sign explains 2/π of its number."""

    def code(a, b, c, d):
        sign = c[:, 0].sign()
        return torch.stack([sign, sign * left_of(a, b)], 1)

    leakage = leakage_of(code, 2)
    assert leakage.target == "the input c"
    assert leakage.r2 == pytest.approx(2 / torch.pi / 4, abs=0.03)  # of one number of four, less a little noise
    assert leakage.r2 > 0.1


def test_a_distance_that_rides_along_is_seen():
    def code(a, b, c, d):
        return (left_of(a, b) + 0.2 * (a - b).norm(dim=1)).unsqueeze(1)

    leakage = leakage_of(code, 1)
    assert leakage.target == "the distance of a and b"
    assert leakage.r2 > 0.8


def test_an_operand_that_is_coded_non_linearly_is_seen_by_neighbours():
    def code(a, b, c, d):
        uniform = torch.special.ndtr(a[:, 0])
        return torch.stack([left_of(a, b), 4 * ((uniform + 0.5) % 1)], 1)

    leakage = leakage_of(code, 2, HierarchicalEquality(item_width=1))
    assert leakage.target == "the operands a and b"
    assert leakage.probe == "nearest neighbours"
    assert leakage.r2 > 0.6  # a correlation of −.5 makes a quarter of it linear


def test_a_trace_far_below_the_value_does_not_count():
    def code(a, b, c, d):
        return (left_of(a, b) + 0.003 * (a - b).norm(dim=1)).unsqueeze(1)

    assert leakage_of(code, 1).r2 < 0.05


def test_targets_are_those_that_vary_at_one_value():
    values = TASK.model.run(TASK.sample(200, split="test", generator=torch.Generator().manual_seed(0)))
    named = {}
    for value in (0, 1):
        rows = (values["left"] == value).nonzero().flatten()
        named[value] = [target.name for target in leakage_targets(TASK.model, "left", values, rows)]
    everything = [
        "the operands a and b", "the products of a and b", "the distance of a and b", "the input c", "the input d"
    ]  # fmt: skip
    assert named[0] == everything
    assert named[1] == [name for name in everything if "distance" not in name]  # it is zero there


def test_the_control_needs_the_used_subspace():
    context = context_of(hand_wired(), TASK, site="layer2", controls=["operand_leakage"])
    assert OperandLeakageControl().measure(context) == [None]


def test_the_control_measures_what_was_found_inside_the_used_subspace():
    """And nothing that scores far below what counts as found."""
    task = HierarchicalEquality(item_width=2)
    context = context_of(
        hand_wired(item_width=2),
        task,
        site="layer1",
        controls=["used_subspace", "operand_leakage"],
        portfolio=portfolio_of(sizes=(1,), rivals=("symmetric",)),
    )
    (leakage,) = OperandLeakageControl().measure(context)
    assert set(leakage) == {"left", "right", *task.hypothesis("symmetric").variables}
    for variable in ("left", "right"):
        assert set(leakage[variable]["rotation"]) == {1}
    assert leakage["both_equal"]["rotation"] == {}


@pytest.mark.parametrize(("pure", "passes"), [(0.01, True), (0.4, False), (None, None)])
def test_its_evidence_passes_where_the_value_is_exchanged_alone(pure, passes):
    (row,) = evidence_of(observation_of(used=used_with(effect_with(0.98, operand_leakage=pure))), "operand leakage")
    assert row.passes is passes


def test_its_evidence_names_what_leaks_most():
    alignment = alignment_of(hand_wired(), TASK, known_subspace(), site="layer1")
    leakage = operand_leakage(alignment, "left", hand_wired(), TASK)
    effect = with_leakage(effect_with(0.98), leakage)
    (row,) = evidence_of(observation_of(used=used_with(effect)), "operand leakage")
    assert f"{leakage.target}, {leakage.probe}" in row.text
    assert with_leakage(effect, None) == effect


def test_what_cannot_be_measured_is_refused(fails):
    network = hand_wired()
    alignment = alignment_of(network, TASK, known_subspace(), site="layer1")
    with fails(AlignmentError, "another"):
        operand_leakage(replace(alignment, network="no"), "left", network, TASK, examples=2000)
    with fails(AlignmentError, "no value"):
        operand_leakage(alignment, "left", network, TASK, examples=100)
    numbers = alignment_of(network, TASK, known_subspace()[:1], site="layer1", hypothesis="distance")
    with fails(AlignmentError, "number or a vector"):
        operand_leakage(numbers, "distance", network, TASK, examples=2000)
