"""Laws of the null level."""

from __future__ import annotations

import pytest
from control_contexts import effect_with, evidence_of, observation_of

from interlocus.controls.criteria import Thresholds, is_found
from interlocus.controls.nulls.untrained import NullLevel
from interlocus.verdicts.observation import is_partial


def test_one_network_gives_no_level():
    assert NullLevel.of([]) is None
    assert NullLevel.of([0.6]) is None


@pytest.mark.parametrize("best", [[0.6, 0.62], [0.55, 0.6, 0.61, 0.58], [0.99, 0.5]])
def test_the_limit_lies_above_what_was_seen_and_at_most_at_one(best):
    level = NullLevel.of(best)
    assert level.highest == max(best) <= level.limit <= 1
    assert level.count == len(best)


def test_a_variable_is_found_above_the_limit_only_and_the_limit_makes_nothing_absent():
    seen = observation_of(null=0.60, null_limit=0.97, untrained_count=2, no_effect=0.5, one_directional=None)
    effect = effect_with(0.96)
    assert effect.low < 0.97
    assert not is_found(effect, Thresholds(), seen.null_level)
    assert not is_partial(effect, seen, Thresholds())
    assert seen.chance_level == 0.60


def test_the_evidence_says_how_many_copies_there_were_and_what_was_fitted():
    (row,) = evidence_of(observation_of(null=0.60, null_limit=0.71, untrained_count=2), "chance levels")
    assert "untrained networks (2 copies) 0.600, fitted limit 0.710" in row.text
    (row,) = evidence_of(observation_of(null=0.60, null_limit=0.60, untrained_count=19), "chance levels")
    assert "untrained networks (19 copies) 0.600" in row.text
    assert "fitted" not in row.text
    (row,) = evidence_of(observation_of(null=None, untrained_count=1), "chance levels")
    assert "untrained networks (1 copy, too few) not measured" in row.text
