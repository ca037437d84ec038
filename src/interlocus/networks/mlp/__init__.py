"""Multilayer perceptrons: stacked networks of one shape, how they are trained, and their suffix with written gradients.

Networks of other kinds belong in `networks.module`.
"""

from interlocus.networks.mlp.model import MLP

__all__ = ["MLP"]
