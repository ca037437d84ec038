"""Continuous variables as codes, for starts that hold the values of a variable against each other."""

from __future__ import annotations

import warnings

import torch
from jaxtyping import Float, Int, Shaped
from scipy.cluster.vq import kmeans2
from torch import Tensor

CODES = 8
"""Values that a continuous variable is coded in."""
LOOKED_AT = 4096
"""Rows that the code is made from."""


def coded(values: Shaped[Tensor, " row *width"]) -> Int[Tensor, " row"]:
    """The values of a variable as integers: a discrete one as it is, a continuous one in codes.

    A value that is frequent, as the zero of a difference, is a code by itself: a contrast with its neighbours in it
    would be blurred. The rest go by the nearest of eight means (Lloyd's algorithm).
    """
    if not values.is_floating_point():
        return values
    rows = values.reshape(len(values), -1).double()
    distinct, counts = torch.unique(rows[:LOOKED_AT], dim=0, return_counts=True)
    frequent = distinct[counts > min(len(rows), LOOKED_AT) / CODES]
    codes = _nearest(rows, distinct)
    for code, value in enumerate(frequent, start=CODES):
        codes[(rows == value).all(1)] = code
    return codes


def _nearest(rows: Float[Tensor, "row width"], distinct: Float[Tensor, "value width"]) -> Int[Tensor, " row"]:
    """The nearest of some means of the distinct values."""
    begin = distinct[torch.linspace(0, len(distinct) - 1, min(CODES, len(distinct))).long()]
    with warnings.catch_warnings():  # a mean that nothing is nearest to is a code that is not used
        warnings.simplefilter("ignore", UserWarning)
        means, _ = kmeans2(distinct.numpy(), begin.numpy(), iter=20, minit="matrix")
    return torch.cdist(rows, torch.from_numpy(means)).argmin(1)
