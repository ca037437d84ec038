"""Searches inside used subspaces: what is found there is read by the rest of the network."""

from __future__ import annotations

import pytest
import torch
from control_contexts import alignment_of, portfolio_of
from networks_by_hand import hand_wired

from interlocus.alignment.evaluation import evaluate
from interlocus.controls.used.search import OUTPUT, OUTPUT_SIZES, FullState, search_restricted
from interlocus.controls.used.subspace import UsedSubspace
from interlocus.networks import MLP
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality(item_width=2)
PORTFOLIO = portfolio_of(sizes=(1, 2), featurizers=("rotation", "linear"), rivals=("symmetric",))


def known(network: MLP, rank: int) -> UsedSubspace:
    """At layer 2 of the hand-wired network: the two saturated "unequal", of which all or the first are kept."""
    rows = torch.tensor([[1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.0]]) / 2**0.5
    inputs = torch.randn(500, 8, generator=torch.Generator().manual_seed(0))
    mean = network.activations("layer2", inputs)[0].mean(0)
    return UsedSubspace(site="layer2", mean=mean, rows=rows[:rank], agreement=1.0, agreement_at_mean=1.0)


@pytest.fixture(scope="module")
def results():
    """Of one network with room for both variables and of one without."""
    networks = hand_wired(item_width=2).select([0, 0])
    used = [known(networks, rank) for rank in (2, 1)]
    return search_restricted(PORTFOLIO, networks, TASK, "layer2", used)


def test_results_stand_in_the_order_of_the_networks(results):
    assert [result.network.width("layer2") for result in results] == [2, 1]


def test_the_hypothesis_is_searched_with_every_featurizer_and_its_rivals_with_the_first(results):
    restarts = results[0].restarts
    assert list(restarts["both"]) == ["rotation", "linear"]
    assert list(restarts["symmetric"]) == list(restarts[OUTPUT]) == ["rotation"]


def test_sizes_are_those_for_which_there_is_room(results):
    sizes = {name: [entry.size for entry in maps["rotation"]] for name, maps in results[0].restarts.items()}
    assert sizes == {"both": [1], "symmetric": [1], OUTPUT: [*OUTPUT_SIZES]}
    assert set(results[1].restarts) == {OUTPUT}


def test_closed_form_starts_are_tried_whatever_the_portfolio_asks_for(results):
    (entry,) = results[0].restarts["both"]["rotation"]
    assert {restart.start for restart in entry.restarts} == {"random", "covariance", "mean_difference"}


def test_an_alignment_is_one_of_the_restricted_network_and_scores_what_its_restart_scored(results):
    hypothesis = TASK.hypothesis("both")
    for restarts, alignment in results[0].alignments(hypothesis, TASK):
        again = evaluate(alignment, results[0].network, TASK, budget=PORTFOLIO.budget, seed=PORTFOLIO.seed)
        assert again.iia == pytest.approx(restarts.best.score.iia, abs=2 / again.count)


def test_what_is_found_inside_is_an_alignment_of_the_unrestricted_network(results):
    hypothesis, network = TASK.hypothesis("both"), hand_wired(item_width=2)
    lifted = results[0].in_full_state(hypothesis, TASK, network)
    for restarts, _ in results[0].alignments(hypothesis, TASK)[:1]:
        full = lifted["rotation"][restarts.size]
        assert full.frames.read.shape[-1] == network.width("layer2")
        score = evaluate(full, network, TASK, budget=PORTFOLIO.budget, seed=PORTFOLIO.seed)
        # the network reads nothing outside, so the rest of the state, which is its own here, changes no answer
        assert score.iia == pytest.approx(restarts.best.score.iia, abs=2 / score.count)


def test_one_search_begins_where_the_search_in_the_full_state_ended():
    network = hand_wired(item_width=2)
    rows = torch.tensor([[[1.0, -1.0, 0.0, 0.0]], [[0.0, 0.0, 1.0, -1.0]]]) / 2**0.5
    alignment = alignment_of(network, TASK, rows, site="layer2")
    (found,) = search_restricted(PORTFOLIO, network, TASK, "layer2", [known(network, 2)], alignments=[alignment])
    (entry,) = found.restarts["both"]["rotation"]
    (begun,) = [restart for restart in entry.restarts if restart.start == FullState.name]
    assert begun.begin > 0.99
