"""Networks whose activations can be read and exchanged."""

from interlocus.networks._base import AbstractNetworks, AbstractRest, AbstractTail
from interlocus.networks.mlp import MLP
from interlocus.networks.module import Module

__all__ = ["MLP", "AbstractNetworks", "AbstractRest", "AbstractTail", "Module"]
