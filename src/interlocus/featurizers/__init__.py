"""Featurizers: classes of maps from activations to features and back, whose parameters a search learns.

Networks, losses and the training loop do not belong here; a featurizer never sees a network.
"""

from interlocus.featurizers._base import (
    AbstractFeaturizer,
    AbstractLinearMap,
    Frames,
    Maps,
    check_width,
    compact,
    in_use,
)
from interlocus.featurizers.boundless import Boundless
from interlocus.featurizers.coupling import Coupling, NonlinearGradient, NonlinearMap
from interlocus.featurizers.frame import Frame
from interlocus.featurizers.identity import Identity
from interlocus.featurizers.linear import Linear
from interlocus.featurizers.mask import Mask
from interlocus.featurizers.overlapping import Overlapping
from interlocus.featurizers.principal import PrincipalComponents
from interlocus.featurizers.rotation import Rotation

__all__ = [
    "AbstractFeaturizer",
    "AbstractLinearMap",
    "Boundless",
    "Coupling",
    "Frame",
    "Frames",
    "Identity",
    "Linear",
    "Maps",
    "Mask",
    "NonlinearGradient",
    "NonlinearMap",
    "Overlapping",
    "PrincipalComponents",
    "Rotation",
    "check_width",
    "compact",
    "in_use",
]
