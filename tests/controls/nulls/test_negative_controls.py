"""The control `negative_controls`: networks in which variables can be decoded and nothing reads them."""

from __future__ import annotations

import pytest
import torch
from control_contexts import context_of, effect_with, evidence_of, observation_of, portfolio_of, used_with
from modules import as_module

from interlocus.controls.ground_truth.unused_copies import unused_copies_like
from interlocus.controls.nulls.negative_controls import NegativeControls, NegativeControlsControl
from interlocus.networks import MLP, Module
from interlocus.searches.budget import STARTS_BY_DEFAULT, Budget, Phase
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality(item_width=2)
LIKE = MLP.untrained(TASK, count=1, seed=3)
PORTFOLIO = portfolio_of(
    sizes=(1, 2),
    featurizers=("rotation", "linear"),
    starts=STARTS_BY_DEFAULT,
    phases=(Phase(),),
    budget=Budget(pool=8192, held_out=4096, partners=1, batch=256, check_every=25, validation=1024, test=3000),
    seed=3,
)


@pytest.fixture(scope="module")
def unused_copies():
    return unused_copies_like(TASK, hypothesis="both", site="layer3", like=LIKE, count=2, seed=5)


@pytest.mark.slow
def test_networks_answer_from_one_direction_and_hold_the_variables_elsewhere(unused_copies):
    assert unused_copies.admitted
    network = unused_copies.admitted[0]
    assert unused_copies.accuracy[network] > 0.99
    assert unused_copies.agreement[network] > 0.99
    assert unused_copies.decodable[network] > 0.95
    assert unused_copies.exchange_effect[network] < 0.03
    flat = unused_copies.copies[network].flatten(0, 1)
    torch.testing.assert_close(flat @ flat.T, torch.eye(4), atol=1e-5, rtol=0)


@pytest.mark.slow
def test_the_searches_find_nothing_inside_the_used_subspace():
    (result,) = NegativeControlsControl().measure(context_of(LIKE, TASK, site="layer3", portfolio=PORTFOLIO))
    assert result.count >= 1
    assert result.decodable > 0.95
    assert result.inside < 0.8


def test_modules_have_no_negative_controls():
    module = Module(as_module(LIKE), sites={"layer3": "5"})
    assert NegativeControlsControl().measure(context_of(module, TASK, site="layer3", portfolio=PORTFOLIO)) == [None]


def test_numbers_and_vectors_have_no_negative_controls():
    portfolio = portfolio_of(hypothesis="difference")
    assert NegativeControlsControl().measure(context_of(LIKE, TASK, site="layer3", portfolio=portfolio)) == [None]


@pytest.mark.parametrize(
    ("result", "inside", "passes"),
    [
        (NegativeControls(count=4, decodable=0.98, full=0.97, inside=0.6), (effect_with(0.98),), True),
        (NegativeControls(count=4, decodable=0.98, full=0.97, inside=0.985), (effect_with(0.98),), False),
        (NegativeControls(count=4, decodable=0.98, full=0.97, inside=0.6), (), None),
        (NegativeControls(count=0, decodable=0.0, full=0.0, inside=0.0), (effect_with(0.98),), None),
        (None, (effect_with(0.98),), "no row"),
    ],
)
def test_the_evidence_compares_what_is_found_inside_with_what_searches_find_in_them(result, inside, passes):
    results = {} if result is None else {"negative_controls": result}
    rows = evidence_of(observation_of(used=used_with(*inside), results=results), "negative controls")
    assert [row.passes for row in rows] == ([] if passes == "no row" else [passes])
