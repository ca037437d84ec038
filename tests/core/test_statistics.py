"""Laws of confidence intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, norm, t

from interlocus.core.statistics import (
    Interval,
    clopper_pearson,
    fewest_trials,
    mean_over_networks,
    upper_prediction_limit,
)

Z = float(norm.ppf(0.975))


@given(count=st.integers(1, 5000), share=st.floats(0, 1), comparisons=st.sampled_from([1, 7, 96]))
def test_the_interval_of_a_share_agrees_with_scipy(count, share, comparisons):
    hits = round(share * count)
    ends = binomtest(hits, count).proportion_ci(1 - 0.05 / comparisons, method="exact")
    assert clopper_pearson(hits, count, comparisons=comparisons) == pytest.approx((ends.low, ends.high), abs=1e-9)


@pytest.mark.parametrize("share", [0.5, 0.8, 0.95, 0.99])
@pytest.mark.parametrize("count", [1, 16, 300])
def test_the_interval_holds_the_true_share_at_least_as_often_as_it_says(count, share):
    """Exact: the probability of each number of hits is summed where the interval holds the share."""
    covered = [low <= share <= high for low, high in (clopper_pearson(h, count) for h in range(count + 1))]
    assert binom.pmf(np.arange(count + 1), count, share)[covered].sum() >= 0.95


@pytest.mark.parametrize(("share", "comparisons"), [(0.8, 1), (0.9, 512), (0.95, 7)])
def test_the_fewest_trials_are_just_enough_if_all_are_hits(share, comparisons):
    fewest = fewest_trials(share, comparisons=comparisons)
    assert clopper_pearson(fewest, fewest, comparisons=comparisons)[0] >= share
    assert clopper_pearson(fewest - 1, fewest - 1, comparisons=comparisons)[0] < share


@pytest.mark.parametrize("count", [2, 3, 5, 18])
def test_a_further_normal_value_exceeds_the_fitted_limit_with_probability_one_in_twenty(count):
    """At most: where the largest value lies above the fitted limit, it is the limit."""
    draws = 4_000
    values = np.random.default_rng(7).normal(0.6, 0.02, (draws, count + 1))
    above = sum(row[-1] > upper_prediction_limit(row[:-1].tolist()) for row in values)
    assert above <= binom.ppf(0.999, draws, 0.05)
    fitted = sum(
        row[-1] > row[:-1].mean() + t.ppf(0.95, count - 1) * row[:-1].std(ddof=1) * math.sqrt(1 + 1 / count)
        for row in values
    )
    assert above <= fitted
    assert binom.ppf(0.001, draws, 0.05) <= fitted


def test_from_nineteen_values_on_the_largest_is_the_limit():
    values = np.random.default_rng(8).pareto(1.0, 19).tolist()
    assert upper_prediction_limit(values) == max(values)
    assert upper_prediction_limit(values[:18]) >= max(values[:18])


def test_an_interval_prints_with_three_decimals():
    assert str(Interval(0.5, 0.25, 0.75)) == "0.500 [0.250, 0.750]"


def width(iias: list[float], counts: list[int]) -> float:
    interval = mean_over_networks(iias, counts)
    assert 0 <= interval.low <= interval.value <= interval.high <= 1
    assert interval.value == pytest.approx(np.mean(iias))
    return interval.high - interval.low


def test_the_interval_of_a_mean_over_networks_is_students():
    widths = [width([0.8 - spread, 0.8 + spread] * 5, [10_000] * 10) for spread in (0.0, 0.05, 0.1)]
    assert widths == sorted(widths)
    low, high = t.interval(0.95, 9, loc=0, scale=0.1 * math.sqrt(10 / 9) / math.sqrt(10))
    assert widths[2] == pytest.approx(high - low)


@pytest.mark.parametrize("count", [2, 3, 5, 10])
def test_the_interval_holds_the_mean_of_all_networks_as_often_as_it_says(count):
    draws = 3_000
    values = np.random.default_rng(count).normal(0.7, 0.03, (draws, count))
    intervals = [mean_over_networks(row.tolist(), [10**6] * count) for row in values]
    held = sum(low <= 0.7 <= high for _, low, high in intervals)
    assert binom.ppf(0.001, draws, 0.95) <= held <= binom.ppf(0.999, draws, 0.95)


def test_equal_networks_leave_the_uncertainty_of_their_interventions():
    assert width([0.8] * 10, [1000] * 10) == pytest.approx(2 * Z * math.sqrt(0.16 / 10_000), rel=0.01)


def test_a_single_network_leaves_the_uncertainty_of_its_interventions():
    assert width([0.9], [400]) == pytest.approx(2 * Z * math.sqrt(0.09 / 400), rel=0.02)


def test_networks_without_a_miss_leave_some_uncertainty():
    assert width([1.0] * 3, [1000] * 3) > 0


def test_every_network_has_the_same_weight_whatever_its_number_of_interventions():
    assert mean_over_networks([0.5, 1.0], [10, 100_000]).value == 0.75
