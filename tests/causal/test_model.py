"""Laws of causal models."""

from __future__ import annotations

import pytest
import torch

from interlocus.causal.model import CausalModel, Variable
from interlocus.core.errors import CausalModelError, UnknownNameError

BATCH = 64


def bit(name: str, parents: tuple[str, ...], mechanism) -> Variable:
    return Variable(name=name, parents=parents, mechanism=mechanism, values=(0, 1))


# children stand before their parents: a model takes its variables in any order
MODEL = CausalModel(
    [
        bit("output", ("positive", "long"), lambda positive, long: positive ^ long),
        bit("positive", ("total",), lambda total: (total > 0).long()),
        bit("long", ("y",), lambda y: (y.norm(dim=1) > 1.5).long()),
        Variable(name="total", parents=("x", "y"), mechanism=lambda x, y: (x + y).sum(1)),
        Variable(name="x"),
        Variable(name="y"),
    ],
    output="output",
)


def inputs(seed: int, batch: int = BATCH) -> dict[str, torch.Tensor]:
    """Odd eighths, so that sums and squares are exact in any order, and no norm is 1.5."""
    generator = torch.Generator().manual_seed(seed)
    drawn = {name: torch.randn(batch, 3, generator=generator) for name in ("x", "y")}
    return {name: (4 * value).round() / 4 + 1 / 8 for name, value in drawn.items()}


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_run_returns_the_results_of_the_mechanisms():
    given = inputs(0)
    values = MODEL.run(given)
    total = (given["x"] + given["y"]).sum(1)
    assert values.keys() == MODEL.variables.keys()
    assert torch.equal(values["total"], total)
    assert torch.equal(values["output"], (total > 0).long() ^ (given["y"].norm(dim=1) > 1.5).long())
    assert 0 < values["output"].sum() < BATCH


def test_rows_of_a_batch_are_independent():
    given = inputs(1)
    together = MODEL.run(given)
    alone = [MODEL.run({name: value[row : row + 1] for name, value in given.items()}) for row in range(BATCH)]
    assert same(together, {name: torch.cat([values[name] for values in alone]) for name in together})


def test_run_from_intermediate_variables_returns_what_follows_from_them_only():
    values = MODEL.run(inputs(2))
    assert same(MODEL.run({name: values[name] for name in ("positive", "long")}),
                {name: values[name] for name in ("positive", "long", "output")})  # fmt: skip
    assert set(MODEL.run({"y": values["y"]})) == {"y", "long"}


def test_a_given_variable_keeps_its_value_whatever_its_parents_are():
    given = inputs(3)
    natural = MODEL.run(given)
    forced = MODEL.run(given | {"positive": 1 - natural["positive"]})
    assert torch.equal(forced["positive"], 1 - natural["positive"])
    assert torch.equal(forced["output"], 1 - natural["output"])
    assert torch.equal(forced["total"], natural["total"])


def test_run_does_not_change_the_given_values():
    given = inputs(4)
    before = {name: value.clone() for name, value in given.items()}
    MODEL.run(given)
    assert same(given, before)


def test_inputs_discrete_variables_and_descendants():
    assert set(MODEL.inputs) == {"x", "y"}
    assert set(MODEL.discrete) == {"positive", "long", "output"}
    assert MODEL.descendants == {
        "x": {"total", "positive", "output"},
        "y": {"total", "positive", "long", "output"},
        "total": {"positive", "output"},
        "positive": {"output"},
        "long": {"output"},
        "output": set(),
    }


@pytest.mark.parametrize("swapped", [(), ("x",), ("total",), ("positive", "long"), ("y", "positive"), ("output",)])
def test_a_base_that_is_its_own_source_changes_nothing(swapped):
    base = MODEL.run(inputs(5))
    assert same(MODEL.interchange(base, {name: base[name] for name in swapped}), base)


@pytest.mark.parametrize("swapped", [("x",), ("y",), ("total",), ("long",), ("positive", "long"), ("x", "long")])
def test_an_interchange_recomputes_descendants_and_keeps_the_rest(swapped):
    base = MODEL.run(inputs(6))
    sources = {name: MODEL.run(inputs(7 + i))[name] for i, name in enumerate(swapped)}
    after = MODEL.interchange(base, sources)
    below = set().union(*(MODEL.descendants[name] for name in swapped)) - set(swapped)
    assert after.keys() == base.keys()
    for name, variable in MODEL.variables.items():
        if name in swapped:
            assert torch.equal(after[name], sources[name])
        elif name in below:
            arguments = [after[parent] for parent in variable.parents]
            assert torch.equal(after[name], variable.mechanism(*arguments))
        else:
            assert torch.equal(after[name], base[name])


