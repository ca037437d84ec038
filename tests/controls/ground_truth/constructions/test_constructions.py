"""Constructions: what is read and what is there is what they say, which exchanges of known directions show."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from interlocus.controls.ground_truth.constructions import CODED
from interlocus.controls.ground_truth.constructions.direct_check import LEAST_ACCURACY
from interlocus.controls.ground_truth.constructions.modules import teach_module
from interlocus.controls.ground_truth.constructions.perceptrons import CODED_SITE, coded_perceptrons, network_shares
from interlocus.core.plugins import TASKS
from interlocus.core.random import derived_generator

HIDDEN, WIDE = (32, 32, 16, 24, 32), (40, 144, 16, 24, 32)


def _made(name: str, activation: str = "relu", count: int = 2, **changes: object):
    construction = dataclasses.replace(CODED[name], **changes)
    task = TASKS.get(construction.task)(**dict(construction.task_arguments))
    hidden = WIDE if construction.task == "modular_sum" else HIDDEN
    shares = network_shares(construction, count, 3)
    made = coded_perceptrons(construction, task, hidden=hidden, activation=activation, shares=shares, seed=3)
    return made, task, construction


@pytest.mark.parametrize("name", list(CODED))
def test_most_networks_of_a_construction_are_what_it_says(name):
    made, _, construction = _made(name)
    assert made.admitted
    for check in made.checks:
        assert set(check.iia) <= set(construction.variables)


@pytest.mark.parametrize("activation", ["gelu", "tanh", "sigmoid"])
def test_the_code_lies_at_the_site_for_every_activation(activation):
    made, _, _ = _made("exclusive_or", activation)
    assert all(check.accuracy >= LEAST_ACCURACY for check in made.checks)


def test_the_check_refuses_a_network_that_reads_another_code():
    """Only left is read, and the answer needs both, so no network is admitted."""
    made, _, _ = _made("read_apart", reads=((1.0, 0.0), (1.0, 0.0)))
    assert not made.admitted


def test_the_check_refuses_columns_that_are_not_inert():
    made, _, _ = _made("read_apart", inert=(0,))
    assert not made.admitted
    assert all(check.kept_by_inert < 0.9 for check in made.checks)


def test_the_check_refuses_a_wrong_iia():
    made, _, _ = _made("graded", iia=lambda share: {"left": 1.0, "right": 1.0})
    assert not made.admitted


def test_what_lies_beside_the_code_changes_no_answer():
    made, task, construction = _made("two_routes")
    inputs, _ = task.labelled_inputs(500, split="test", generator=derived_generator(0))
    states = made.networks.activations(CODED_SITE, inputs)
    columns = construction.matrix(3).shape[0]
    read = made.networks.weights[3]  # its rows span what is read
    null = torch.eye(states.shape[2]) - torch.linalg.pinv(read) @ read
    moved = states + (states.roll(1, 1) - states) @ null
    before, after = (made.networks.run_from(CODED_SITE, state) for state in (states, moved))
    assert torch.allclose(before, after, atol=1e-2)
    assert int(torch.linalg.matrix_rank(read, rtol=1e-4).max()) == columns


def test_shares_lie_in_the_interval_of_the_construction():
    low, high = CODED["graded"].shares
    shares = network_shares(CODED["graded"], 20, seed=1)
    assert min(shares) >= low
    assert max(shares) <= high
    assert len(set(shares)) == 20


@pytest.mark.slow
@pytest.mark.parametrize("body", ["residual", "convolution", "gru"])
def test_modules_hold_codes(body):
    construction = CODED["two_routes"]
    assert teach_module(construction, TASKS.get(construction.task)(), body, share=0.5, seed=4).check.holds
