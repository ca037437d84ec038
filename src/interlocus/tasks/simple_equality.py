"""Simple equality: are two items equal?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import torch
from torch import Tensor

from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.model import CausalModel, Values, Variable
from interlocus.core.errors import SpecificationError
from interlocus.tasks._base import AbstractTask, Split


class SimpleEquality(AbstractTask):
    """Is a = b? With probability one half the items are the same vector, otherwise two independent draws.

    Hypotheses: `output` (a = b), and `difference` (the vector a − b), from which the output follows.

    Args:
        item_width: Number of components of an item, at least 1. An input has two items.

    Raises:
        SpecificationError: `item_width` is less than 1.

        >>> generator = torch.Generator().manual_seed(0)
        >>> inputs, labels = SimpleEquality().labelled_inputs(5, split="train", generator=generator)
        >>> tuple(inputs.shape), tuple(labels.shape)
        ((5, 8), (5,))

    Source: arXiv 2006.07968, section 3.
    """

    def __init__(self, *, item_width: int = 4) -> None:
        if item_width < 1:
            raise SpecificationError(
                f"item_width is {item_width}.", "An item needs at least one component.", "Set item_width to 1 or more."
            )
        self.item_width = item_width

    @property
    def model(self) -> CausalModel:
        return self._model

    @cached_property
    def _model(self) -> CausalModel:
        return CausalModel(
            [
                Variable(name="a"),
                Variable(name="b"),
                Variable(name="difference", parents=("a", "b"), mechanism=torch.sub),
                Variable(name="output", parents=("difference",), mechanism=_is_zero, values=(0, 1)),
            ],
            output="output",
        )

    @property
    def roots(self) -> Mapping[str, Sequence[float] | None]:
        return {"output": None}

    def sample(self, count: int, *, split: Split, generator: torch.Generator) -> Values:
        equal = torch.rand(count, 1, generator=generator) < 0.5
        first, other = torch.randn(2, count, self.item_width, generator=generator)
        return {"a": first, "b": torch.where(equal, first, other)}

    def partner(self, values: Values, variable: str, *, split: Split, generator: torch.Generator) -> Values | None:
        if variable != "output":
            return None
        equal = (values["a"] == values["b"]).all(1, keepdim=True)
        drawn = torch.randn(values["a"].shape, generator=generator)
        return values | {"b": torch.where(equal, drawn, values["a"])}

    @property
    def hypotheses(self) -> Mapping[str, Hypothesis]:
        return self._hypotheses

    @cached_property
    def _hypotheses(self) -> dict[str, Hypothesis]:
        return {name: Hypothesis(name=name, model=self.model, variables=(name,)) for name in ("output", "difference")}


def _is_zero(difference: Tensor) -> Tensor:
    return (difference == 0).all(-1)
