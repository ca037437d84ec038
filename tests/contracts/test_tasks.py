"""What every registered task keeps to."""

from __future__ import annotations

import math

import pytest
import torch

from interlocus.causal import Hypothesis
from interlocus.counterfactuals import draw
from interlocus.errors import UnknownNameError
from interlocus.registry import TASKS
from interlocus.seeds import stream
from interlocus.tasks import AbstractTask

COUNT = 10_000
SPLITS = ("train", "validation", "test")


@pytest.fixture(params=list(TASKS))
def task(request) -> AbstractTask:
    return TASKS.get(request.param)()


def sought(task: AbstractTask) -> list[str]:
    return sorted({variable for hypothesis in task.hypotheses.values() for variable in hypothesis.variables})


@pytest.mark.parametrize("split", SPLITS)
def test_examples_are_as_wide_and_as_many_classes_as_the_task_says(task, split):
    inputs, labels = task.examples(COUNT, split=split, generator=stream(0))
    assert inputs.shape == (COUNT, task.input_width)
    assert inputs.dtype == torch.float32
    assert torch.isfinite(inputs).all()
    assert labels.shape == (COUNT,)
    assert labels.unique().tolist() == list(range(task.classes))


@pytest.mark.parametrize("split", SPLITS)
def test_samples_are_the_inputs_of_the_causal_model(task, split):
    drawn = task.sample(7, split=split, generator=stream(0))
    assert set(drawn) == set(task.model.inputs)
    assert all(len(value) == 7 for value in drawn.values())


def test_the_generator_decides(task):
    one, again, other = (task.examples(100, split="train", generator=stream(seed))[0] for seed in (0, 0, 1))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_the_global_generator_is_left_alone(task):
    before = torch.random.get_rng_state()
    task.pool(100, split="train", generator=stream(0), partners_of=sought(task))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_hypotheses_go_by_their_names(task, fails):
    assert task.hypotheses
    for name, hypothesis in task.hypotheses.items():
        assert isinstance(hypothesis, Hypothesis)
        assert hypothesis.name == name
        assert task.hypothesis(name) is hypothesis
        with fails(UnknownNameError, repr(name + "x"), task.name):
            task.hypothesis(name + "x")


def test_every_hypothesis_gives_the_classes_of_the_task(task):
    drawn = task.sample(COUNT, split="train", generator=stream(0))
    labels = task.model.run(drawn)[task.model.output]
    for hypothesis in task.hypotheses.values():
        values = hypothesis.model.run(drawn)
        assert torch.equal(values[hypothesis.model.output], labels)
        assert set(hypothesis.variables) <= set(hypothesis.model.discrete)


def test_a_pool_holds_inputs_with_the_values_on_them(task):
    pool = task.pool(COUNT, split="train", generator=stream(0))
    drawn = task.sample(COUNT, split="train", generator=stream(0))
    assert pool.count == COUNT
    assert pool.partners == {}
    assert torch.equal(pool.inputs, task.encode(drawn))
    for hypothesis in task.hypotheses.values():
        for name, value in hypothesis.model.run(drawn).items():
            if name in hypothesis.model.discrete:
                assert torch.equal(pool.values[name], value)


def test_partners_differ_in_their_variable_alone(task):
    variables = sought(task)
    pool = task.pool(COUNT, split="train", generator=stream(0), partners_of=variables)
    assert len(pool.inputs) == COUNT * (1 + len(pool.partners))
    assert set(pool.partners) <= set(variables)
    for variable, first in pool.partners.items():
        base, source = slice(0, COUNT), slice(first, first + COUNT)
        assert (pool.values[variable][base] != pool.values[variable][source]).all()
        assert (pool.inputs[base] != pool.inputs[source]).any(1).all()
        for root in set(task.roots) - {variable}:
            assert torch.equal(pool.values[root][base], pool.values[root][source])


def test_examples_are_as_frequent_as_the_settings_are_probable(task):
    counted = task.settings()
    assert float(counted.probability.sum()) == pytest.approx(1)
    values = task.discrete_values(task.sample(COUNT, split="test", generator=stream(0)))
    seen = torch.zeros(COUNT, dtype=torch.bool)
    for row, probability in enumerate(counted.probability.tolist()):
        here = torch.stack([values[root] == counted.values[root][row] for root in counted.roots]).all(0)
        deviation = math.sqrt(probability * (1 - probability) / COUNT)
        assert abs(float(here.double().mean()) - probability) < 5 * deviation
        assert (values[task.model.output][here] == counted.values[task.model.output][row]).all()
        seen |= here
    assert seen.all()


def test_every_hypothesis_can_be_asked(task):
    pool = task.pool(COUNT, split="train", generator=stream(0))
    for hypothesis in task.hypotheses.values():
        asked = draw(pool, hypothesis, shape=(300,), sampling="balanced", generator=stream(0))
        before = pool.values[hypothesis.model.output][asked.base]
        assert (asked.labels != before).any()
        assert (asked.labels == before).any()
