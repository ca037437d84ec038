"""The sum of three small integers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import torch
from torch import Tensor

from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.model import CausalModel, Values, Variable
from interlocus.core.errors import SpecificationError
from interlocus.tasks._base import AbstractTask, Split

NOISE = 0.1
"""Standard deviation of the noise on a one-hot code. The noise makes every input unique."""


class SumOfThree(AbstractTask):
    """What is a + b + c? The class is the sum.

    Each number is encoded one-hot, with a little noise. Hypotheses: `first_two` (a + b), its rival `last_two` (b + c),
    `first` (a) and `output` (the class).

    Args:
        numbers: How many values each of a, b and c can take: 0, 1, …, numbers − 1; at least 2.

    Raises:
        SpecificationError: `numbers` is less than 2.

        >>> inputs, labels = SumOfThree().labelled_inputs(5, split="train", generator=torch.Generator().manual_seed(0))
        >>> tuple(inputs.shape), int(labels.max()) < 10
        ((5, 12), True)

    Source: the addition of three numbers in arXiv 2106.02997, section 3.
    """

    def __init__(self, *, numbers: int = 4) -> None:
        if numbers < 2:
            raise SpecificationError(
                f"The argument numbers is {numbers}.", "A sum of constants does not vary.", "Set numbers to 2 or more."
            )
        self.numbers = numbers

    @property
    def model(self) -> CausalModel:
        return self._models[0]

    @property
    def roots(self) -> Mapping[str, Sequence[float] | None]:
        return dict.fromkeys("abc")

    def sample(self, count: int, *, split: Split, generator: torch.Generator) -> Values:
        values: Values = {}
        for name in "abc":
            number = torch.randint(self.numbers, (count,), generator=generator)
            code = torch.nn.functional.one_hot(number, self.numbers).float()
            values[f"code_{name}"] = code + NOISE * torch.randn(code.shape, generator=generator)
        return values

    @cached_property
    def _models(self) -> tuple[CausalModel, CausalModel]:
        codes = [Variable(name=f"code_{name}") for name in "abc"]
        small, middle, large = (tuple(range(n * (self.numbers - 1) + 1)) for n in (1, 2, 3))
        numbers = [Variable(name=name, parents=(f"code_{name}",), mechanism=_decoded, values=small) for name in "abc"]

        def model(name: str, pair: tuple[str, str], rest: tuple[str, str]) -> CausalModel:
            part = Variable(name=name, parents=pair, mechanism=torch.add, values=middle)
            total = Variable(name="output", parents=rest, mechanism=torch.add, values=large)
            return CausalModel([*codes, *numbers, part, total], output="output")

        return model("a_and_b", ("a", "b"), ("a_and_b", "c")), model("b_and_c", ("b", "c"), ("a", "b_and_c"))

    @property
    def hypotheses(self) -> Mapping[str, Hypothesis]:
        return self._hypotheses

    @cached_property
    def _hypotheses(self) -> dict[str, Hypothesis]:
        first, second = self._models
        hypotheses = [
            Hypothesis(name="first_two", model=first, variables=("a_and_b",)),
            Hypothesis(name="last_two", model=second, variables=("b_and_c",)),
            Hypothesis(name="first", model=first, variables=("a",)),
            Hypothesis(name="output", model=first, variables=("output",)),
        ]
        return {hypothesis.name: hypothesis for hypothesis in hypotheses}


def _decoded(code: Tensor) -> Tensor:
    return code.argmax(1)
