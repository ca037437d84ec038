"""Scores of answers: made-up words with known rates give these rates, and bounds are exact."""

from __future__ import annotations

import pytest

from interlocus.core.statistics import exact_high, exact_low
from interlocus.studies.calibration.scoring import ToolAnswer, outcome_of, score_answers
from interlocus.studies.calibration.truth import NetworkTruth, VariableTruth

THERE = VariableTruth(status="there", words=("computed", "merged"), iia=1.0, size=1)
PARTLY = VariableTruth(status="partly", words=("partial",), iia=0.9)
ABSENT = VariableTruth(status="not there", words=("absent", "unused"))
PER_CELL, ARCHITECTURES = 5, 4


def _truths() -> list[NetworkTruth]:
    kinds = {"held": (THERE, False), "graded": (PARTLY, True), "masked": (ABSENT, True), "counted": (ABSENT, False)}
    return [
        NetworkTruth(
            network=f"{name}-{architecture}-{i}",
            construction=name,
            architecture=f"a{architecture}",
            site="layer3",
            variables={"left": truth, "right": truth},
            can_err=can_err,
        )
        for name, (truth, can_err) in kinds.items()
        for architecture in range(ARCHITECTURES)
        for i in range(PER_CELL)
    ]


def _right() -> dict[tuple[str, str], dict[str, ToolAnswer]]:
    return {
        (truth.network, truth.site): {name: ToolAnswer(word=one.words[0]) for name, one in truth.variables.items()}
        for truth in _truths()
    }


def test_right_words_have_no_error():
    card = score_answers("right", _truths(), _right())
    assert all(row.outcomes == {"right": PER_CELL * ARCHITECTURES} for row in card.rows)
    assert dict(card.false_finding.counts) == {"constructions": 0, "cells": 0, "networks": 0}
    assert dict(card.false_finding.of) == {"constructions": 2, "cells": 8, "networks": 40}
    assert dict(card.false_absence.of) == {"constructions": 2, "cells": 8, "networks": 40}
    assert card.power.counts["networks"] == card.power.of["networks"] == 20


@pytest.mark.parametrize("wrong", [1, 3, 5])
def test_false_findings_are_counted_by_construction_cell_and_network(wrong):
    answers = _right()
    for i in range(wrong):
        answers[f"masked-2-{i}", "layer3"]["right"] = ToolAnswer(word="entangled")
    card = score_answers("some wrong", _truths(), answers)
    assert dict(card.false_finding.counts) == {"constructions": 1, "cells": 1, "networks": wrong}
    assert card.rows[0].construction == "masked"  # the worst comes first
    assert card.rows[0].outcomes["false finding"] == wrong
    assert card.false_finding.high["networks"] == exact_high(wrong, 40)


def test_findings_where_the_rule_cannot_err_are_no_part_of_the_rate_and_show_in_the_row():
    answers = _right()
    answers["counted-0-0", "layer3"]["left"] = ToolAnswer(word="computed")
    card = score_answers("one wrong", _truths(), answers)
    assert card.false_finding.counts["networks"] == 0
    assert card.rows[0].outcomes["false finding"] == 1


def test_missing_answers_are_neither_right_nor_errors():
    card = score_answers("silent", _truths(), {})
    assert all(row.outcomes == {"missing": PER_CELL * ARCHITECTURES} for row in card.rows)
    assert card.power.counts["networks"] == card.false_absence.counts["networks"] == 0


@pytest.mark.parametrize(
    ("truth", "word", "outcome"),
    [
        (THERE, "computed", "right"),
        (THERE, "entangled", "other"),  # another kind of finding than the truth allows
        (THERE, "unused", "false absence"),
        (THERE, "partial", "partial"),
        (PARTLY, "computed", "false finding"),
        (PARTLY, "bypassed", "false absence"),
        (ABSENT, "merged", "false finding"),
        (ABSENT, "consumed", "other"),
        (ABSENT, "partial", "partial"),
        (ABSENT, "undecided", "undecided"),
        (THERE, None, "missing"),
    ],
)
def test_outcomes(truth, word, outcome):
    assert outcome_of(truth, word) == outcome


def test_bias_and_coverage_are_those_of_the_answers():
    answers = _right()
    held = [truth.network for truth in _truths() if truth.construction == "held"]
    for number, network in enumerate(held):
        low = 0.97 if number < 15 else 0.999
        answer = ToolAnswer(word="computed", iia=0.98, low=low, high=1.0 if number < 10 else 0.9995, size=2.0)
        answers[network, "layer3"] = {"left": answer, "right": answer}
    card = score_answers("biased", _truths(), answers)
    assert card.bias == pytest.approx(-0.02)
    assert (card.biased, card.intervals, card.covered) == (40, 40, 20)
    row = next(row for row in card.rows if row.construction == "held")
    assert (row.size_right, row.sized) == (40, 40)


def test_exact_bounds_are_clopper_and_pearson_s():
    """The bound b of 0 of n solves (1 − b)ⁿ = .05, and that of k of n leaves .05 below k or above it."""
    from scipy.stats import binom

    assert (1 - exact_high(0, 17)) ** 17 == pytest.approx(0.05)
    assert binom.cdf(3, 20, exact_high(3, 20)) == pytest.approx(0.05)
    assert binom.sf(2, 20, exact_low(3, 20)) == pytest.approx(0.05)
    assert (exact_low(0, 5), exact_high(5, 5), exact_high(0, 0)) == (0.0, 1.0, 1.0)
