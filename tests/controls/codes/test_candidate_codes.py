"""Candidate codes of a site: planted mixtures of codes are recovered."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from interlocus.causal.enumeration import enumerate_interventions, enumerate_settings
from interlocus.controls.codes.candidate_codes import GUESS, NOTHING, candidates, fit_shares
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality()
BOTH = TASK.hypothesis("both")
INTERVENTIONS = enumerate_interventions(BOTH, enumerate_settings(BOTH.model, TASK.roots))
CODES = candidates(INTERVENTIONS, [TASK.hypothesis("symmetric")])
NAMES = [code.name for code in CODES]
PURE = [dict.fromkeys(NAMES, 0.0) | {name: 1.0} for name in NAMES]
MIXED = [
    dict.fromkeys(NAMES, 0.0) | {first: 0.7, second: 0.3} for first, second in itertools.permutations(NAMES, 2)
]  # fmt: skip


def answers_to(shares, guess_share, seed, count=10_000):
    """Hits and counts of a network that follows each code in some share of interventions; ties are broken at random."""
    generator = np.random.default_rng(seed)
    hit_probability = np.zeros(len(INTERVENTIONS.probability))
    for code in CODES:
        of_code = code.label_probability.copy()
        for tie in np.unique(code.tie[code.tie >= 0]):
            share, cells = generator.uniform(), code.tie == tie
            of_code[cells] = np.where(code.is_first_label[cells] > 0, share, 1 - share)
        hit_probability += shares[code.name] * of_code
    counts = generator.multinomial(count, INTERVENTIONS.probability.numpy())
    hits = generator.binomial(counts, np.clip((1 - guess_share) * hit_probability + guess_share / 2, 0, 1))
    return hits.astype(float), counts.astype(float)


def test_each_code_scores_its_known_iia():
    scores = {code.name: float(INTERVENTIONS.probability.numpy() @ code.label_probability) for code in CODES}
    assert scores == pytest.approx({"left+right": 1, "both_equal+none_equal": 0.625, "output": 0.5, NOTHING: 0.5})


@pytest.mark.parametrize("shares", PURE + MIXED)
def test_planted_mixtures_are_recovered(shares):
    fitted = fit_shares(*answers_to(shares, 0.1, seed=3), CODES, TASK.classes)
    assert sum(fitted.values()) == pytest.approx(1)
    for name, share in shares.items():
        assert fitted[name] == pytest.approx(0.9 * share, abs=0.08)
    assert fitted[GUESS] == pytest.approx(0.1, abs=0.08)
