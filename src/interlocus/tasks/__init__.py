"""Tasks: a causal model, a sampler and an encoder each."""

from interlocus.tasks._base import AbstractTask
from interlocus.tasks.hierarchical_equality import HierarchicalEquality

__all__ = ["AbstractTask", "HierarchicalEquality"]
