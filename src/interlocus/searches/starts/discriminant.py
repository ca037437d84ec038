"""Where means differ, for the spread that there is."""

from __future__ import annotations

import torch
from jaxtyping import Float
from scipy.linalg import eigh
from torch import Tensor

from interlocus.searches.starts._base import AbstractStart, StartContext, filled

DISCRIMINANT_RIDGE = 1e-4
"""Added to the spread within values, as a share of its mean diagonal."""

MIN_SPREAD = 1e-30
"""So much in any case, where nothing varies."""


class Discriminant(AbstractStart):
    """Fisher's discriminants: the generalised eigenvectors of the spread between and within the values of a variable.

    There is one direction fewer than values; others are random. Like differences of means, it is blind to a variable
    whose values have the same mean.

    Source: Fisher 1936, The use of multiple measurements in taxonomic problems.
    """

    @property
    def name(self) -> str:
        return "discriminant"

    def directions(
        self, context: StartContext, sizes: tuple[int, ...], generator: torch.Generator
    ) -> tuple[Float[Tensor, "_ width"], ...]:
        return filled([_discriminants(context, values) for values in context.values], context, sizes, generator)


def _discriminants(context: StartContext, values: Tensor) -> Float[Tensor, "_ width"]:
    """The most telling first; none for a variable with one value."""
    rows = context.activations.double().cpu()
    kinds, place = values.cpu().unique(return_inverse=True)
    share = torch.bincount(place).double() / len(rows)
    means = torch.zeros(len(kinds), rows.shape[1], dtype=torch.float64).index_add(0, place, rows)
    means = means / (share * len(rows)).unsqueeze(1)
    off = means - rows.mean(0)
    between = (off * share.unsqueeze(1)).T @ off
    within = (rows - means[place]).T.cov()
    ridge = DISCRIMINANT_RIDGE * within.diagonal().mean() + MIN_SPREAD
    _, vectors = eigh(between.numpy(), (within + ridge * torch.eye(len(within))).numpy())
    return torch.from_numpy(vectors.T[::-1][: len(kinds) - 1].copy())
