"""The featurizers `frame` and `frame_transposed`: directions without a constraint of orthogonality."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.featurizers._base import AbstractRowMap, Frames

WriteMethod = Literal["pseudo_inverse", "transpose"]


class _SavedFrame(NamedTuple):
    """Values for the backward pass.

    Args:
        inverse: The inverse Gram matrix; `None` for the transpose.
        write: The writing rows of all variables, one after another.
        mask: One for features up to the size of a search, zero beyond.
    """

    inverse: Float[Tensor, "search row row"] | None
    write: Float[Tensor, "search row width"]
    mask: Float[Tensor, "search variable feature 1"]


class Frame(AbstractRowMap[_SavedFrame]):
    """Unconstrained rows L: read with L, write with its pseudo-inverse or with Lᵀ.

    The pseudo-inverse W = (L Lᵀ)⁻¹ L is that of the rows of all variables together. So a value written to one feature
    is read from this feature only: the interchange of all variables is an orthogonal projection, that of one variable
    an oblique one. The transpose, a baseline, writes too much or too little, and changes other features as well, as
    soon as the rows are no longer orthonormal.

    Args:
        write: How features are written back, by the `pseudo_inverse` or the `transpose`.
    """

    def __init__(self, *, write: WriteMethod = "pseudo_inverse") -> None:
        self.write: WriteMethod = write
        self.name = "frame" if write == "pseudo_inverse" else "frame_transposed"

    def forward(
        self,
        parameters: Float[Tensor, "search row width"],
        mask: Float[Tensor, "search variable feature 1"],
        softness: float = 0.0,
    ) -> tuple[Frames, _SavedFrame]:
        shape = (*mask.shape[:3], -1)
        read = parameters.view(shape) * mask
        if self.write == "transpose":
            return Frames(read=read, write=read), _SavedFrame(None, read.flatten(1, 2), mask)
        rows = read.flatten(1, 2)
        unused = torch.diag_embed(1 - mask.flatten(1))
        solved = torch.linalg.inv_ex(torch.baddbmm(unused, rows, rows.transpose(1, 2)))
        # Linearly dependent rows have no such pseudo-inverse. They give nan, and the search is recorded as diverged.
        inverse = solved.inverse.masked_fill((solved.info != 0)[:, None, None], torch.nan)
        write = torch.bmm(inverse, rows)
        return Frames(read=read, write=write.view(shape)), _SavedFrame(inverse, write, mask)

    def backward(
        self, parameters: Float[Tensor, "search row width"], saved: _SavedFrame, gradient: Frames
    ) -> Float[Tensor, "search row width"]:
        inverse, write, mask = saved
        for_read, for_write = ((part * mask).flatten(1, 2) for part in gradient)
        if inverse is None:
            return for_read + for_write
        # W = G⁻¹ L with G = L Lᵀ, so dW = G⁻¹ dL − G⁻¹ (dL Lᵀ + L dLᵀ) W
        first = torch.bmm(inverse, for_write)
        second = torch.bmm(first, torch.bmm(write.transpose(1, 2), parameters.view_as(write)))
        third = torch.bmm(torch.bmm(write, for_write.transpose(1, 2)), write)
        return (for_read + first - second - third) * mask.flatten(1, 2)

    def constrain(self, parameters: Float[Tensor, "search row width"]) -> Float[Tensor, "search row width"]:
        return parameters
