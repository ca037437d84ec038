"""Featurizers: maps from activations to features, and back."""

from interlocus.featurizers._base import AbstractFeaturizer, Frames, compact, in_use
from interlocus.featurizers.boundless import Boundless
from interlocus.featurizers.frame import Frame
from interlocus.featurizers.identity import Identity
from interlocus.featurizers.linear import Linear
from interlocus.featurizers.mask import Mask
from interlocus.featurizers.principal import Principal
from interlocus.featurizers.rotation import Rotation

__all__ = [
    "AbstractFeaturizer",
    "Boundless",
    "Frame",
    "Frames",
    "Identity",
    "Linear",
    "Mask",
    "Principal",
    "Rotation",
    "compact",
    "in_use",
]
