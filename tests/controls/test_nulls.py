"""Controls in which there is nothing to find."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from interlocus.controls.nulls import random_subspaces
from networks_by_hand import hand_wired, mean_coded

import interlocus as il
from interlocus.causal.interventions import draw, shuffle_labels
from interlocus.core.random import derived_generator
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality()
SMALL = il.Budget(pool=8192, held_out=4096, partners=1, batch=128, check_every=25, validation=1024, test=3000)
ERROR = 0.5 / 3000**0.5


def test_shuffled_labels_are_those_of_others_of_the_same_kind():
    pool = TASK.draw_examples(5000, split="train", generator=derived_generator(0))
    asked = draw(pool, TASK.hypothesis("both"), shape=(20, 300), generator=derived_generator(1))
    mixed = shuffle_labels(asked, derived_generator(2))
    assert torch.equal(mixed.base, asked.base)
    assert torch.equal(mixed.sources, asked.sources)
    for kind in (slice(0, 100), slice(100, 200), slice(200, 300)):
        assert torch.equal(mixed.labels[:, kind].sum(1), asked.labels[:, kind].sum(1))
    same = float((mixed.labels == asked.labels).float().mean())
    assert same == pytest.approx(0.5, abs=5 * 0.5 / asked.labels.numel() ** 0.5)


def test_labels_of_others_cannot_be_learned():
    """The same search that solves it with its own labels stays at chance where it learns and chooses.

    What it scores by true labels is another matter: unsure answers are the best ones for labels that cannot be known,
    so such a search finds directions that move the answer, and in a small network these are the variable's.
    """
    asked = {"hypothesis": "both", "site": "layer3", "sizes": (1,), "starts": {"random": 3}, "budget": SMALL}
    phases = (il.Phase(steps=200),)
    true = il.search(mean_coded(), TASK, phases=phases, **asked)
    null = il.search(mean_coded(), TASK, phases=phases, shuffle=True, **asked)
    assert true.iia[0, 0] > 0.97
    restarts = null.restarts(network=0, size=1).restarts
    assert all(restart.validation < 0.5 + 6 * 0.5 / 1024**0.5 for restart in restarts)


def test_starts_do_not_know_the_values_either():
    asked = {"hypothesis": "left", "site": "input", "sizes": (4,), "starts": {"covariance": 1}, "budget": SMALL}
    begin = [il.search(hand_wired(), TASK, shuffle=s, phases=(il.Phase(steps=1),), **asked).iia for s in (False, True)]
    assert begin[0] > 0.99
    assert begin[1] < 0.9


def test_random_directions_score_by_chance():
    scores = random_subspaces(hand_wired(), TASK, hypothesis="both", site="input", sizes=(1, 4), draws=50, budget=SMALL)
    assert scores.shape == (1, 2, 50)
    assert np.median(scores) == pytest.approx(0.5, abs=0.06)
    assert scores.max() < 0.75


def test_every_direction_at_once_copies_the_source():
    """One variable that takes the whole site: the answer is that of the source, which is right half of the time."""
    scores = random_subspaces(hand_wired(), TASK, hypothesis="left", site="input", sizes=(16,), draws=5, budget=SMALL)
    assert np.allclose(scores, 0.5, atol=5 * ERROR)
    assert np.ptp(scores) < 1e-3