def test_two_variables_take_their_values_from_two_sources():
    base, first, second = (MODEL.run(inputs(seed)) for seed in (10, 11, 12))
    after = MODEL.interchange(base, {"positive": first["positive"], "long": second["long"]})
    assert torch.equal(after["output"], first["positive"] ^ second["long"])
    # which differs from the answers of either source alone
    assert not torch.equal(after["output"], first["output"])
    assert not torch.equal(after["output"], second["output"])


def test_a_swapped_descendant_of_a_swapped_variable_keeps_the_value_of_its_source():
    base, first, second = (MODEL.run(inputs(seed)) for seed in (13, 14, 15))
    after = MODEL.interchange(base, {"y": first["y"], "positive": second["positive"]})
    assert torch.equal(after["positive"], second["positive"])
    assert torch.equal(after["long"], first["long"])
    assert torch.equal(after["total"], (base["x"] + first["y"]).sum(1))
    assert torch.equal(after["output"], second["positive"] ^ first["long"])


def test_an_interchange_does_not_change_the_base():
    base, source = MODEL.run(inputs(16)), MODEL.run(inputs(17))
    before = {name: value.clone() for name, value in base.items()}
    MODEL.interchange(base, {"x": source["x"]})
    assert same(base, before)


def test_an_unknown_variable_suggests_a_similar_one(fails):
    base = MODEL.run(inputs(18))
    with fails(UnknownNameError, "'positve'", "Did you mean 'positive'?"):
        MODEL.run({"positve": base["positive"]})
    with fails(UnknownNameError, "'lnog'", "Did you mean 'long'?"):
        MODEL.interchange(base, {"lnog": base["long"]})


def constant(value: torch.Tensor) -> torch.Tensor:
    return torch.ones(len(value), dtype=torch.long)


X, OUTPUT = Variable(name="x"), bit("output", ("x",), constant)


@pytest.mark.parametrize(
    ("variables", "output", "kind", "words"),
    [
        ([X, X, OUTPUT], "output", CausalModelError, ["'x'"]),
        ([X, bit("output", ("z",), constant)], "output", UnknownNameError, ["'z'", "'output'"]),
        ([X, OUTPUT], "outptu", UnknownNameError, ["'outptu'", "Did you mean 'output'?"]),
        ([X, Variable(name="output", parents=("x",), mechanism=constant)], "output", CausalModelError, ["values"]),
        ([X, OUTPUT, Variable(name="y", parents=("x",))], "output", CausalModelError, ["'y'", "mechanism"]),
        ([X, OUTPUT, Variable(name="y", mechanism=constant)], "output", CausalModelError, ["'y'", "parents"]),
        ([bit("output", ("output",), constant)], "output", CausalModelError, ["cycle", "output"]),
        (
            [
                X,
                bit("p", ("x", "r"), constant),
                bit("q", ("p",), constant),
                bit("r", ("q",), constant),
                bit("output", ("r",), constant),
            ],
            "output",
            CausalModelError,
            ["cycle", "p", "q", "r"],
        ),
    ],
    ids=[
        "twice",
        "unknown parent",
        "unknown output",
        "continuous output",
        "no mechanism",
        "no parents",
        "self",
        "cycle",
    ],
)
def test_a_model_that_contradicts_itself_is_refused(variables, output, kind, words, fails):
    with fails(kind, *words):
        CausalModel(variables, output=output)


@pytest.mark.parametrize(
    ("mechanism", "words"),
    [
        (lambda x: x, ["(5, 3)", "[5]"]),
        (lambda x: (x > 0).all(0).long(), ["(3,)"]),
        (lambda x: torch.tensor(1), ["()"]),
        (lambda x: torch.ones(1, dtype=torch.long), ["(1,)"]),
        (lambda x: 1, ["int"]),
        (lambda x: torch.tensor([0, 1, 7, 1, 0]), ["returned 7", "[0, 1]"]),
        (lambda x: torch.full((5,), 0.5), ["returned 0.5"]),
        (lambda x: torch.full((5,), torch.nan), ["nan"]),
    ],
    ids=[
        "width left",
        "reduced over rows",
        "a scalar",
        "one row",
        "no tensor",
        "undeclared",
        "fraction",
        "not a number",
    ],
)
def test_a_mechanism_whose_result_is_not_as_declared_is_refused(mechanism, words, fails):
    model = CausalModel([X, bit("output", ("x",), mechanism)], output="output")
    with fails(CausalModelError, "'output'", *words):
        model.run({"x": torch.randn(5, 3, generator=torch.Generator().manual_seed(0))})


def test_a_continuous_mechanism_must_return_one_row_for_each_example(fails):
    model = CausalModel([X, Variable(name="y", parents=("x",), mechanism=lambda x: x.mean(0)), OUTPUT], output="output")
    with fails(CausalModelError, "'y'", "batch of 5"):
        model.run({"x": torch.zeros(5, 3)})
