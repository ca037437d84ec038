"""How good an interchange is: interchange intervention accuracy (IIA) with its parts and intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

CONFIDENCE = 0.95

RESAMPLES = 2000


def wilson(hits: int, count: int, *, looks: int = 1) -> tuple[float, float]:
    """The 95 % interval of a share, corrected for how many such shares were looked at (Bonferroni).

    scipy's has to be asked for a p-value first, which takes a hundred times as long, and a run asks for ten thousands.

    Source: Wilson 1927; Brown, Cai and DasGupta 2001, section 3.1.1.
    """
    z2 = float(ndtri(1 - (1 - CONFIDENCE) / looks / 2)) ** 2
    centre, spread = hits + z2 / 2, math.sqrt(z2 * (hits * (count - hits) / count + z2 / 4))
    return max((centre - spread) / (count + z2), 0.0), min((centre + spread) / (count + z2), 1.0)


class Interval(NamedTuple):
    """A value with the ends of its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def bootstrap_over_networks(iias: Sequence[float], counts: Sequence[int], *, seed: int = 0) -> Interval:
    """Mean IIA over networks with its bootstrap interval: networks are drawn first, then interventions within each.

    Intervals over a few networks are wide, and they should be: another network is what one wants to know about.

    Args:
        iias: of each network.
        counts: from how many interventions each.
        seed: of the resampling.
    """
    rates, asked = np.array(iias), np.array(counts)
    generator = np.random.default_rng(seed)
    drawn = generator.integers(len(rates), size=(RESAMPLES, len(rates)))
    means = (generator.binomial(asked[drawn], rates[drawn]) / asked[drawn]).mean(1)
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float(rates.mean()), float(low), float(high))
