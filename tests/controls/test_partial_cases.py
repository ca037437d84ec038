"""The control `partial_cases`: a gate that tells where an exchange works."""

from __future__ import annotations

import pytest
import torch
from control_contexts import alignment_of
from networks_by_hand import hand_wired, known_subspace

from interlocus.alignment.alignment import Alignment
from interlocus.controls.partial_cases import MIN_CASES, Cases, partial_cases
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality(item_width=2)
NETWORK = hand_wired(item_width=2)
COMPLETE = alignment_of(NETWORK, TASK, known_subspace(item_width=2).sum(1, keepdim=True) / 2, site="layer1")


class Gated(Alignment):
    """Exchanges work where the first input of the base is positive; elsewhere they change nothing."""

    def intervene(self, network, inputs, **sources):
        complete = COMPLETE.intervene(network, inputs, **sources)
        return torch.where(inputs[:, :1] > 0, complete, network(inputs)[0])


class AtRandom(Alignment):
    """Exchanges work in half of the cases, whatever the base is."""

    def intervene(self, network, inputs, **sources):
        complete = COMPLETE.intervene(network, inputs, **sources)
        coin = torch.rand(len(inputs), 1, generator=torch.Generator().manual_seed(5)) < 0.5
        return torch.where(coin, complete, network(inputs)[0])


def test_an_exchange_that_always_works_needs_no_gate():
    cases = partial_cases(COMPLETE, "left", NETWORK, TASK)
    assert cases.share > 0.99
    assert cases.accuracy is None


def test_a_gate_on_the_base_is_found_and_named():
    cases = partial_cases(Gated(**vars(COMPLETE)), "left", NETWORK, TASK)
    assert cases.count > 10 * MIN_CASES
    assert cases.share == pytest.approx(0.5, abs=5 * (0.25 / cases.count) ** 0.5)
    assert cases.accuracy > 0.95
    assert cases.columns[0] == "input 0"
    assert "by input 0" in cases.text


def test_without_a_gate_none_is_claimed():
    cases = partial_cases(AtRandom(**vars(COMPLETE)), "right", NETWORK, TASK)
    # the accuracy of a guess on this many fresh exchanges, with five standard deviations of room
    assert cases.accuracy == pytest.approx(0.5, abs=5 * (0.25 / cases.count) ** 0.5 + 0.02)
    assert "no linear gate" in cases.text


def test_too_few_failures_are_not_explained():
    assert Cases(share=0.99, count=1000, accuracy=None, columns=()).text.endswith("0.99 do.")
