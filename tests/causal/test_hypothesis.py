"""Laws of hypotheses."""

from __future__ import annotations

import pytest
import torch

from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.model import CausalModel, Variable
from interlocus.core.errors import CausalModelError, UnknownNameError


def bit(name: str, parents: tuple[str, ...], mechanism) -> Variable:
    return Variable(name=name, parents=parents, mechanism=mechanism, values=(0, 1))


def constant(value: torch.Tensor) -> torch.Tensor:
    return torch.ones(len(value), dtype=torch.long)


X = Variable(name="x")
MODEL = CausalModel(
    [
        X,
        bit("positive", ("x",), lambda x: (x > 0).long()),
        bit("large", ("x",), lambda x: (x.abs() > 1).long()),
        bit("output", ("positive", "large"), torch.bitwise_xor),
    ],
    output="output",
)


@pytest.mark.parametrize(
    ("variables", "kinds"),
    [
        (("left",), [("left",)]),
        (("left", "right"), [("left",), ("left", "right"), ("right",)]),
        (("p", "q", "r"), [("p",), ("p", "q", "r"), ("q",), ("r",)]),
    ],
)
def test_kinds_are_each_variable_alone_and_all_jointly(variables, kinds):
    parts = [bit(name, ("x",), constant) for name in variables]
    model = CausalModel([X, *parts, bit("output", variables, lambda *values: constant(values[0]))], output="output")
    assert list(Hypothesis(name="h", model=model, variables=variables).kinds) == kinds


@pytest.mark.parametrize(
    ("variables", "kind", "words"),
    [
        ((), CausalModelError, ["[]"]),
        (("positive", "positive"), CausalModelError, ["positive"]),
        (("positve",), UnknownNameError, ["Did you mean 'positive'?"]),
        (("aside",), CausalModelError, ["'aside'"]),
    ],
    ids=["none", "twice", "unknown", "without effect"],
)
def test_a_hypothesis_that_cannot_be_searched_for_is_refused(variables, kind, words, fails):
    model = CausalModel([*MODEL.variables.values(), bit("aside", ("x",), constant)], output="output")
    with fails(kind, *words):
        Hypothesis(name="h", model=model, variables=variables)


def test_the_output_itself_may_be_a_hypothesis():
    assert Hypothesis(name="output", model=MODEL, variables=("output",)).kinds == (("output",),)
