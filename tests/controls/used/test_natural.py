"""Exchanges within the range of natural states."""

from __future__ import annotations

import torch
from control_contexts import alignment_of
from networks_by_hand import hand_wired, known_subspace

from interlocus.alignment.evaluation import evaluate
from interlocus.controls.used.natural import NaturalRange, natural_iia
from interlocus.core.random import derived_generator
from interlocus.featurizers import Frames
from interlocus.networks import MLP
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality(item_width=2)
UNEQUAL = torch.tensor([[1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.0]])


def with_a_silent_unit() -> MLP:
    """The hand-wired network with a unit at layer 2 that is 0 for every input, and that layer 3 would read."""
    wired = hand_wired(item_width=2)
    second = torch.cat([wired.weights[1][0], torch.zeros(1, 8)])
    third = torch.cat([wired.weights[2][0], torch.tensor([[1.0], [-1.0]])], 1)
    weights = [wired.weights[0][0], second, third, wired.weights[3][0]]
    biases = [
        wired.biases[0][0],
        torch.cat([wired.biases[1][0], torch.zeros(1)]),
        wired.biases[2][0],
        wired.biases[3][0],
    ]
    return MLP([w.unsqueeze(0) for w in weights], [b.unsqueeze(0) for b in biases], activation="relu")


def test_natural_states_stay_and_others_move_to_the_nearest_in_range():
    states = torch.randn(500, 3, generator=derived_generator(0)) * torch.tensor([5.0, 1.0, 0.0])
    natural = NaturalRange.of(states)
    torch.testing.assert_close(natural.nearest(states), states, atol=1e-4, rtol=0)
    far = states + torch.tensor([0.0, 0.0, 7.0])  # nothing varies along the third axis
    torch.testing.assert_close(natural.nearest(far), states, atol=1e-4, rtol=0)


def test_an_exchange_that_leaves_states_natural_stays_above_the_bar():
    """Σ|a − b| is set to that of another input. Where it becomes zero, single neurons become slightly negative."""
    network = hand_wired(item_width=2)
    alignment = alignment_of(network, TASK, known_subspace(item_width=2).sum(1, keepdim=True) / 2, site="layer1")
    assert natural_iia(alignment, network, TASK) > 0.94


def test_an_exchange_through_a_direction_in_which_no_state_varies_is_found_out():
    """The alignment reads "left unequal" where it lies and writes it to the silent unit, which decides as well."""
    network = with_a_silent_unit()
    read = torch.cat([UNEQUAL, torch.zeros(2, 1)], 1).unsqueeze(1)
    write = torch.zeros(2, 1, 5)
    write[0, 0, 4], write[1, 0, 4] = 1.0, -1.0  # layer 3 reads left minus right
    honest = alignment_of(network, TASK, read / 2**0.5, site="layer2")
    silent = alignment_of(network, TASK, read / 2**0.5, site="layer2")
    silent = type(silent)(**(vars(silent) | {"frames": Frames(read=read, write=write)}))
    assert evaluate(silent, network, TASK).iia > 0.99
    assert natural_iia(honest, network, TASK) > 0.99
    assert natural_iia(silent, network, TASK) < 0.6, "nothing is exchanged then"
