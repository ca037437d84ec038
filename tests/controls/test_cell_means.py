"""The control `cell_means`: answers that are kept with the mean of a cell in place of each state."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from control_contexts import context_of, evidence_of, observation_of, portfolio_of
from networks_by_hand import hand_wired, mean_coded
from torch import nn

from interlocus.controls.cell_means import CellMeans, CellMeansControl, cell_means, read_as
from interlocus.core.errors import UnknownNameError
from interlocus.networks import Module
from interlocus.tasks import HierarchicalEquality, SumOfThree

TASK = HierarchicalEquality()
STATES = 2_000
ERROR = 0.5 / STATES**0.5
"""Largest standard error of a share of as many states."""


class RareEquality(HierarchicalEquality):
    """Hierarchical equality in which a = b holds in 5 % of the examples."""

    def sample(self, count, *, split, generator):
        drawn = super().sample(count, split=split, generator=generator)
        other = torch.randn(drawn["b"].shape, generator=generator)
        rare = torch.rand(count, 1, generator=generator) < 0.05
        return drawn | {"b": torch.where(rare, drawn["a"], other)}


class Adder(nn.Module):
    """Adds three numbers that are shown one-hot; between its parts it holds a + b and c."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = Pair(), Total()

    def forward(self, x):
        return self.last(self.first(x))


class Pair(nn.Module):
    def forward(self, x):
        a, b, c = (part.argmax(1) for part in x.split(x.shape[1] // 3, 1))
        return torch.stack([a + b, c], 1).float()


class Total(nn.Module):
    def forward(self, state):
        classes = torch.arange(10.0)
        return -(state.sum(1, keepdim=True) - classes).square()


def measured(network, task=TASK, site="layer3", hypothesis="both", rivals=()):
    (result,) = cell_means(network, task, site=site, hypothesis=hypothesis, rivals=rivals, states=STATES)
    return result


def test_a_network_that_reads_the_values_alone_keeps_every_answer():
    result = measured(mean_coded())
    assert result.kept["left+right"] > 0.995  # two different items are rarely so close that they seem half equal
    assert result.kept_by_values > 0.99
    for name in ("left", "right", "output"):
        assert result.kept[name] == pytest.approx(0.5, abs=5 * ERROR)
    assert result.cells == {"left+right": 4, "left": 2, "right": 2, "count(left, right)": 3, "output": 2}
    assert read_as(result, 0.99) in ("left+right", "count(left, right)")


def test_values_that_have_still_to_be_computed_are_not_in_the_means():
    result = measured(hand_wired(), site="input")
    for share in result.kept.values():
        assert share == pytest.approx(0.5, abs=5 * ERROR)
    assert read_as(result, 0.99) is None


def test_the_answer_is_kept_by_its_own_means_where_nothing_else_is_left():
    result = measured(hand_wired(), site="layer3")
    assert result.kept["output"] > 0.995
    assert read_as(result, 0.99) == "output"  # the coarsest one


def test_a_rare_value_counts_as_much_as_a_common_one():
    """By frequency the answer would keep 95 %: nearly all of its examples have left = 0."""
    result = measured(mean_coded(), RareEquality())
    assert result.kept["left+right"] > 0.995
    assert result.kept["output"] < 0.6


def test_cells_hold_everything_that_the_answer_needs():
    """Averaging c would lose answers, whatever becomes of a + b."""
    task, network = SumOfThree(numbers=3), Module(Adder(), sites={"state": "first"})
    network.prepare(task.labelled_inputs(4, split="train", generator=torch.Generator().manual_seed(0))[0])
    result = measured(network, task, site="state", hypothesis="first_two", rivals=("last_two",))
    assert result.joint == "a_and_b+c"
    assert result.kept["a_and_b+c"] == 1
    assert result.kept["a_and_b"] < 0.6
    assert result.cells["a_and_b+c"] == 5 * 3
    assert result.kept["output"] == 1  # this network is linear in its state, and a mean has the mean sum
    assert read_as(result, 0.99) == "output"


def test_every_network_of_a_stack_has_its_own_result():
    stack = hand_wired().select([0, 0])
    first, second = cell_means(stack, TASK, site="layer3", hypothesis="both", states=STATES)
    assert first == second == measured(hand_wired(), site="layer3")


def test_rivals_with_the_same_cells_are_listed_once_and_those_without_cells_not_at_all():
    result = measured(mean_coded(), rivals=("symmetric", "left", "identity", "cross"))
    assert list(result.kept) == ["left+right", "left", "right", "count(left, right)", "output"]


def test_what_has_no_cells_is_not_measured_and_says_so(fails):
    result = measured(mean_coded(), hypothesis="distance")
    assert result.kept_by_values is None
    assert "distance" in result.reason
    with fails(UnknownNameError, "layer"):
        measured(mean_coded(), site="layer9")


def test_its_evidence_names_the_shares():
    observation = observation_of(results={"cell_means": RESULT})
    (row,) = evidence_of(observation, "cell means")
    assert row.text == (
        "With every state replaced by the mean of its (left, right), the network keeps 0.998 [0.996, 0.999] of its "
        "answers; by left alone 0.500, by count(left, right) 0.997, by output alone 0.510."
    )
    assert row.passes
    lost = replace(RESULT, kept=RESULT.kept | {"left+right": 0.7})
    (row,) = evidence_of(observation_of(results={"cell_means": lost}), "cell means")
    assert row.passes is None  # a value may be coded in the variance
    missing = CellMeans(kept={}, cells={}, joint="left+right", items=0, reason="there are too few examples")
    (row,) = evidence_of(observation_of(results={"cell_means": missing}), "cell means")
    assert "too few" in row.text
    assert not evidence_of(observation_of(), "cell means")


RESULT = CellMeans(
    kept={"left+right": 0.998, "left": 0.5, "count(left, right)": 0.997, "output": 0.51},
    cells={"left+right": 4, "left": 2, "count(left, right)": 3, "output": 2},
    joint="left+right",
    items=4_000,
)


def test_what_is_read_is_the_coarsest_that_suffices():
    assert read_as(RESULT, 0.99) == "count(left, right)"
    assert read_as(replace(RESULT, kept=RESULT.kept | {"output": 0.998}), 0.99) == "output"
    assert read_as(replace(RESULT, kept=RESULT.kept | {"count(left, right)": 0.9}), 0.99) == "left+right"
    # the lower end counts: .99 of so few states is compatible with less
    assert read_as(replace(RESULT, kept=RESULT.kept | {"count(left, right)": 0.991}, items=400), 0.99) is None


def test_the_control_measures_the_hypothesis_and_the_rivals_of_the_searches():
    context = context_of(
        hand_wired(), TASK, site="layer3", portfolio=portfolio_of(hypothesis="left", rivals=("right",))
    )
    (result,) = CellMeansControl().measure(context)
    assert result.joint == "left+right"  # right is needed as well
    assert list(result.kept) == ["left+right", "left", "output"]
