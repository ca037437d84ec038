"""Networks whose activations can be read and exchanged."""

from interlocus.networks._base import AbstractNetworks, AbstractSuffix, AbstractSuffixBody
from interlocus.networks.mlp.model import MLP
from interlocus.networks.module.model import Module

__all__ = ["MLP", "AbstractNetworks", "AbstractSuffix", "AbstractSuffixBody", "Module"]
