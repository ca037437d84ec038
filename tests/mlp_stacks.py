"""Small stacks of perceptrons for tests, and comparisons of them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from interlocus.core.random import derived_generator
from interlocus.networks import MLP
from interlocus.networks.mlp.training import Recipe
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality()


HIDDEN = (7, 5, 6)


SITES = ("input", "layer1", "layer2", "layer3")


FUNCTIONS = {"relu": F.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "gelu": F.gelu}


TINY = Recipe(learning_rate=0.01, steps=3)


SMALL_TASK = HierarchicalEquality(item_width=2)


def double(activation: str, count: int = 3, hidden: tuple[int, ...] = HIDDEN) -> MLP:
    """Untrained networks in double precision, so that results can be compared closely."""
    drawn = MLP.untrained(TASK, hidden=hidden, activation=activation, count=count, seed=1)
    return MLP([w.double() for w in drawn.weights], [b.double() for b in drawn.biases], activation=activation)


def inputs(count: int = 11) -> Tensor:
    return torch.randn(count, TASK.input_width, dtype=torch.float64, generator=derived_generator(2))


def close(one: Tensor, other: Tensor) -> bool:
    return torch.allclose(one, other, rtol=0, atol=1e-12)


def same(one: MLP, other: MLP) -> bool:
    return one.activation == other.activation and all(
        torch.equal(a, b)
        for a, b in zip((*one.weights, *one.biases), (*other.weights, *other.biases), strict=True)
    )  # fmt: skip
