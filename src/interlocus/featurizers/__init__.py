"""Featurizers: maps from activations to features, and back."""

from interlocus.featurizers._base import AbstractFeaturizer, Frames
from interlocus.featurizers.identity import Identity
from interlocus.featurizers.linear import Linear
from interlocus.featurizers.rotation import Rotation

__all__ = ["AbstractFeaturizer", "Frames", "Identity", "Linear", "Rotation"]
