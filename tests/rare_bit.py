"""A task in which one variable rarely has one of its values."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import torch

from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.model import CausalModel, Values, Variable
from interlocus.tasks import AbstractTask, Split


class RareBit(AbstractTask):
    """The output is a XOR b; a is 1 in a share of the examples, b in half of them."""

    def __init__(self, share: float = 0.05) -> None:
        self._model = CausalModel(
            [
                Variable(name="x"),
                Variable(name="y"),
                Variable(name="a", parents=("x",), mechanism=lambda x: x < share, values=(0, 1)),
                Variable(name="b", parents=("y",), mechanism=lambda y: y < 0.5, values=(0, 1)),
                Variable(name="output", parents=("a", "b"), mechanism=torch.bitwise_xor, values=(0, 1)),
            ],
            output="output",
        )

    @property
    def model(self) -> CausalModel:
        return self._model

    @cached_property
    def hypotheses(self) -> Mapping[str, Hypothesis]:
        variables = {"both": ("a", "b"), "turned": ("b", "a"), "rare": ("a",)}
        return {name: Hypothesis(name=name, model=self.model, variables=swapped) for name, swapped in variables.items()}

    def sample(self, count: int, *, split: Split, generator: torch.Generator) -> Values:
        return {name: torch.rand(count, generator=generator) for name in "xy"}
