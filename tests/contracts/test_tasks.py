"""Laws that every registered task obeys."""

from __future__ import annotations

import math

import pytest
import torch

from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.interventions import draw
from interlocus.core.errors import UnknownNameError
from interlocus.core.plugins import TASKS
from interlocus.core.random import derived_generator
from interlocus.tasks import AbstractTask
from interlocus.tasks.chance_levels import ESTIMATE_EXAMPLES, ESTIMATE_INTERVENTIONS, chance_levels

COUNT = 10_000
SPLITS = ("train", "validation", "test")


@pytest.fixture(params=list(TASKS))
def task(request) -> AbstractTask:
    return TASKS.get(request.param)()


def hypothesis_variables(task: AbstractTask) -> list[str]:
    return sorted({variable for hypothesis in task.hypotheses.values() for variable in hypothesis.variables})


@pytest.mark.parametrize("split", SPLITS)
def test_inputs_and_classes_are_as_the_task_declares(task, split):
    inputs, labels = task.labelled_inputs(COUNT, split=split, generator=derived_generator(0))
    assert inputs.shape == (COUNT, task.input_width)
    assert inputs.dtype == torch.float32
    assert torch.isfinite(inputs).all()
    assert labels.shape == (COUNT,)
    assert labels.unique().tolist() == list(range(task.classes))


@pytest.mark.parametrize("split", SPLITS)
def test_samples_are_the_inputs_of_the_causal_model(task, split):
    drawn = task.sample(7, split=split, generator=derived_generator(0))
    assert set(drawn) == set(task.model.inputs)
    assert all(len(value) == 7 for value in drawn.values())


def test_the_generator_decides(task):
    first, again, different = (
        task.labelled_inputs(100, split="train", generator=derived_generator(seed))[0] for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, different)


def test_the_global_generator_is_unchanged(task):
    before = torch.random.get_rng_state()
    task.draw_examples(100, split="train", generator=derived_generator(0), partners_of=hypothesis_variables(task))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_hypotheses_have_the_names_of_their_keys(task, fails):
    assert task.hypotheses
    for name, hypothesis in task.hypotheses.items():
        assert isinstance(hypothesis, Hypothesis)
        assert hypothesis.name == name
        assert task.hypothesis(name) is hypothesis
        with fails(UnknownNameError, repr(name + "x"), task.name):
            task.hypothesis(name + "x")


def test_every_hypothesis_gives_the_classes_of_the_task(task):
    for hypothesis in task.hypotheses.values():
        drawn = (
            task.apart(hypothesis.name, COUNT, split="train", generator=derived_generator(0))
            if hypothesis.sampled == "apart"
            else task.sample(COUNT, split="train", generator=derived_generator(0))
        )
        values = hypothesis.model.run(drawn)
        assert torch.equal(values[hypothesis.model.output], task.model.run(drawn)[task.model.output])


def test_examples_hold_inputs_with_the_values_of_variables(task):
    pool = task.draw_examples(COUNT, split="train", generator=derived_generator(0))
    drawn = task.sample(COUNT, split="train", generator=derived_generator(0))
    assert pool.count == COUNT
    assert pool.partners == {}
    assert torch.equal(pool.inputs, task.encode(drawn))
    for hypothesis in task.hypotheses.values():
        assert {*hypothesis.variables, *hypothesis.needed} <= set(pool.values)
        if hypothesis.sampled != "apart":  # the usual examples may contradict the model of such a hypothesis
            for name, value in hypothesis.model.run(drawn).items():
                if name in pool.values:
                    assert torch.equal(pool.values[name], value)


