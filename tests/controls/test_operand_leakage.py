"""The control `operand_leakage`: whether the operands are exchanged together with the value."""

from __future__ import annotations

from dataclasses import replace

import pytest
from control_contexts import alignment_of, context_of, effect_with, evidence_of, observation_of, portfolio_of, used_with
from networks_by_hand import hand_wired, known_subspace, mean_coded, mean_coded_directions

from interlocus.controls.operand_leakage import OperandLeakageControl, operand_leakage
from interlocus.core.errors import AlignmentError
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality()


def test_neurons_that_hold_the_difference_carry_the_operands():
    """At layer 1 of the network (a − b)⁺ and (b − a)⁺ together determine a − b."""
    network = hand_wired()
    alignment = alignment_of(network, TASK, known_subspace(), site="layer1")
    leakage = operand_leakage(alignment, "left", network, TASK)
    assert leakage.r2 > 0.95
    assert leakage.value == 0  # unequal items vary in more directions than equal ones


def test_a_truth_value_carries_nothing_else():
    network = mean_coded()
    alignment = alignment_of(network, TASK, mean_coded_directions().unsqueeze(1), site="layer3")
    for variable in ("left", "right"):
        assert operand_leakage(alignment, variable, network, TASK).r2 < 0.05


def test_the_control_needs_the_used_subspace():
    context = context_of(hand_wired(), TASK, site="layer2", controls=["operand_leakage"])
    assert OperandLeakageControl().measure(context) == [None]


def test_the_control_measures_what_was_found_inside_the_used_subspace():
    """And nothing that scores far below what counts as found. Σ|a − b| is no linear function of the operands."""
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
        assert leakage[variable]["rotation"][1] < 0.05
    assert leakage["both_equal"]["rotation"] == {}


@pytest.mark.parametrize(("pure", "passes"), [(0.01, True), (0.4, False), (None, None)])
def test_its_evidence_passes_where_the_value_is_exchanged_alone(pure, passes):
    (row,) = evidence_of(observation_of(used=used_with(effect_with(0.98, operand_leakage=pure))), "operand leakage")
    assert row.passes is passes


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
