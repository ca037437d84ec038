"""The control `code_fit`: planted mixtures of codes are recovered."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from control_contexts import alignment_of, context_of, evidence_of, observation_of, portfolio_of
from networks_by_hand import hand_wired, known_subspace

from interlocus.causal.enumeration import enumerate_interventions, enumerate_settings
from interlocus.controls.code_fit import GUESS, NOTHING, CodeFit, CodeFitResult, candidates, fit_code, fit_shares
from interlocus.controls.ground_truth.hand_wired import count_only
from interlocus.core.errors import AlignmentError, SpecificationError
from interlocus.featurizers import Frames
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality()
BOTH = TASK.hypothesis("both")
ASKED = enumerate_interventions(BOTH, enumerate_settings(BOTH.model, TASK.roots))
AMONG = candidates(ASKED, [TASK.hypothesis("symmetric")])
NAMES = [one.name for one in AMONG]
PURE = [dict.fromkeys(NAMES, 0.0) | {name: 1.0} for name in NAMES]
MIXED = [
    dict.fromkeys(NAMES, 0.0) | {one: 0.7, other: 0.3} for one, other in itertools.permutations(NAMES, 2)
]  # fmt: skip


def answered(shares, lapse, seed, count=10_000):
    """Hits of a network that follows each code in some share of interventions, with ties broken at random."""
    generator = np.random.default_rng(seed)
    right = np.zeros(len(ASKED.probability))
    for one in AMONG:
        own = one.hit.copy()
        for group in np.unique(one.tie[one.tie >= 0]):
            share, cells = generator.uniform(), one.tie == group
            own[cells] = np.where(one.first[cells] > 0, share, 1 - share)
        right += shares[one.name] * own
    counts = generator.multinomial(count, ASKED.probability.numpy())
    hits = generator.binomial(counts, np.clip((1 - lapse) * right + lapse / 2, 0, 1))
    return hits.astype(float), counts.astype(float)


def test_candidates_score_what_is_known_of_them():
    scores = {one.name: float(ASKED.probability.numpy() @ one.hit) for one in AMONG}
    assert scores == pytest.approx({"left+right": 1, "both_equal+none_equal": 0.625, "output": 0.5, NOTHING: 0.5})


@pytest.mark.parametrize("shares", PURE + MIXED)
def test_planted_mixtures_are_recovered(shares):
    found = fit_shares(*answered(shares, 0.1, seed=3), AMONG, TASK.classes)
    assert sum(found.values()) == pytest.approx(1)
    for name, share in shares.items():
        assert found[name] == pytest.approx(0.9 * share, abs=0.08)
    assert found[GUESS] == pytest.approx(0.1, abs=0.08)


def test_of_a_network_that_carries_the_count():
    decoys = count_only(TASK, site="layer2", code="pair", count=1)
    network, alignment = decoys.networks[0], decoys.alignments[0]
    exact = fit_code(alignment, network, TASK)
    assert exact.likeliest == "both_equal+none_equal"
    assert exact.shares[exact.likeliest] > 0.95
    rows = alignment.frames.write
    for one in (rows, 0 * rows):
        wrong = replace(alignment, hypothesis="both", variables=("left", "right"), frames=Frames(read=one, write=one))
        found = fit_code(wrong, network, TASK, rivals=("symmetric",))
        assert found.shares["left+right"] < 0.1
    assert found.likeliest == NOTHING  # nothing is read, nothing is written
    assert found.shares[NOTHING] > 0.95


def test_what_cannot_be_counted_is_said(fails):
    decoys = count_only(TASK, site="layer2", count=1)
    alignment = replace(decoys.alignments[0], hypothesis="left", variables=("left",))
    with fails(SpecificationError, "counted out"):
        fit_code(alignment, decoys.networks[0], TASK, rivals=("identity",))
    with fails(AlignmentError, "another"):
        fit_code(replace(alignment, network="no"), decoys.networks[0], TASK)


def fitted(network, alignment):
    portfolio = portfolio_of(rivals=("symmetric",))
    (code,) = CodeFit().measure(
        context_of(network, TASK, site=alignment.site, alignments=[alignment], portfolio=portfolio)
    )
    return code


def test_a_site_that_holds_the_variables_answers_as_if_it_held_them():
    network = hand_wired()
    code = fitted(network, alignment_of(network, TASK, known_subspace(), site="layer1"))
    assert (code.featurizer, code.size) == ("rotation", 8)
    assert code.shares["left+right"] > 0.95
    assert sum(code.shares.values()) == pytest.approx(1)


def test_a_site_that_holds_the_count_does_not_answer_as_if_it_held_left_and_right():
    made = count_only(TASK, site="layer2", code="pair", count=1)
    network, rows = made.networks[0], made.alignments[0].frames.write
    code = fitted(network, alignment_of(network, TASK, rows, site="layer2", featurizer="linear"))
    assert code.shares["left+right"] < 0.1


def test_a_vector_has_no_code():
    network, (variable, *_) = hand_wired(), TASK.hypothesis("difference").variables
    alignment = alignment_of(
        network, TASK, known_subspace()[:1], site="layer1", hypothesis="difference", variables=[variable]
    )
    assert fitted(network, alignment) is None
    assert CodeFit().measure(context_of(network, TASK, site="layer1")) == [None]


def test_its_evidence_names_codes_of_some_share_and_decides_nothing():
    shares = {"left+right": 0.9, "output": 0.09, "guess": 0.01}
    code = CodeFitResult(featurizer="rotation", size=2, shares=shares)
    (row,) = evidence_of(observation_of(results={"code_fit": code}), "code fit")
    assert "left+right 0.90, output 0.09" in row.text
    assert "guess" not in row.text
    assert row.passes is None
