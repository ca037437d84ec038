"""A task with a variable of several values: what is (a + b + c) modulo m?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.model import CausalModel, Values, Variable
from interlocus.core.errors import SpecificationError
from interlocus.tasks._base import AbstractTask, Split

NUMBERS = ("a", "b", "c")
SHOWN_NOISE = 0.1
"""Standard deviation of the noise on each component of an encoded number."""


class ModularSum(AbstractTask):
    """Three numbers, each encoded as a noisy unit vector; the class is their sum modulo m.

    Args:
        modulus: m, the number of values of each number and of classes, at least 2.

    Raises:
        SpecificationError: `modulus` is below 2.

    Hypotheses: `ab` (the sum of the first two numbers modulo m) and `output` (the class).

        >>> inputs, labels = ModularSum().labelled_inputs(5, split="train", generator=torch.Generator().manual_seed(0))
        >>> tuple(inputs.shape), tuple(labels.shape)
        ((5, 15), (5,))
    """

    def __init__(self, *, modulus: int = 5) -> None:
        if modulus < 2:
            raise SpecificationError(
                f"modulus is {modulus}.", "A sum modulo 1 is always 0.", "Set modulus to 2 or more, for instance to 5."
            )
        self.modulus = modulus

    @property
    def model(self) -> CausalModel:
        return self._hypotheses["ab"].model

    @property
    def hypotheses(self) -> Mapping[str, Hypothesis]:
        return self._hypotheses

    @property
    def roots(self) -> Mapping[str, Sequence[float] | None]:
        return dict.fromkeys(NUMBERS)

    def sample(self, count: int, *, split: Split, generator: torch.Generator) -> Values:
        values: Values = {}
        for name in NUMBERS:
            numbers = torch.randint(self.modulus, (count,), generator=generator)
            noise = SHOWN_NOISE * torch.randn(count, self.modulus, generator=generator)
            values[f"code_{name}"] = F.one_hot(numbers, self.modulus).float() + noise
        return values

    @cached_property
    def _hypotheses(self) -> Mapping[str, Hypothesis]:
        values = tuple(range(self.modulus))
        model = CausalModel(
            [
                *(Variable(name=f"code_{name}") for name in NUMBERS),
                *(
                    Variable(name=name, parents=(f"code_{name}",), mechanism=_largest, values=values)
                    for name in NUMBERS
                ),
                Variable(name="ab", parents=("a", "b"), mechanism=self._sum, values=values),
                Variable(name="output", parents=("ab", "c"), mechanism=self._sum, values=values),
            ],
            output="output",
        )
        return {name: Hypothesis(name=name, model=model, variables=(name,)) for name in ("ab", "output")}

    def _sum(self, first: Tensor, second: Tensor) -> Tensor:
        return (first + second) % self.modulus


def _largest(code: Tensor) -> Tensor:
    return code.argmax(-1)
