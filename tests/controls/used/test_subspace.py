"""The used subspace of a network: the smallest part of a site that keeps its answers."""

from __future__ import annotations

import pytest
import torch
from control_contexts import alignment_of
from networks_by_hand import hand_wired, known_subspace, two_routes

from interlocus.controls.used.alignments import as_rotation, hint_of
from interlocus.controls.used.subspace import UsedSubspace, restrict_to, used_subspaces
from interlocus.core.errors import UnknownNameError
from interlocus.core.random import derived_generator
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality(item_width=2)
NETWORK = hand_wired(item_width=2)
ROUNDING = 1e-3
"""States of layer 2 are about 100, so single precision rounds their sums by 1e-5; logits differ by whole numbers."""


@pytest.fixture(scope="module")
def used() -> UsedSubspace:
    (found,) = used_subspaces(NETWORK, TASK, site="layer2", seed=0)
    return found


def test_it_is_as_small_as_what_the_rest_of_the_network_reads(used):
    """Layer 3 reads one direction of the four of layer 2: "left unequal" minus "right unequal"."""
    assert used.rank == 1
    assert used.lenient_rank <= used.rank <= used.strict_rank <= 4
    assert used.agreement > 0.998
    torch.testing.assert_close(used.rows.abs(), torch.full((1, 4), 0.5), atol=0.05, rtol=0)


def test_inside_it_the_network_gives_its_own_answers(used):
    inputs, _ = TASK.labelled_inputs(4000, split="test", generator=derived_generator(7))
    restricted = restrict_to(NETWORK, [used])
    same = (restricted(inputs)[0].argmax(1) == NETWORK(inputs)[0].argmax(1)).double().mean()
    assert float(same) > 0.995


def test_a_second_route_that_takes_over_at_the_mean_does_not_hide_what_is_read():
    network = two_routes()
    assert min(network.accuracy(TASK, seed=3)) > 0.99
    (found,) = used_subspaces(network, TASK, site="layer4", seed=0)
    left_and_right = torch.eye(3)[:2]
    torch.testing.assert_close(found.rows.T @ found.rows, left_and_right.T @ left_and_right, atol=0.05, rtol=0)
    inputs, _ = TASK.labelled_inputs(4000, split="test", generator=derived_generator(7))
    states = network.activations("layer4", inputs)
    states[..., :2] = states[..., :2].mean(1, keepdim=True)
    answers = network.run_from("layer4", states, inputs)[0].argmax(1)
    assert (answers == network(inputs)[0].argmax(1)).double().mean() > 0.95, "the answer alone is enough at the mean"


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_what_a_sharp_network_reads_is_found_although_its_gradients_vanish(seed):
    """Layer 2 saturates, so at nearly every state of layer 1 no direction has an effect on the logits."""
    (found,) = used_subspaces(NETWORK, TASK, site="layer1", seed=seed)
    assert found.rank == 2
    sums = known_subspace(item_width=2).sum(1) / 2
    torch.testing.assert_close(found.rows.T @ found.rows, sums.T @ sums, atol=0.05, rtol=0)


def test_answers_after_an_exchange_are_kept_as_well():
    """An exchange of the two sums moves what is read and nothing else, so no further direction is needed."""
    hint = alignment_of(NETWORK, TASK, known_subspace(item_width=2).sum(1, keepdim=True) / 2, site="layer1")
    (found,) = used_subspaces(NETWORK, TASK, site="layer1", alignments=[hint], seed=0)
    assert found.rank == 2
    assert min(found.agreement, found.agreement_at_mean) > 0.998


def test_room_beyond_the_rank_has_no_effect(used):
    inputs, _ = TASK.labelled_inputs(200, split="test", generator=derived_generator(7))
    narrow, wide = restrict_to(NETWORK, [used]), restrict_to(NETWORK, [used], dimension=4)
    assert (narrow.width("layer2"), wide.width("layer2")) == (1, 4)
    torch.testing.assert_close(narrow(inputs), wide(inputs), atol=ROUNDING, rtol=0)
    states = wide.activations("layer2", inputs)
    assert not states[..., 1:].any()
    moved = states.clone()
    moved[..., 1:] = 9.0
    torch.testing.assert_close(
        wide.run_from("layer2", states, inputs), wide.run_from("layer2", moved, inputs), atol=ROUNDING, rtol=0
    )


def test_an_alignment_gives_orthonormal_directions_as_a_hint():
    rows = known_subspace(item_width=2)[:, :2]
    hint = hint_of(alignment_of(NETWORK, TASK, 3 * rows, site="layer1"))
    assert hint.shape == (4, 8)
    torch.testing.assert_close(hint @ hint.T, torch.eye(4))
    assert hint_of(None) is None


def test_a_site_that_does_not_exist_is_refused(fails):
    with fails(UnknownNameError, "'layer2'"):
        used_subspaces(NETWORK, TASK, site="layr2")


def test_an_oblique_alignment_is_exchanged_along_what_it_reads():
    oblique = alignment_of(NETWORK, TASK, 3 * known_subspace(item_width=2)[:, :2], site="layer1")
    rotation = as_rotation(oblique)
    rows = rotation.frames.read.flatten(0, 1)
    torch.testing.assert_close(rows @ rows.T, torch.eye(4))
    torch.testing.assert_close(rows.abs(), oblique.frames.read.flatten(0, 1) / 3)
    assert torch.equal(rotation.frames.read, rotation.frames.write)
