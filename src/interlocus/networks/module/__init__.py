"""Adapter for any torch module: discovers its sites, reads and exchanges activations with hooks, changes nothing else.

Code for one kind of module does not belong here, except for chains of layers, which are recognised and verified.
"""

from interlocus.networks.module.model import Module

__all__ = ["Module"]
