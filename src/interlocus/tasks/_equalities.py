"""What the two equalities of hierarchical equality may be computed into, whatever the items are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.model import CausalModel, Variable


def from_truth_values(below: Sequence[Variable]) -> CausalModel:
    """`left` and `right`, which are among the variables below, and the class from them."""
    return CausalModel([*below, *_counts(), _output(("left", "right"), _same)], output="output")


def from_symmetric_pair(below: Sequence[Variable]) -> CausalModel:
    """The class from "both pairs are equal" and "none is"."""
    return CausalModel([*below, *_counts(), _output(("both_equal", "none_equal"), torch.bitwise_or)], output="output")


def from_count(below: Sequence[Variable]) -> CausalModel:
    """The class from the number of equal pairs: it is one where that is not one."""
    return CausalModel([*below, *_counts(), _output(("count",), _not_one)], output="output")


def above_equalities(below: Sequence[Variable]) -> Mapping[str, Hypothesis]:
    """Hypotheses on what lies between two equalities and the class, and on the class itself.

    Args:
        below: the items and how `left` and `right` follow from them.
    """
    model = from_truth_values(below)
    found = [
        Hypothesis(name="both", model=model, variables=("left", "right")),
        Hypothesis(name="left", model=model, variables=("left",)),
        Hypothesis(name="right", model=model, variables=("right",)),
        Hypothesis(name="symmetric", model=from_symmetric_pair(below), variables=("both_equal", "none_equal")),
        Hypothesis(name="count", model=from_count(below), variables=("count",)),
        Hypothesis(name="output", model=model, variables=("output",)),
    ]
    return {hypothesis.name: hypothesis for hypothesis in found}


def _counts() -> list[Variable]:
    bits = {"parents": ("left", "right"), "values": (0, 1)}
    return [
        Variable(name="both_equal", mechanism=torch.bitwise_and, **bits),
        Variable(name="none_equal", mechanism=_neither, **bits),
        Variable(name="count", parents=("left", "right"), mechanism=torch.add, values=(0, 1, 2)),
    ]


def _output(parents: tuple[str, ...], mechanism) -> Variable:
    return Variable(name="output", parents=parents, mechanism=mechanism, values=(0, 1))


def _same(one: Tensor, other: Tensor) -> Tensor:
    return (one == other).long()


def _neither(one: Tensor, other: Tensor) -> Tensor:
    return 1 - (one | other)


def _not_one(count: Tensor) -> Tensor:
    return (count != 1).long()
