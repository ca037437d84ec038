"""Tasks: a causal model, a sampler and an encoder each."""

from interlocus.tasks._base import AbstractTask, Split
from interlocus.tasks.digits import Digits
from interlocus.tasks.hierarchical_equality import HierarchicalEquality

__all__ = ["AbstractTask", "Digits", "HierarchicalEquality", "Split"]
