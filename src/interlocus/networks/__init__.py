"""Networks whose activations can be read and exchanged."""

from interlocus.networks._base import AbstractNetworks, AbstractRest, AbstractTail
from interlocus.networks.mlp import MLP

__all__ = ["MLP", "AbstractNetworks", "AbstractRest", "AbstractTail"]
