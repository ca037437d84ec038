"""Scores that are reached without the variable: random directions, shuffled labels, and a proven ceiling.

Networks without the variable belong in `controls.ground_truth`.
"""

from interlocus.controls.nulls.linear_ceiling import LinearCeiling
from interlocus.controls.nulls.random_directions import RandomDirections
from interlocus.controls.nulls.shuffled_labels import ShuffledLabels

__all__ = ["LinearCeiling", "RandomDirections", "ShuffledLabels"]