def test_special_examples_lie_behind_the_free_ones_and_do_not_depend_on_each_other(task):
    names = list(task.hypotheses)
    pool = task.draw_examples(100, split="train", generator=derived_generator(0), for_hypotheses=names)
    assert torch.equal(pool.inputs[:100], task.draw_examples(100, split="train", generator=derived_generator(0)).inputs)
    assert len(pool.inputs) == 100 * (1 + len(pool.matched) + len(pool.apart))
    backwards = task.draw_examples(100, split="train", generator=derived_generator(0), for_hypotheses=names[::-1])
    for hypothesis in task.hypotheses.values():
        alone = task.draw_examples(
            100, split="train", generator=derived_generator(0), for_hypotheses=(hypothesis.name,)
        )
        rows = [pool.rows(hypothesis), alone.rows(hypothesis), backwards.rows(hypothesis)]
        inputs = [examples.inputs[place] for examples, place in zip((pool, alone, backwards), rows, strict=True)]
        assert torch.equal(inputs[0], inputs[1])
        assert torch.equal(inputs[0], inputs[2])
        for name in hypothesis.variables if hypothesis.sampled == "matched" else ():
            first, other = pool.matched[name], alone.matched[name]
            assert torch.equal(pool.inputs[first : first + 100], alone.inputs[other : other + 100])


def test_partners_differ_in_their_variable_only(task):
    variables = hypothesis_variables(task)
    pool = task.draw_examples(COUNT, split="train", generator=derived_generator(0), partners_of=variables)
    assert len(pool.inputs) == COUNT * (1 + len(pool.partners))
    assert set(pool.partners) <= set(variables)
    for variable, first in pool.partners.items():
        base, source = slice(0, COUNT), slice(first, first + COUNT)
        assert (pool.values[variable][base] != pool.values[variable][source]).all()
        assert (pool.inputs[base] != pool.inputs[source]).any(1).all()
        for root in set(task.roots) - {variable}:
            assert torch.equal(pool.values[root][base], pool.values[root][source])


def test_examples_are_as_frequent_as_the_settings_are_probable(task):
    if not task.roots:
        return  # chance levels are estimated
    settings = task.settings()
    assert float(settings.probability.sum()) == pytest.approx(1)
    values = task.values(task.sample(COUNT, split="test", generator=derived_generator(0)))
    seen = torch.zeros(COUNT, dtype=torch.bool)
    for row, probability in enumerate(settings.probability.tolist()):
        here = torch.stack([values[root] == settings.values[root][row] for root in settings.roots]).all(0)
        deviation = math.sqrt(probability * (1 - probability) / COUNT)
        assert abs(float(here.double().mean()) - probability) < 5 * deviation
        assert (values[task.model.output][here] == settings.values[task.model.output][row]).all()
        seen |= here
    assert seen.all()


def test_interventions_of_every_hypothesis_change_some_labels_and_keep_others(task):
    pool = task.draw_examples(
        COUNT, split="train", generator=derived_generator(0), for_hypotheses=list(task.hypotheses)
    )
    for hypothesis in task.hypotheses.values():
        for sampling in ("natural", "balanced"):
            interventions = draw(pool, hypothesis, shape=(300,), sampling=sampling, generator=derived_generator(0))
            before = pool.values[hypothesis.model.output][interventions.base]
            # no hypothesis has labels that nearly always change or nearly never do
            assert 30 < (interventions.labels != before).sum() < 270
            assert len(interventions.labels.unique()) > 1


def test_chance_levels_are_fractions_and_estimates_agree_with_enumerated_ones(task):
    for hypothesis in task.hypotheses.values():
        known = chance_levels(task, hypothesis)
        drawn = known if known.method == "drawn" else chance_levels(task, hypothesis, method="drawn")
        rows = 1 + len(hypothesis.variables)
        for name in ("no_effect", "copy_source", "one_directional", "output_only"):
            value, estimate = getattr(known, name), getattr(drawn, name)
            if value is None:
                assert any(hypothesis.model.variables[variable].values is None for variable in hypothesis.variables)
                continue
            assert 0 <= value <= 1
            deviation = math.sqrt(value * (1 - value) * (1 / ESTIMATE_INTERVENTIONS + rows / ESTIMATE_EXAMPLES))
            assert abs(value - estimate) <= 5 * deviation  # some hundred are looked at
