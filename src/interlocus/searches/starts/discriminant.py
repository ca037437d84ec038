"""Start from Fisher's discriminants."""

from __future__ import annotations

import torch
from jaxtyping import Float
from scipy.linalg import eigh
from torch import Tensor

from interlocus.searches.starts._base import AbstractStart, Directions, StartContext, fill_with_random

DISCRIMINANT_RIDGE = 1e-4
"""Added to the covariance within values, as a share of its mean diagonal."""

MIN_RIDGE = 1e-30
"""Added in any case, for activations that do not vary."""


class Discriminant(AbstractStart):
    """Fisher's discriminants: the generalised eigenvectors of the covariances between and within values.

    A variable with n values has n − 1 of them; further directions are random. Like differences of means, they cannot
    see a variable whose values have the same mean.

    Source: Fisher 1936, The use of multiple measurements in taxonomic problems.
    """

    name = "discriminant"

    def directions(self, context: StartContext, sizes: tuple[int, ...], generator: torch.Generator) -> Directions:
        blocks = [_discriminants(context, values) for values in context.values]
        return fill_with_random(blocks, context, sizes, generator)


def _discriminants(context: StartContext, values: Tensor) -> Float[Tensor, "_ width"]:
    """The discriminants of one variable, the best first; none for a variable with one value."""
    rows = context.activations.double().cpu()
    kinds, code = values.cpu().unique(return_inverse=True)
    share = torch.bincount(code).double() / len(rows)
    means = torch.zeros(len(kinds), rows.shape[1], dtype=torch.float64).index_add(0, code, rows)
    means = means / (share * len(rows)).unsqueeze(1)
    off = means - rows.mean(0)
    between = (off * share.unsqueeze(1)).T @ off
    within = (rows - means[code]).T.cov()
    ridge = DISCRIMINANT_RIDGE * within.diagonal().mean() + MIN_RIDGE
    _, vectors = eigh(between.numpy(), (within + ridge * torch.eye(len(within))).numpy())
    return torch.from_numpy(vectors.T[::-1][: len(kinds) - 1].copy())
