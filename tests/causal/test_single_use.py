"""Laws of interventions in which each example is used once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from rare_bit import RareBit
from scipy.stats import binom, chi2

from interlocus.causal.interventions import counterfactual_labels, kind_rows
from interlocus.causal.single_use import (
    TRANSITION_INTERVENTIONS,
    add_transitions,
    batch_shape,
    draw_once,
    examples_for,
    rare_transitions,
)
from interlocus.core.errors import SpecificationError
from interlocus.core.random import derived_generator
from interlocus.core.statistics import clopper_pearson
from interlocus.tasks import HierarchicalEquality
from interlocus.tasks.splits import SampleSizes, draw_test_examples

TASK = HierarchicalEquality(item_width=2)
SIZES = SampleSizes(pool=100, held_out=100, partners=1, batch=90, test=900)


@pytest.mark.parametrize("name", ["both", "left", "cross", "identity"])
def test_no_example_is_in_two_interventions(name):
    hypothesis = TASK.hypothesis(name)
    pool = draw_test_examples(TASK, SIZES, seed=0, hypotheses=(name,))
    shape = batch_shape(SIZES.test, SIZES.batch)
    drawn = draw_once(pool, hypothesis, shape=shape, generator=derived_generator(0))
    assert drawn.base.shape == shape == (10, 90)
    used = {
        (row - pool.rows(hypothesis).start) % pool.count  # a matched source is made from its base, and used with it
        for row in drawn.base.flatten().tolist()
    }
    assert len(used) == 900
    for kind, rows in kind_rows(hypothesis, 90):
        for index, variable in enumerate(hypothesis.variables):
            base, source = drawn.base[:, rows], drawn.sources[index][:, rows]
            assert (base == source).all() == (variable not in kind)
            free = source[source < pool.rows(hypothesis).stop] if variable in kind else base[:0]
            drawn_rows = {(row - pool.rows(hypothesis).start) % pool.count for row in free.tolist()}
            assert len(drawn_rows) == free.numel()
            assert used.isdisjoint(drawn_rows)
            used |= drawn_rows
    assert len(used) <= examples_for(hypothesis, shape) <= pool.count
    assert torch.equal(drawn.labels, counterfactual_labels(pool, hypothesis, drawn.base, drawn.sources))


def test_hits_of_maps_vary_as_binomial_counts_do():
    """Whether an intervention is a hit depends here on its examples; over shared ones the variance is larger."""
    hypothesis, sizes, draws = TASK.hypothesis("left"), SampleSizes(batch=200, test=200), 300
    hits = []
    for seed in range(draws):
        pool = draw_test_examples(TASK, sizes, seed=seed, hypotheses=("left",))
        drawn = draw_once(pool, hypothesis, shape=(1, 200), generator=derived_generator(seed))
        quirk = pool.inputs.sum(1) > 0.5
        hits.append(int((quirk[drawn.base] & quirk[drawn.sources[0]]).sum()))
    share = np.mean(hits) / 200
    statistic = np.var(hits, ddof=1) * (draws - 1) / (200 * share * (1 - share))
    assert chi2.cdf(statistic, draws - 1) < 0.999


def test_too_few_examples_are_refused():
    pool = TASK.draw_examples(100, split="test", generator=derived_generator(0))
    with pytest.raises(SpecificationError, match="100 test examples"):
        draw_once(pool, TASK.hypothesis("left"), shape=(1, 51), generator=derived_generator(0))


def test_common_transitions_get_no_further_interventions():
    pool = draw_test_examples(TASK, SampleSizes(), seed=0, hypotheses=("both",))
    assert pool.transitions == {}
    (added,) = add_transitions(pool, (TASK.hypothesis("both"),), count=10_000, batch=512)
    assert added.interventions.base.numel() == 0


def test_rare_transitions_are_topped_up_with_examples_that_are_used_once():
    task, sizes = RareBit(), SampleSizes()
    hypothesis = task.hypothesis("both")
    pool = draw_test_examples(task, sizes, seed=0, hypotheses=("both",))
    lacking = rare_transitions(pool, hypothesis, sizes.test)
    # of 3,333 interventions on a, 8 are expected to go from 1 to 1, and 158 from 0 to 1
    assert set(lacking) == {"a"}
    assert set(lacking["a"]) == {(0, 1), (1, 0), (1, 1)}
    assert TRANSITION_INTERVENTIONS - 20 < lacking["a"][1, 1] < TRANSITION_INTERVENTIONS
    (added,) = add_transitions(pool, (hypothesis,), count=sizes.test, batch=sizes.batch)
    count, place = len(added.transitions["a"]), added.interventions.places[0]
    assert count == sum(lacking["a"].values())
    base = added.interventions.base[:, place].flatten()[:count]
    source = added.interventions.sources[0][:, place].flatten()[:count]
    values = pool.values["a"]
    assert added.transitions["a"] == list(zip(values[base].tolist(), values[source].tolist(), strict=True))
    rows = [*base.tolist(), *source.tolist()]
    assert len(set(rows)) == len(rows)
    assert min(rows) >= pool.count
    # chosen by the value of a and by nothing else, so b stays as frequent as it is
    ones = int(pool.values["b"][rows].sum())
    assert 0.0005 < binom.cdf(ones, len(rows), 0.5) < 0.9995


def test_a_value_that_hardly_occurs_gets_as_many_interventions_as_its_examples_allow():
    task, sizes = RareBit(share=0.001), SampleSizes(batch=100, test=2_000)
    pool = draw_test_examples(task, sizes, seed=0, hypotheses=("both",))
    (added,) = add_transitions(pool, (task.hypothesis("both"),), count=2_000, batch=100)
    found = [added.transitions["a"].count(pair) for pair in rare_transitions(pool, task.hypothesis("both"), 2_000)["a"]]
    assert 0 < sum(found) < 3 * TRANSITION_INTERVENTIONS


def test_the_number_for_a_transition_allows_some_misses():
    n = TRANSITION_INTERVENTIONS
    assert clopper_pearson(n - 15, n, comparisons=2048)[0] >= 0.90
    assert clopper_pearson(n - 16, n, comparisons=2048)[0] < 0.90
