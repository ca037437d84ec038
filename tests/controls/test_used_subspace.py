"""The control `used_subspace`: how few directions the rest of a network needs, and what is found inside them."""

from __future__ import annotations

import pytest
from control_contexts import context_of, effect_with, evidence_of, observation_of, portfolio_of, used_with
from networks_by_hand import hand_wired

from interlocus.controls.used import inside
from interlocus.controls.used.search import OUTPUT, RestrictedResult, search_restricted
from interlocus.controls.used_subspace import UsedSubspaceControl, UsedSubspaceResult
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality(item_width=2)


@pytest.fixture(scope="module")
def measured() -> UsedSubspaceResult:
    context = context_of(
        hand_wired(item_width=2),
        TASK,
        site="layer1",
        controls=["used_subspace"],
        portfolio=portfolio_of(sizes=(1,), rivals=("symmetric",)),
    )
    (result,) = UsedSubspaceControl().measure(context)
    return result


def test_it_says_how_many_directions_keep_the_answers(measured):
    """Layer 2 reads Σ|a − b| and Σ|c − d|, so fewer than two directions are too few and eight more than are needed."""
    assert measured.width == 8
    assert 2 <= measured.rank < 8
    assert measured.agreement > 0.998


def test_it_holds_the_searches_of_the_hypothesis_of_its_rivals_and_of_the_output(measured):
    assert set(measured.found) == {"both", "symmetric", OUTPUT}
    assert max(restarts.best.score.iia for restarts in measured.restarts_of("both")["rotation"]) > 0.95
    assert measured.restarts_of("count") == {}


@pytest.mark.parametrize(("low", "passes"), [(0.98, True), (0.7, False)])
def test_the_evidence_passes_where_the_variable_is_found_inside(measured, low, passes):
    observation = observation_of(used=used_with(effect_with(low)), results={"used_subspace": measured})
    (row,) = evidence_of(observation, "used subspace")
    assert row.passes is passes
    assert f"{measured.rank} of 8 directions" in row.text


def test_without_room_inside_the_evidence_speaks_against_the_variable(measured):
    (row,) = evidence_of(observation_of(used=used_with(), results={"used_subspace": measured}), "used subspace")
    assert row.passes is False
    assert "fewer than there are variables" in row.text


def test_what_was_not_measured_decides_nothing():
    (row,) = evidence_of(observation_of(), "used subspace")
    assert row.passes is None


@pytest.mark.parametrize(("best", "repeats"), [(0.5, 1), (0.90, 2), (0.97, 1)])
def test_a_search_that_nearly_reaches_the_bar_is_repeated_with_more_restarts(monkeypatch, best, repeats):
    """The bar is .95. What is far below or above it is not searched again."""
    portfolios = []

    def recorded(portfolio, *arguments, **options):
        portfolios.append(portfolio)
        return search_restricted(portfolio, *arguments, **options)

    monkeypatch.setattr(inside, "search_restricted", recorded)
    monkeypatch.setattr(RestrictedResult, "best_iia", lambda self, hypothesis: best)
    portfolio = portfolio_of(sizes=(1,), starts={"random": 1, "covariance": 2})
    context = context_of(hand_wired(item_width=2), TASK, site="layer2", portfolio=portfolio)
    assert len(context.restricted) == 1
    assert [dict(one.starts) for one in portfolios] == [
        {"random": 1, "covariance": 2},
        {"random": 3, "covariance": 6},
    ][:repeats]
