"""Tasks: causal models with samplers and encoders, the splits of their examples, checks, and chance levels.

What networks do with a task does not belong here, and neither does anything that searches them.
"""

from interlocus.tasks._base import AbstractTask, Split
from interlocus.tasks.bits import AndOr, Parity
from interlocus.tasks.digits import Digits
from interlocus.tasks.distributive_law import DistributiveLaw
from interlocus.tasks.equality_variants import NearMissEquality, RareEquality
from interlocus.tasks.hierarchical_equality import HierarchicalEquality
from interlocus.tasks.modular_sum import ModularSum
from interlocus.tasks.simple_equality import SimpleEquality
from interlocus.tasks.sum_of_three import SumOfThree

__all__ = [
    "AbstractTask",
    "AndOr",
    "Digits",
    "DistributiveLaw",
    "HierarchicalEquality",
    "ModularSum",
    "NearMissEquality",
    "Parity",
    "RareEquality",
    "SimpleEquality",
    "Split",
    "SumOfThree",
]
