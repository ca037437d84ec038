"""Networks whose activations can be read and exchanged: the interface, perceptrons, and adapters for torch modules.

Searches, scores and featurizers do not belong here; they use networks through `AbstractNetworks` only.
"""

from interlocus.networks._base import AbstractNetworks, AbstractSuffix, AbstractSuffixBody
from interlocus.networks.mlp.model import MLP
from interlocus.networks.module.model import Module
from interlocus.networks.site import INPUT_SITE

__all__ = ["INPUT_SITE", "MLP", "AbstractNetworks", "AbstractSuffix", "AbstractSuffixBody", "Module"]
