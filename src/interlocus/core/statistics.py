"""Confidence intervals of shares, and of means over networks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import betaincinv, ndtri, stdtrit

CONFIDENCE = 0.95
"""Coverage of every interval that Interlocus reports."""


class Interval(NamedTuple):
    """A value with the ends of its 95 % confidence interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def clopper_pearson(hits: int, count: int, *, comparisons: int = 1) -> tuple[float, float]:
    """Both ends of the exact 95 % confidence interval of a share.

    With h hits among n and α = .05 / comparisons (Bonferroni), the lower end is the quantile of Beta(h, n − h + 1) at
    α/2, and the upper end that of Beta(h + 1, n − h) at 1 − α/2. For independent trials the interval holds the true
    share with at least this probability, whatever the share is. Wilson's and the normal interval fall below it near 0
    and 1.

    scipy's `binomtest` computes a p-value first and is a hundred times slower; a run needs tens of thousands of
    intervals.

    Args:
        hits: Number of successes, from 0 to `count`.
        count: Number of trials, at least 1.
        comparisons: How many such intervals must all hold with 95 % confidence together.

    Source: Clopper and Pearson 1934, Biometrika 26, 404–413.
    """
    tail = (1 - CONFIDENCE) / comparisons / 2
    low = float(betaincinv(hits, count - hits + 1, tail)) if hits else 0.0
    high = 1 - float(betaincinv(count - hits, hits + 1, tail)) if hits < count else 1.0
    return low, high


def exact_low(hits: int, count: int) -> float:
    """Lower end of the one-sided exact 95 % interval of a share; 0 for no trial.

    Args:
        hits: Number of successes, from 0 to `count`.
        count: Number of trials.
    """
    return 0.0 if hits == 0 else float(betaincinv(hits, count - hits + 1, 1 - CONFIDENCE))


def exact_high(hits: int, count: int) -> float:
    """Upper end of the one-sided exact 95 % interval of a share, about 3/n with no success in n; 1 for no trial.

    Args:
        hits: Number of successes, from 0 to `count`.
        count: Number of trials.
    """
    return 1.0 if hits >= count else float(betaincinv(hits + 1, count - hits, CONFIDENCE))


def fewest_trials(share: float, *, comparisons: int = 1) -> int:
    """The smallest number of trials that can show that a share is high: if all are hits, the lower end reaches `share`.

    Without a miss the lower end is (α/2)^(1/n), so n = ln(α/2) / ln(share).

    Args:
        share: Required lower end of the interval, above 0 and below 1.
        comparisons: As in `clopper_pearson`.
    """
    return math.ceil(math.log((1 - CONFIDENCE) / comparisons / 2) / math.log(share))


def upper_prediction_limit(values: Sequence[float]) -> float:
    """A limit that one further value exceeds with a probability of at most .05, never below the largest value.

    With n values, mean m and standard deviation s it is m + t s √(1 + 1/n), with t the .95 quantile of Student's
    distribution with n − 1 degrees of freedom; this assumes normal values. From 19 values on it is the largest value,
    which a further value exceeds with probability 1/(n + 1), whatever the distribution is.

    Args:
        values: Independent values of one distribution, at least two.

    Source: Hahn and Meeker 1991, Statistical Intervals, sections 4.8 and 5.4.
    """
    count, largest = len(values), max(values)
    if (count + 1) * (1 - CONFIDENCE) >= 1 - 1e-9:
        return largest
    t = float(stdtrit(count - 1, CONFIDENCE))
    return max(largest, float(np.mean(values) + t * np.std(values, ddof=1) * math.sqrt(1 + 1 / count)))


def mean_interval(values: Sequence[float], variances: Sequence[float]) -> Interval:
    """The mean of a value over networks, with Student's 95 % interval m ± t s / √n.

    It is a statement about networks that were not searched, so it is wide for few networks: t is 12.7 for two, 4.3 for
    three and 2.3 for ten. A bootstrap over networks is too narrow for fewer than about twenty. The interval is never
    narrower than what the uncertainty of each value leaves, m ± z √(Σ variances) / n, which is all that one network
    shows.

    Args:
        values: The value of each network, at least one.
        variances: Sampling variance of each value.
    """
    count, mean = len(values), float(np.mean(values))
    half = float(ndtri((1 + CONFIDENCE) / 2)) * math.sqrt(sum(variances)) / count
    if count > 1:
        half = max(half, student_quantile(count - 1.0) * float(np.std(values, ddof=1)) / math.sqrt(count))
    return Interval(mean, mean - half, mean + half)


def mean_over_networks(iias: Sequence[float], counts: Sequence[int]) -> Interval:
    """The mean of an IIA over networks with its interval (`mean_interval`), between 0 and 1.

    Args:
        iias: IIA of each network, from 0 to 1.
        counts: Number of interventions behind each IIA. Its variance is that of Beta(h + 1, n − h + 1), which is not 0
            for an IIA of 1.
    """
    hits = [iia * count for iia, count in zip(iias, counts, strict=True)]
    variances = [(h + 1) * (n - h + 1) / ((n + 2) ** 2 * (n + 3)) for h, n in zip(hits, counts, strict=True)]
    mean, low, high = mean_interval(iias, variances)
    return Interval(mean, max(low, 0.0), min(high, 1.0))


def student_quantile(degrees: float) -> float:
    """The quantile t of Student's distribution for a two-sided 95 % interval.

    Args:
        degrees: Degrees of freedom, above 0.
    """
    return float(stdtrit(degrees, (1 + CONFIDENCE) / 2))
