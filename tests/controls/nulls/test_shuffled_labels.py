"""The control `shuffled_labels`: labels of other interventions teach nothing."""

from __future__ import annotations

import pytest
import torch
from control_contexts import SMALL, context_of, portfolio_of
from networks_by_hand import hand_wired, mean_coded

import interlocus as il
from interlocus.causal.interventions import draw, shuffle_labels
from interlocus.controls.nulls.shuffled_labels import ShuffledLabels
from interlocus.core.random import derived_generator
from interlocus.studies.run import run_study
from interlocus.studies.spec.networks import NetworkGroup
from interlocus.studies.spec.searches import SearchSpec
from interlocus.studies.spec.study import Study
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality()
LARGER = il.Budget(pool=8192, held_out=4096, partners=1, batch=128, check_every=25, validation=1024, test=3000)


def test_shuffled_labels_are_those_of_other_interventions_of_the_same_kind():
    pool = TASK.draw_examples(5000, split="train", generator=derived_generator(0))
    drawn = draw(pool, TASK.hypothesis("both"), shape=(20, 300), generator=derived_generator(1))
    mixed = shuffle_labels(drawn, derived_generator(2))
    assert torch.equal(mixed.base, drawn.base)
    assert torch.equal(mixed.sources, drawn.sources)
    for kind in (slice(0, 100), slice(100, 200), slice(200, 300)):
        assert torch.equal(mixed.labels[:, kind].sum(1), drawn.labels[:, kind].sum(1))
    same = float((mixed.labels == drawn.labels).float().mean())
    assert same == pytest.approx(0.5, abs=5 * 0.5 / drawn.labels.numel() ** 0.5)


def test_shuffled_labels_cannot_be_learned():
    """The same search that solves it with the true labels stays at chance where it learns and chooses.

    What it scores by true labels is another matter: unsure answers are the best ones for labels that cannot be known,
    so such a search finds directions that move the answer, and in a small network these are the variable's.
    """
    search = {"hypothesis": "both", "site": "layer3", "sizes": (1,), "starts": {"random": 3}, "budget": LARGER}
    phases = (il.Phase(steps=200),)
    true = il.search(mean_coded(), TASK, phases=phases, **search)
    null = il.search(mean_coded(), TASK, phases=phases, shuffle=True, **search)
    assert true.iia[0, 0] > 0.97
    restarts = null.restarts(network=0, size=1).restarts
    assert all(restart.validation < 0.5 + 6 * 0.5 / 1024**0.5 for restart in restarts)


def test_starts_see_the_shuffled_labels_as_well():
    search = {"hypothesis": "left", "site": "input", "sizes": (4,), "starts": {"covariance": 1}, "budget": LARGER}
    phases = (il.Phase(steps=1),)
    plain, mixed = (il.search(hand_wired(), TASK, shuffle=s, phases=phases, **search).iia for s in (False, True))
    assert plain > 0.99
    assert mixed < 0.9


def test_the_control_is_the_best_of_the_portfolio_and_far_below_what_true_labels_give():
    portfolio = portfolio_of(budget=SMALL)
    (reached,) = ShuffledLabels().measure(context_of(hand_wired(), TASK, site="layer1", portfolio=portfolio))
    assert [reached] == portfolio.best_iia(hand_wired(), TASK, "layer1", shuffle=True)
    assert 0.4 < reached < 0.75


def test_a_verdict_takes_the_control_as_a_chance_level(tmp_path):
    study = Study(
        name="small",
        networks=(NetworkGroup(name="relu", hidden=(16, 16), count=1, steps=20),),
        sites=("layer1",),
        searches=(SearchSpec(hypotheses=("both",), sizes=(1,), featurizers=("rotation",)),),
        phases=(il.Phase(steps=20),),
        budget=SMALL,
        controls=("shuffled_labels",),
    )
    run = run_study(study, tmp_path / "run")
    reached = run.controls["relu-00", "layer1"].result(ShuffledLabels)
    assert {verdict.seen.null for verdict in run.verdicts[0].sites[0]} == {reached}
