"""The control `random_directions`: what directions score that nobody searched for."""

from __future__ import annotations

import numpy as np
import pytest
from control_contexts import context_of, portfolio_of
from networks_by_hand import hand_wired

import interlocus as il
from interlocus.alignment.dimensions import UnequalSize
from interlocus.controls.nulls.random_directions import (
    NULL_DRAWS,
    NULL_QUANTILE,
    RandomDirections,
    level_at,
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


def test_the_control_is_the_percentile_of_the_draws_at_each_size():
    """Sizes for which the site has no room are left out."""
    budget = SMALL.model_copy(update={"test": 300})
    portfolio = portfolio_of(sizes=(1, 2, 64), budget=budget)
    context = context_of(hand_wired(), TASK, site="layer2", portfolio=portfolio)
    scores = random_subspace_scores(
        hand_wired(), TASK, hypothesis="both", site="layer2", sizes=(1, 2), draws=NULL_DRAWS, budget=budget
    )
    (levels,) = RandomDirections().measure(context)
    assert levels == {size: np.quantile(scores[0, place], NULL_QUANTILE) for place, size in enumerate((1, 2))}
    assert level_at(levels, 2) == levels[2]
    assert level_at(levels, UnequalSize("3+1")) == levels[2]
    assert level_at(levels, 64) is None
    assert level_at(None, 1) is None


def test_directions_that_fill_the_site_exchange_everything_and_do_not_condemn_a_smaller_size():
    """The whole state holds the output, so directions that fill the site exchange it, whichever they are."""
    networks = hand_wired()
    width = networks.width("layer2")
    portfolio = portfolio_of(hypothesis="output", sizes=(1, width), budget=SMALL)
    (levels,) = RandomDirections().measure(context_of(networks, TASK, site="layer2", portfolio=portfolio))
    assert levels[width] > 0.99
    assert levels[1] < 0.9
