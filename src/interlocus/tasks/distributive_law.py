"""The distributive law, (e1 ∧ e2) ∨ (e2 ∧ e3) = (e1 ∨ e3) ∧ e2: one function that two algorithms compute."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import torch
from torch import Tensor

from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.model import CausalModel, Values, Variable
from interlocus.core.errors import SpecificationError
from interlocus.tasks._base import AbstractTask, Split

_PAIRS = {"e1": ("a", "b"), "e2": ("c", "d"), "e3": ("e", "f")}


class DistributiveLaw(AbstractTask):
    """Three pairs of items; e1, e2 and e3 say whether each pair is equal, which it is with probability one half.

    Hypotheses:

    - `and_or_and`: e1 ∧ e2 and e2 ∧ e3; the class is their disjunction.
    - `and_or`: e1 ∨ e3 and e2; the class is their conjunction.
    - `e2`, and `output`: the class.

    A network that was trained on the class alone may use neither algorithm.

    Args:
        item_width: Number of components of an item, at least 1. An input has six items.

    Raises:
        SpecificationError: `item_width` is less than 1.

        >>> generator = torch.Generator().manual_seed(0)
        >>> inputs, labels = DistributiveLaw().labelled_inputs(5, split="train", generator=generator)
        >>> tuple(inputs.shape), tuple(labels.shape)
        ((5, 24), (5,))

    Source: arXiv 2507.08802, section 5.
    """

    def __init__(self, *, item_width: int = 4) -> None:
        if item_width < 1:
            raise SpecificationError(
                f"item_width is {item_width}.", "An item needs at least one component.", "Set item_width to 1 or more."
            )
        self.item_width = item_width

    @property
    def model(self) -> CausalModel:
        return self._models[0]

    @property
    def roots(self) -> Mapping[str, Sequence[float] | None]:
        return dict.fromkeys(_PAIRS)

    def sample(self, count: int, *, split: Split, generator: torch.Generator) -> Values:
        values: Values = {}
        for first, second in _PAIRS.values():
            equal = torch.rand(count, 1, generator=generator) < 0.5
            values[first], other = torch.randn(2, count, self.item_width, generator=generator)
            values[second] = torch.where(equal, values[first], other)
        return values

    def partner(self, values: Values, variable: str, *, split: Split, generator: torch.Generator) -> Values | None:
        if variable not in _PAIRS:
            return None
        first, second = _PAIRS[variable]
        item = values[first]
        equal = (item == values[second]).all(1, keepdim=True)
        return values | {second: torch.where(equal, torch.randn(item.shape, generator=generator), item)}

    @cached_property
    def _models(self) -> tuple[CausalModel, CausalModel]:
        items = [Variable(name=name) for pair in _PAIRS.values() for name in pair]
        below = [*items, *(_bit(name, pair, _equal) for name, pair in _PAIRS.items())]
        ands = [_bit("e1_and_e2", ("e1", "e2"), torch.bitwise_and), _bit("e2_and_e3", ("e2", "e3"), torch.bitwise_and)]
        either = _bit("e1_or_e3", ("e1", "e3"), torch.bitwise_or)
        return (
            CausalModel([*below, *ands, _bit("output", ("e1_and_e2", "e2_and_e3"), torch.bitwise_or)], output="output"),
            CausalModel([*below, either, _bit("output", ("e1_or_e3", "e2"), torch.bitwise_and)], output="output"),
        )

    @property
    def hypotheses(self) -> Mapping[str, Hypothesis]:
        return self._hypotheses

    @cached_property
    def _hypotheses(self) -> dict[str, Hypothesis]:
        first, second = self._models
        hypotheses = [
            Hypothesis(name="and_or_and", model=first, variables=("e1_and_e2", "e2_and_e3")),
            Hypothesis(name="and_or", model=second, variables=("e1_or_e3", "e2")),
            Hypothesis(name="e2", model=first, variables=("e2",)),
            Hypothesis(name="output", model=first, variables=("output",)),
        ]
        return {hypothesis.name: hypothesis for hypothesis in hypotheses}


def _equal(first: Tensor, second: Tensor) -> Tensor:
    return (first == second).all(-1)


def _bit(name: str, parents: tuple[str, ...], mechanism: Callable[..., Tensor]) -> Variable:
    return Variable(name=name, parents=parents, mechanism=mechanism, values=(0, 1))
