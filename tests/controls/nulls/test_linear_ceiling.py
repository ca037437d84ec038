"""The control `linear_ceiling`: what no linear map can exceed before a linear rest."""

from __future__ import annotations

import pytest
from control_contexts import context_of, portfolio_of
from networks_by_hand import hand_wired

from interlocus.controls.nulls.linear_ceiling import LinearCeiling, additive_ceiling, is_linear_behind
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality()


def test_only_behind_the_last_hidden_layer_is_everything_linear():
    network = hand_wired()
    assert [is_linear_behind(network, TASK, site) for site in network.sites] == [False, False, False, True]


def test_logits_that_are_sums_cannot_answer_an_exclusive_or():
    """A sum f(base) + g(source) has no term in which both occur, so it answers three of four cells."""
    ceiling = additive_ceiling(TASK, TASK.hypothesis("both"))
    assert 0.5 < ceiling < 0.95
    assert additive_ceiling(TASK, TASK.hypothesis("output")) == pytest.approx(1.0)  # g(source) alone answers it


def test_numbers_and_vectors_cannot_be_counted_out():
    assert additive_ceiling(TASK, TASK.hypothesis("difference")) is None


def test_the_control_is_the_ceiling_where_the_rest_is_linear():
    networks = hand_wired().select([0, 0])
    ceiling = additive_ceiling(TASK, TASK.hypothesis("both"))
    assert LinearCeiling().measure(context_of(networks, TASK, site="layer3")) == [ceiling, ceiling]
    assert LinearCeiling().measure(context_of(networks, TASK, site="layer2")) == [None, None]


def test_a_ceiling_that_forbids_nothing_is_left_out():
    context = context_of(hand_wired(), TASK, site="layer3", portfolio=portfolio_of(hypothesis="output"))
    assert LinearCeiling().measure(context) == [None]
