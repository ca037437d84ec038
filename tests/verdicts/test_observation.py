"""What a verdict looks at: levels that an effect has to exceed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from control_contexts import effect_with, observation_of, used_with

from interlocus.controls.criteria import Thresholds, is_found
from interlocus.verdicts.observation import is_partial

LEVELS = ("no_effect", "one_directional", "null", "linear_ceiling")


@pytest.mark.parametrize("level", LEVELS)
def test_the_chance_level_is_the_highest_of_what_is_reached_without_the_variable(level):
    lower = {"no_effect": 0.5, "one_directional": None, "null": None, "linear_ceiling": None}
    assert observation_of(**(lower | {level: 0.9})).chance_level == 0.9


def test_a_found_effect_exceeds_untrained_networks_and_random_directions_of_its_size():
    assert observation_of(null=0.6).null_level == 0.6
    assert observation_of(null=None).null_level == 0.0
    found = effect_with(0.97)
    assert is_found(found, Thresholds(), 0.96)
    assert not is_found(found, Thresholds(), 0.98)
    assert is_found(replace(found, random_directions=0.96), Thresholds())
    assert not is_found(replace(found, random_directions=0.98), Thresholds())


def test_no_linear_map_finds_a_variable_before_a_linear_rest():
    assert observation_of().impossible is None
    assert observation_of(used=used_with(effect_with(0.7))).impossible is None
    assert "linear" in observation_of(linear_ceiling=0.75).impossible
    # a variable that does not fit into the used subspace can still be exchanged, as one that is merged
    assert observation_of(used=used_with(rank=1)).impossible is None


def test_the_highest_score_inside_is_zero_without_room():
    assert used_with().highest == 0.0
    assert used_with(effect_with(0.5), effect_with(0.7)).highest == pytest.approx(0.72)


def test_an_effect_is_partial_if_it_exceeds_every_level_in_both_directions_of_change():
    thresholds, observation = Thresholds(), observation_of(one_directional=0.7)
    assert is_partial(effect_with(0.8), observation, thresholds)
    assert not is_partial(effect_with(0.8, random_directions=0.85), observation, thresholds)
    assert not is_partial(effect_with(0.8, value_change=0.0), observation, thresholds)
    assert not is_partial(effect_with(0.8, answer_change_rate=0.0), observation, thresholds)
