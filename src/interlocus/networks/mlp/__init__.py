"""Multilayer perceptrons: stacks of networks of one shape, their training, and their suffixes.

Networks of other kinds belong in `networks.module`.
"""

from interlocus.networks.mlp.model import MLP

__all__ = ["MLP"]
