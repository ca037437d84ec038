"""The hot path: cached activations, interchange interventions, losses and their gradients.

Nothing here chooses maps, stores results or reports: every function takes tensors and returns tensors.
"""

from interlocus.alignment.interchange.cache import (
    Batch,
    BatchPlan,
    Cache,
    Problems,
    batches,
    cache_activations,
    plan_batches,
)
from interlocus.alignment.interchange.linear import Interchange
from interlocus.alignment.interchange.losses import Bounded, CrossEntropy

__all__ = [
    "Batch",
    "BatchPlan",
    "Bounded",
    "Cache",
    "CrossEntropy",
    "Interchange",
    "Problems",
    "batches",
    "cache_activations",
    "plan_batches",
]
