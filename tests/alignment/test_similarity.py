"""Laws of the agreement of subspaces."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from networks_by_hand import hand_wired

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.similarity import agreement, relevant_directions
from interlocus.controls.ground_truth.hand_wired import count_with_unused_copies
from interlocus.core.errors import AlignmentError, UnknownNameError
from interlocus.core.random import derived_generator
from interlocus.featurizers import Frames
from interlocus.networks import MLP
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality()


def of(rows, write=None, *, hypothesis="left", network="n", site="layer1"):
    variables = TASK.hypothesis(hypothesis).variables
    read = rows if rows.dim() == 3 else rows.unsqueeze(0)
    return Alignment(
        site=site, hypothesis=hypothesis, variables=variables, featurizer="linear", network=network, task=TASK.name,
        frames=Frames(read=read, write=read if write is None else write.unsqueeze(0)),
    )  # fmt: skip


def random_rows(count, width, seed):
    return torch.linalg.qr(torch.randn(width, count, generator=torch.Generator().manual_seed(seed))).Q.T


def test_the_same_subspace_agrees_whatever_its_basis():
    rows = random_rows(3, 8, 0)
    mixed = torch.randn(3, 3, generator=torch.Generator().manual_seed(1)) @ rows
    found = agreement(of(rows), of(mixed))["left"]
    assert found.share == pytest.approx(1)
    assert found.angles == pytest.approx((0, 0, 0), abs=1e-3)
    assert (found.sizes, found.width, found.chance) == ((3, 3), 8, 3 / 8)


def test_angles_are_those_that_were_made():
    one = torch.eye(4)[:2]
    angle = torch.tensor(30.0).deg2rad()
    other = torch.stack([torch.eye(4)[0], angle.cos() * torch.eye(4)[1] + angle.sin() * torch.eye(4)[2]])
    found = agreement(of(one), of(other))["left"]
    assert found.angles == pytest.approx((0, 30), abs=1e-3)
    assert found.share == pytest.approx((1 + 0.75) / 2)
    assert agreement(of(one), of(torch.eye(4)[2:]))["left"].share == pytest.approx(0, abs=1e-12)
    assert agreement(of(one), of(torch.eye(4)[:1]))["left"].share == pytest.approx(1)  # it lies within


def test_random_subspaces_agree_by_chance():
    shares = [agreement(of(random_rows(3, 12, 2 * i)), of(random_rows(2, 12, 2 * i + 1)))["left"] for i in range(300)]
    deviation = np.std([one.share for one in shares]) / 300**0.5
    assert np.mean([one.share for one in shares]) == pytest.approx(shares[0].chance, abs=5 * deviation)
    assert shares[0].chance == 3 / 12


def test_rows_that_are_not_in_use_do_not_count():
    rows = random_rows(2, 8, 0)
    padded = torch.cat([rows, torch.zeros(2, 8)])
    assert agreement(of(rows), of(padded))["left"].sizes == (2, 2)


def test_reading_and_writing_are_compared_apart():
    read, write = random_rows(1, 8, 0), random_rows(1, 8, 1)
    one, other = of(read, write), of(read, random_rows(1, 8, 2))
    assert agreement(one, other, side="read")["left"].share == pytest.approx(1)
    assert agreement(one, other)["left"].share < 0.9


def test_within_what_matters_directions_that_nobody_reads_do_not_count():
    network = count_with_unused_copies(TASK, site="layer2", count=1).networks
    used = relevant_directions(network, TASK, site="layer2")
    assert used.shape == (1, 16)
    behind = network.weights[2][0]  # it reads one direction of the site
    states = network.activations("layer2", TASK.labelled_inputs(2000, split="test", generator=derived_generator(1))[0])[
        0
    ]
    varying = torch.linalg.svd(states - states.mean(0), full_matrices=False).Vh[:3]  # four settings
    read = varying.T @ varying @ torch.linalg.svd(behind).Vh[0]
    assert float((used @ read).abs() / read.norm()) > 0.95  # a few states lie between the four
    idle = torch.linalg.svd(torch.cat([varying, behind, used])).Vh[-1:]
    about = {"network": network.fingerprint(), "site": "layer2"}
    plain, oblique = of(used, **about), of((used + idle) / 2**0.5, **about)
    assert agreement(plain, oblique)["left"].share == pytest.approx(0.5, abs=1e-3)
    found = agreement(plain, oblique, network=network, task=TASK)["left"]
    assert found.share == pytest.approx(1)
    assert (found.width, found.chance) == (1, 1)
    assert agreement(plain, of(idle, **about), network=network, task=TASK)["left"] is None
    assert json.loads(json.dumps(found.to_json()))["sizes"] == [1, 1]


def test_directions_that_do_not_vary_do_not_matter():
    """Two neurons of a layer that are always silent."""
    network = hand_wired()
    weights, biases = [w.clone() for w in network.weights], [b.clone() for b in network.biases]
    weights[0][0, :2], biases[0][0, :2] = 0.0, -1.0
    silent = MLP(weights, biases, activation="relu")
    found = relevant_directions(silent, TASK, site="layer1")
    torch.testing.assert_close(found[:, :2], torch.zeros(len(found), 2), atol=1e-6, rtol=0)
    torch.testing.assert_close(found @ found.T, torch.eye(len(found)), atol=1e-5, rtol=0)


def test_what_cannot_be_compared_is_said(fails):
    rows = random_rows(1, 8, 0)
    with fails(AlignmentError, "one network and site"):
        agreement(of(rows), of(rows, network="m"))
    with fails(AlignmentError, "one network and site"):
        agreement(of(rows), of(rows, site="layer2"))
    with fails(AlignmentError, "common"):
        agreement(of(rows), of(rows, hypothesis="right"))
    with fails(UnknownNameError, "site"):
        relevant_directions(hand_wired(), TASK, site="layr1")
