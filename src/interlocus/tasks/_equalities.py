"""Causal models and hypotheses on the two equalities of hierarchical equality, for items of any kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.model import CausalModel, Variable


def from_truth_values(below: Sequence[Variable]) -> CausalModel:
    """The model in which the class is `left == right`.

    Args:
        below: The items, and how `left` and `right` follow from them.
    """
    return CausalModel([*below, *_counts(), _output(("left", "right"), _same)], output="output")


def from_symmetric_pair(below: Sequence[Variable]) -> CausalModel:
    """The model in which the class is `both_equal or none_equal`.

    Args:
        below: The items, and how `left` and `right` follow from them.
    """
    return CausalModel([*below, *_counts(), _output(("both_equal", "none_equal"), torch.bitwise_or)], output="output")


def from_count(below: Sequence[Variable]) -> CausalModel:
    """The model in which the class is 1 unless exactly one pair is equal.

    Args:
        below: The items, and how `left` and `right` follow from them.
    """
    return CausalModel([*below, *_counts(), _output(("count",), _not_one)], output="output")


def above_equalities(below: Sequence[Variable]) -> Mapping[str, Hypothesis]:
    """Hypotheses on the two equalities, on what may lie between them and the class, and on the class; by name.

    Args:
        below: The items, and how `left` and `right` follow from them.
    """
    model = from_truth_values(below)
    hypotheses = [
        Hypothesis(name="both", model=model, variables=("left", "right")),
        Hypothesis(name="left", model=model, variables=("left",)),
        Hypothesis(name="right", model=model, variables=("right",)),
        Hypothesis(name="symmetric", model=from_symmetric_pair(below), variables=("both_equal", "none_equal")),
        Hypothesis(name="count", model=from_count(below), variables=("count",)),
        Hypothesis(name="output", model=model, variables=("output",)),
    ]
    return {hypothesis.name: hypothesis for hypothesis in hypotheses}


def _counts() -> list[Variable]:
    pair = ("left", "right")
    return [
        Variable(name="both_equal", parents=pair, mechanism=torch.bitwise_and, values=(0, 1)),
        Variable(name="none_equal", parents=pair, mechanism=_neither, values=(0, 1)),
        Variable(name="count", parents=pair, mechanism=torch.add, values=(0, 1, 2)),
    ]


def _output(parents: tuple[str, ...], mechanism: Callable[..., Tensor]) -> Variable:
    return Variable(name="output", parents=parents, mechanism=mechanism, values=(0, 1))


def _same(left: Tensor, right: Tensor) -> Tensor:
    return (left == right).long()


def _neither(left: Tensor, right: Tensor) -> Tensor:
    return 1 - (left | right)


def _not_one(count: Tensor) -> Tensor:
    return (count != 1).long()
