"""Scores that are reached without the variable: random directions, shuffled labels, other networks, and a ceiling.

How networks without the variable are made belongs in `controls.ground_truth`.
"""

from interlocus.controls.nulls.linear_ceiling import LinearCeiling
from interlocus.controls.nulls.negative_controls import NegativeControlsControl
from interlocus.controls.nulls.random_directions import RandomDirections
from interlocus.controls.nulls.shuffled_labels import ShuffledLabels

__all__ = ["LinearCeiling", "NegativeControlsControl", "RandomDirections", "ShuffledLabels"]
