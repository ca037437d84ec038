"""Tasks over bits. Each bit is the sign of a newly drawn real number, so no test input occurs in training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

import torch
from torch import Tensor

from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.model import CausalModel, Values, Variable
from interlocus.tasks._base import AbstractTask, Split

BITS = (0, 1)


def _sign(number: Tensor) -> Tensor:
    return (number > 0).long()


def _bits(count: int) -> list[Variable]:
    """Numbers z1, z2, … and their signs x1, x2, …"""
    numbers = [Variable(name=f"z{i}") for i in range(1, count + 1)]
    signs = [Variable(name=f"x{i}", parents=(f"z{i}",), mechanism=_sign, values=BITS) for i in range(1, count + 1)]
    return [*numbers, *signs]


def _bit(name: str, parents: tuple[str, ...], mechanism: Callable[..., Tensor]) -> Variable:
    return Variable(name=name, parents=parents, mechanism=mechanism, values=BITS)


def _flipped(values: Values, variable: str) -> Values | None:
    """Inputs in which one bit is flipped; `None` where the variable is not one of the bits."""
    number = f"z{variable.removeprefix('x')}"
    return values | {number: -values[number]} if variable.startswith("x") and number in values else None


class Parity(AbstractTask):
    """Is the number of set bits among four odd?

    Hypotheses:

    - `pairs`: the parity of bits 1 and 2, and the parity of bits 3 and 4.
    - `crossed`, a rival: the parity of bits 1 and 3, and the parity of bits 2 and 4.
    - `chain`: the parity of bits 1 to 3; `first`: bit 1; `output`: the class.

        >>> inputs, labels = Parity().labelled_inputs(5, split="train", generator=torch.Generator().manual_seed(0))
        >>> tuple(inputs.shape), tuple(labels.shape)
        ((5, 4), (5,))
    """

    @property
    def model(self) -> CausalModel:
        return self._models["pairs"]

    @property
    def roots(self) -> Mapping[str, Sequence[float] | None]:
        return dict.fromkeys(("x1", "x2", "x3", "x4"))

    def sample(self, count: int, *, split: Split, generator: torch.Generator) -> Values:
        return {f"z{i}": torch.randn(count, generator=generator) for i in range(1, 5)}

    def partner(self, values: Values, variable: str, *, split: Split, generator: torch.Generator) -> Values | None:
        return _flipped(values, variable)

    @cached_property
    def _models(self) -> dict[str, CausalModel]:
        def model(*steps: Variable, last: tuple[str, ...]) -> CausalModel:
            return CausalModel([*_bits(4), *steps, _bit("output", last, torch.bitwise_xor)], output="output")

        def parity(name: str, *parents: str) -> Variable:
            return _bit(name, parents, torch.bitwise_xor)

        return {
            "pairs": model(parity("x12", "x1", "x2"), parity("x34", "x3", "x4"), last=("x12", "x34")),
            "crossed": model(parity("x13", "x1", "x3"), parity("x24", "x2", "x4"), last=("x13", "x24")),
            "chain": model(parity("x12", "x1", "x2"), parity("x123", "x12", "x3"), last=("x123", "x4")),
        }

    @property
    def hypotheses(self) -> Mapping[str, Hypothesis]:
        return self._hypotheses

    @cached_property
    def _hypotheses(self) -> dict[str, Hypothesis]:
        models = self._models
        hypotheses = [
            Hypothesis(name="pairs", model=models["pairs"], variables=("x12", "x34")),
            Hypothesis(name="crossed", model=models["crossed"], variables=("x13", "x24")),
            Hypothesis(name="chain", model=models["chain"], variables=("x123",)),
            Hypothesis(name="first", model=models["pairs"], variables=("x1",)),
            Hypothesis(name="output", model=models["pairs"], variables=("output",)),
        ]
        return {hypothesis.name: hypothesis for hypothesis in hypotheses}


class AndOr(AbstractTask):
    """Is (x1 and x2) or x3 true?

    Two algorithms compute this function: (x1 ∧ x2) ∨ x3, and (x1 ∨ x3) ∧ (x2 ∨ x3). A network may use either. They
    are hard to tell apart: their labels differ only where both variables of the second one are swapped. Where x3 is
    true, the label does not depend on x1 ∧ x2, so an interchange that works where x3 is false says nothing there.

    Hypotheses: `and_or` (x1 ∧ x2), `or_and` (x1 ∨ x3 and x2 ∨ x3), `third` (x3) and `output` (the class).

        >>> _, labels = AndOr().labelled_inputs(1000, split="train", generator=torch.Generator().manual_seed(0))
        >>> 0.55 < float(labels.float().mean()) < 0.7
        True
    """

    @property
    def model(self) -> CausalModel:
        return self._models[0]

    @property
    def roots(self) -> Mapping[str, Sequence[float] | None]:
        return dict.fromkeys(("x1", "x2", "x3"))

    def sample(self, count: int, *, split: Split, generator: torch.Generator) -> Values:
        return {f"z{i}": torch.randn(count, generator=generator) for i in range(1, 4)}

    def partner(self, values: Values, variable: str, *, split: Split, generator: torch.Generator) -> Values | None:
        return _flipped(values, variable)

    @cached_property
    def _models(self) -> tuple[CausalModel, CausalModel]:
        conjunction = _bit("x12", ("x1", "x2"), torch.bitwise_and)
        ors = [_bit(f"x{i}_or_x3", (f"x{i}", "x3"), torch.bitwise_or) for i in (1, 2)]
        return (
            CausalModel([*_bits(3), conjunction, _bit("output", ("x12", "x3"), torch.bitwise_or)], output="output"),
            CausalModel(
                [*_bits(3), *ors, _bit("output", ("x1_or_x3", "x2_or_x3"), torch.bitwise_and)], output="output"
            ),
        )

    @property
    def hypotheses(self) -> Mapping[str, Hypothesis]:
        return self._hypotheses

    @cached_property
    def _hypotheses(self) -> dict[str, Hypothesis]:
        first, second = self._models
        hypotheses = [
            Hypothesis(name="and_or", model=first, variables=("x12",)),
            Hypothesis(name="or_and", model=second, variables=("x1_or_x3", "x2_or_x3")),
            Hypothesis(name="third", model=first, variables=("x3",)),
            Hypothesis(name="output", model=first, variables=("output",)),
        ]
        return {hypothesis.name: hypothesis for hypothesis in hypotheses}
