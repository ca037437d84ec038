"""Clopper and Pearson's exact bounds of a share."""

from __future__ import annotations

from scipy.stats import beta

from interlocus.core.statistics import CONFIDENCE


def exact_low(count: int, of: int) -> float:
    """Lower end of the one-sided 95 % interval of a share; 0 for no trial.

    Args:
        count: Number of events, from 0 to `of`.
        of: Number of trials.
    """
    return 0.0 if count == 0 else float(beta.ppf(1 - CONFIDENCE, count, of - count + 1))


def exact_high(count: int, of: int) -> float:
    """Upper end of the one-sided 95 % interval of a share, about 3/n with no event in n; 1 for no trial.

    Args:
        count: Number of events, from 0 to `of`.
        of: Number of trials.
    """
    return 1.0 if count >= of else float(beta.ppf(CONFIDENCE, count + 1, of - count))
