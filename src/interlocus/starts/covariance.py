"""Directions whose variance tells the values of a variable apart."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.linalg import eigh
from torch import Tensor

from interlocus.starts._base import AbstractStart, Sight, orthonormal_rows

RIDGE = 1e-4
"""Added to both covariances, as a share of their mean diagonal: equal pairs make one of them singular at the input."""


class Covariance(AbstractStart):
    """Class-conditional covariances, in closed form.

    With C₁ and C₀ the covariances of the activations where the variable has a value and where it has not, take the
    generalised eigenvectors of (C₁, C₀) with the largest |log eigenvalue|. "a = b" is a feature of the second moment:
    the means of the two classes coincide, which is why mean differences and linear probes do not see it. A variable
    with more than two values contrasts each with the rest and takes the most telling directions of all.

    Source: common spatial patterns (Fukunaga and Koontz 1970), used here as a start.
    """

    @property
    def name(self) -> str:
        return "covariance"

    def directions(
        self, sight: Sight, sizes: tuple[int, ...], generator: torch.Generator
    ) -> tuple[Float[Tensor, "feature width"], ...]:
        blocks = [
            telling_directions(sight.activations, values, size)
            for values, size in zip(sight.values, sizes, strict=True)
        ]
        return orthonormal_rows(blocks, generator)


def telling_directions(
    activations: Float[Tensor, "row width"], values: Int[Tensor, " row"], size: int
) -> Float[Tensor, "feature width"]:
    """The directions with the largest |log variance ratio| between a value and the rest, most telling first."""
    rows = activations.double().cpu().numpy()
    present = np.unique(values.cpu().numpy())
    contrasts = present[1:] if len(present) == 2 else present  # two values make one contrast
    ratios, directions = [], []
    for value in contrasts:
        inside = (values == int(value)).cpu().numpy()
        covariances = [np.cov(rows[group], rowvar=False) for group in (inside, ~inside)]
        ridge = RIDGE * np.mean([np.trace(c) / len(c) for c in covariances]) + np.finfo(float).tiny
        eigenvalues, vectors = eigh(*(c + ridge * np.eye(len(c)) for c in covariances))
        ratios.append(np.abs(np.log(eigenvalues)))
        directions.append(vectors.T / np.linalg.norm(vectors.T, axis=1, keepdims=True))
    order = np.argsort(-np.concatenate(ratios), kind="stable")[:size]
    return torch.from_numpy(np.concatenate(directions)[order]).to(activations)
