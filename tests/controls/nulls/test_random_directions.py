"""The control `random_directions`: what directions score that nobody searched for."""

from __future__ import annotations

import numpy as np
import pytest
from control_contexts import context_of, portfolio_of
from networks_by_hand import hand_wired

import interlocus as il
from interlocus.controls.nulls.random_directions import (
    NULL_DRAWS,
    NULL_QUANTILE,
    RandomDirections,
    random_subspace_scores,
)
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality()
SMALL = il.Budget(pool=8192, held_out=4096, partners=1, batch=128, check_every=25, validation=1024, test=3000)
ERROR = 0.5 / 3000**0.5


def test_random_directions_score_by_chance():
    scores = random_subspace_scores(
        hand_wired(), TASK, hypothesis="both", site="input", sizes=(1, 4), draws=50, budget=SMALL
    )
    assert scores.shape == (1, 2, 50)
    assert np.median(scores) == pytest.approx(0.5, abs=0.06)
    assert scores.max() < 0.75


def test_every_direction_at_once_copies_the_source():
    """One variable that takes the whole site: the answer is that of the source, which is right half of the time."""
    scores = random_subspace_scores(
        hand_wired(), TASK, hypothesis="left", site="input", sizes=(16,), draws=5, budget=SMALL
    )
    assert np.allclose(scores, 0.5, atol=5 * ERROR)
    assert np.ptp(scores) < 1e-3


def test_the_control_is_the_percentile_of_the_best_size_of_each_draw():
    """Sizes for which the site has no room are left out."""
    budget = SMALL.model_copy(update={"test": 300})
    portfolio = portfolio_of(sizes=(1, 2, 64), budget=budget)
    context = context_of(hand_wired(), TASK, site="layer2", portfolio=portfolio)
    scores = random_subspace_scores(
        hand_wired(), TASK, hypothesis="both", site="layer2", sizes=(1, 2), draws=NULL_DRAWS, budget=budget
    )
    assert RandomDirections().measure(context) == [np.quantile(scores.max(1), NULL_QUANTILE)]
