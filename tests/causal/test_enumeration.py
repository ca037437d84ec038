"""Laws of interventions that are enumerated with their probabilities, and of sampled ones."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from scipy.stats import chi2

from interlocus.causal.chance_levels import ceiling, no_effect
from interlocus.causal.enumeration import (
    enumerate_interventions,
    enumerate_settings,
    sample_interventions,
)
from interlocus.causal.interventions import CANDIDATES, draw, kind_rows
from interlocus.core.errors import CausalModelError, UnknownNameError
from interlocus.core.random import derived_generator
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality()
SETTINGS = TASK.settings()
SYMMETRIC = enumerate_settings(TASK.hypothesis("symmetric").model, TASK.roots)


def test_settings_are_all_joint_values_with_their_probabilities():
    settings = enumerate_settings(TASK.model, {"left": (1.0, 3.0), "right": None})
    assert sorted(zip(settings.values["left"].tolist(), settings.values["right"].tolist(), strict=True)) == [
        (0, 0), (0, 1), (1, 0), (1, 1)]  # fmt: skip
    assert float(settings.probability.sum()) == pytest.approx(1)
    assert torch.allclose(settings.probability, torch.where(settings.values["left"] == 1, 0.375, 0.125).double())
    assert torch.equal(settings.values["output"], (settings.values["left"] == settings.values["right"]).long())


def test_settings_that_cannot_be_enumerated_are_refused(fails):
    with fails(CausalModelError, "'a'"):
        enumerate_settings(TASK.model, {"a": None})
    with fails(CausalModelError, "left"):
        enumerate_settings(TASK.model, {"left": None})
    with fails(UnknownNameError, "Did you mean 'left'?"):
        enumerate_settings(TASK.model, {"lefd": None})


@pytest.mark.parametrize("sampling", ["natural", "balanced"])
@pytest.mark.parametrize("name", ["left", "right", "both", "symmetric"])
def test_probabilities_sum_to_equal_shares_of_the_kinds(name, sampling):
    hypothesis = TASK.hypothesis(name)
    interventions = enumerate_interventions(hypothesis, SYMMETRIC, sampling=sampling)
    assert (interventions.probability >= 0).all()
    shares = torch.zeros(len(hypothesis.kinds), dtype=torch.float64).index_add_(
        0, interventions.kind, interventions.probability
    )
    assert torch.allclose(shares, torch.full_like(shares, 1 / len(shares)))
    for values in (interventions.base, *interventions.sources.values()):
        assert torch.equal(values["both_equal"], values["left"] & values["right"])
        assert torch.equal(values["none_equal"], (1 - values["left"]) & (1 - values["right"]))


@pytest.mark.parametrize("sampling", ["natural", "balanced", "minimal_pairs"])
@pytest.mark.parametrize("name", ["left", "right", "both"])
def test_balanced_labels_change_in_half_and_minimal_pairs_change_every_single_swap(name, sampling):
    hypothesis = TASK.hypothesis(name)
    interventions = enumerate_interventions(hypothesis, SETTINGS, sampling=sampling)
    stays = interventions.base["output"] == interventions.label
    for index, kind in enumerate(hypothesis.kinds):
        inside = interventions.kind == index
        share = float(interventions.probability[inside & stays].sum() / interventions.probability[inside].sum())
        assert share == pytest.approx({"minimal_pairs": 0.0 if len(kind) == 1 else 1.0}.get(sampling, 0.5))


def test_restoring_takes_a_variable_from_another_value_to_its_last_one():
    interventions = enumerate_interventions(TASK.hypothesis("left"), SETTINGS, sampling="restoring")
    possible = interventions.probability > 0
    assert (interventions.base["left"][possible] == 0).all()
    assert (interventions.sources["left"]["left"][possible] == 1).all()
    assert float(interventions.probability.sum()) == pytest.approx(1)
    assert no_effect(interventions) == 0  # the label always changes


def test_sources_may_have_other_probabilities_than_bases():
    unequal = replace(SETTINGS, probability=((1 - SETTINGS.values["left"]) / 2).double())
    interventions = enumerate_interventions(TASK.hypothesis("left"), SETTINGS, unequal)
    swapped = interventions.probability > 0
    assert (interventions.sources["left"]["left"][swapped] == 0).all()
    # left becomes 0, so the label is "right is 0"; without an effect the answer is "left equals right"
    assert no_effect(interventions) == pytest.approx(0.5)
    certain = replace(SETTINGS, probability=((1 - SETTINGS.values["left"]) * (1 - SETTINGS.values["right"])).double())
    assert no_effect(enumerate_interventions(TASK.hypothesis("left"), certain)) == pytest.approx(1.0)


def test_minimal_pairs_of_a_variable_that_is_not_a_root_are_refused(fails):
    with fails(CausalModelError, "'both_equal'"):
        enumerate_interventions(TASK.hypothesis("symmetric"), SYMMETRIC, sampling="minimal_pairs")


def drawn(name: str, sampling: str, count: int):
    """A pool, interventions drawn from it, and the enumerated ones with the frequencies of settings in that pool."""
    task = HierarchicalEquality(item_width=1)
    pool = task.draw_examples(500, split="test", generator=derived_generator(3, name), partners_of=("left", "right"))
    hypothesis = task.hypothesis(name)
    interventions = draw(
        pool, hypothesis, shape=(count,), sampling=sampling, generator=derived_generator(4, name, sampling)
    )
    index = (2 * pool.values["left"] + pool.values["right"])[: pool.count]
    frequency = torch.bincount(index, minlength=4).double() / pool.count
    place = 2 * SYMMETRIC.values["left"] + SYMMETRIC.values["right"]
    exact = enumerate_interventions(hypothesis, replace(SYMMETRIC, probability=frequency[place]), sampling=sampling)
    return pool, interventions, exact


@pytest.mark.parametrize(
    ("name", "sampling"),
    [(n, s) for n in ("left", "right", "both") for s in ("natural", "balanced", "minimal_pairs")]
    + [("symmetric", "natural")],
)
def test_drawn_interventions_have_the_enumerated_frequencies(name, sampling):
    """A χ² test over the values on base and sources and the label."""
    count = 30_000
    pool, interventions, exact = drawn(name, sampling, count)
    kind = torch.cat(
        [torch.full((rows.stop - rows.start,), i) for i, (_, rows) in enumerate(kind_rows(exact.hypothesis, count))]
    )
    observed = [kind, interventions.labels]
    probable = [exact.kind, exact.label]
    for rows, values in [
        (interventions.base, exact.base),
        *zip(interventions.sources, exact.sources.values(), strict=True),
    ]:
        for variable in ("left", "right"):
            observed.append(pool.values[variable][rows])
            probable.append(values[variable])
    cells = torch.cat([torch.stack(probable, 1), torch.stack(observed, 1)])
    _, code = torch.unique(cells, dim=0, return_inverse=True)
    probability = torch.zeros(int(code.max()) + 1, dtype=torch.float64)
    probability.index_add_(0, code[: len(exact.kind)], exact.probability)
    frequency = torch.bincount(code[len(exact.kind) :], minlength=len(probability)).double()
    possible = probability > 0
    assert frequency[~possible].sum() == 0
    expected = count * probability[possible]
    assert expected.min() > 5
    statistic = float(((frequency[possible] - expected) ** 2 / expected).sum())
    assert statistic < chi2.ppf(1 - 1e-6, int(possible.sum()) - 1)


@pytest.mark.parametrize("sampling", ["natural", "balanced"])
@pytest.mark.parametrize("name", ["left", "both", "symmetric"])
def test_the_no_effect_level_of_drawn_interventions_is_the_enumerated_one(name, sampling):
    count = 30_000
    pool, interventions, exact = drawn(name, sampling, count)
    output = exact.hypothesis.model.output
    estimate = (pool.values[output][interventions.base] == interventions.labels).double().mean()
    # one of the four settings at least is a suitable source; all candidates miss the rarest one with this probability
    rarest = min(float((pool.values["left"] * 2 + pool.values["right"] == place).double().mean()) for place in range(4))
    missed = 0.0 if sampling == "natural" else (1 - rarest) ** CANDIDATES
    assert abs(estimate - no_effect(exact)) < 5 * 0.5 / count**0.5 + missed


@pytest.mark.parametrize("sampling", ["natural", "balanced", "minimal_pairs"])
def test_sampled_interventions_have_their_kinds_sources_and_labels(sampling):
    """Both truth values on base and sources determine the label together with the kind, and the kind alone does not."""
    pool = TASK.draw_examples(4000, split="test", generator=derived_generator(0), partners_of=("left", "right"))
    interventions = sample_interventions(
        TASK.hypothesis("both"), pool, count=9000, sampling=sampling, generator=derived_generator(1)
    )
    assert float(interventions.probability.sum()) == pytest.approx(1)
    assert torch.bincount(interventions.kind).tolist() == [3000, 3000, 3000]
    assert ceiling(interventions, ("left", "right")) == pytest.approx(1)
    assert ceiling(interventions, ()) < 0.75 or sampling == "minimal_pairs"
    if sampling == "natural":
        exact = enumerate_interventions(TASK.hypothesis("both"), SYMMETRIC)
        for carried in (("both_equal", "none_equal"), ("output",), ("left",)):
            deviation = (0.25 * (1 / 9000 + 3 / 4000)) ** 0.5
            assert abs(ceiling(interventions, carried) - ceiling(exact, carried)) < 5 * deviation
