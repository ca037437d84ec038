"""Confidence intervals of shares, and of means over networks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

CONFIDENCE = 0.95
"""Coverage of every interval that Interlocus reports."""

RESAMPLES = 2000
"""Resamples of a bootstrap; the standard error of a 2.5 % quantile's level is then .35 %."""


class Interval(NamedTuple):
    """A value with the ends of its 95 % confidence interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def wilson(hits: int, count: int, *, comparisons: int = 1) -> tuple[float, float]:
    """Both ends of Wilson's 95 % confidence interval of a share.

    (h + z²/2 ± z √(h (n − h)/n + z²/4)) / (n + z²), with h hits among n and z the normal quantile of
    1 − .05 / (2 · comparisons), which is Bonferroni's correction.

    scipy's function computes a p-value first and is a hundred times slower; a run needs tens of thousands of intervals.

    Args:
        hits: Number of successes, from 0 to `count`.
        count: Number of trials, at least 1.
        comparisons: How many such intervals must all hold with 95 % confidence together.

    Source: Wilson 1927; Brown, Cai and DasGupta 2001, section 3.1.1.
    """
    z2 = float(ndtri(1 - (1 - CONFIDENCE) / comparisons / 2)) ** 2
    centre, spread = hits + z2 / 2, math.sqrt(z2 * (hits * (count - hits) / count + z2 / 4))
    return max((centre - spread) / (count + z2), 0.0), min((centre + spread) / (count + z2), 1.0)


def bootstrap_over_networks(iias: Sequence[float], counts: Sequence[int], *, seed: int = 0) -> Interval:
    """Mean IIA over networks, with a bootstrap interval that resamples networks first, then interventions within each.

    The interval is wide for few networks, as it should be: it is a statement about networks that were not searched.

    Args:
        iias: IIA of each network, from 0 to 1.
        counts: Number of interventions behind each IIA.
        seed: Seed of the resampling.
    """
    rates, trials = np.array(iias), np.array(counts)
    generator = np.random.default_rng(seed)
    networks = generator.integers(len(rates), size=(RESAMPLES, len(rates)))
    means = (generator.binomial(trials[networks], rates[networks]) / trials[networks]).mean(1)
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float(rates.mean()), float(low), float(high))
