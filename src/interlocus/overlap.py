"""How far two subspaces are the same: the numbers."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def orthonormal(columns: Float[np.ndarray, "width feature"], least: float = 1e-6) -> Float[np.ndarray, "width _"]:
    """Orthonormal columns of the same span; those of the span that are shorter than the least are left out."""
    left, lengths, _ = np.linalg.svd(columns, full_matrices=False)
    return left[:, lengths > least]


def shared(one: Float[np.ndarray, "width _"], other: Float[np.ndarray, "width _"]) -> float:
    """‖Q₁ᵀQ₂‖²_F / k of orthonormal columns, with k the smaller number of them: one where one lies within the other.

    Directions drawn at random share K / d on average, with K the larger number and d the width.
    """
    return float(np.square(one.T @ other).sum()) / min(one.shape[1], other.shape[1])
