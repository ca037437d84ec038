"""Activation functions agree with those of torch."""

from __future__ import annotations

from mlp_stacks import FUNCTIONS

from interlocus.networks.mlp.activations import ACTIVATIONS
from interlocus.networks.mlp.training import RECIPES


def test_every_activation_has_a_recipe_and_a_counterpart_in_torch():
    assert set(FUNCTIONS) == set(ACTIVATIONS) == set(RECIPES)
