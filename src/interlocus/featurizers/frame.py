"""Directions that are not kept orthogonal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from interlocus.featurizers._base import AbstractLinearMap, Frames

Write = Literal["pseudo_inverse", "transpose"]


class Frame(AbstractLinearMap):
    """Rows L that may drift: read with L, write with its pseudo-inverse or, naively, with Lᵀ.

    The pseudo-inverse is that of the rows of all variables together, W = (L Lᵀ)⁻¹ L, so what is written to a feature is
    read from it and from no other: an orthogonal projection for all variables together, an oblique one for each. The
    transpose is what is left of a rotation whose rows are no longer orthonormal: it writes too much or too little, and
    into other features.

    Args:
        write: how features are written back.
    """

    def __init__(self, *, write: Write = "pseudo_inverse") -> None:
        self.write: Write = write

    @property
    def name(self) -> str:
        return "frame" if self.write == "pseudo_inverse" else "frame_transposed"

    @property
    def trainable(self) -> bool:
        return True

    @property
    def learns_size(self) -> bool:
        return False

    def begin(
        self,
        directions: Float[Tensor, "search variable feature width"],
        activations: Sequence[Float[Tensor, "_ width"]],
    ) -> Float[Tensor, "search row width"]:
        return rearrange(directions, "search variable feature width -> search (variable feature) width").contiguous()

    def frames(
        self,
        parameters: Float[Tensor, "search row width"],
        mask: Float[Tensor, "search variable feature 1"],
        heat: float = 0.0,
    ) -> tuple[Frames, Any]:
        shape = (*mask.shape[:3], -1)
        read = parameters.view(shape) * mask
        if self.write == "transpose":
            return Frames(read=read, write=read), _Saved(None, read.flatten(1, 2), mask)
        rows = read.flatten(1, 2)
        unused = torch.diag_embed(1 - mask.flatten(1))
        solved = torch.linalg.inv_ex(torch.baddbmm(unused, rows, rows.transpose(1, 2)))
        # what depends on each other has no pseudo-inverse of full rank: not a number, which is noted as diverged
        inverse = solved.inverse.masked_fill((solved.info != 0)[:, None, None], torch.nan)
        write = torch.bmm(inverse, rows)
        return Frames(read=read, write=write.view(shape)), _Saved(inverse, write, mask)

    def pull(
        self, parameters: Float[Tensor, "search row width"], saved: Any, gradient: Frames
    ) -> Float[Tensor, "search row width"]:
        inverse, write, mask = saved
        read, wanted = ((part * mask).flatten(1, 2) for part in gradient)
        if inverse is None:
            return read + wanted
        # W = G⁻¹ L with G = L Lᵀ: dW = G⁻¹ dL − G⁻¹ (dL Lᵀ + L dLᵀ) W
        through = torch.bmm(inverse, wanted)
        onto = torch.bmm(through, torch.bmm(write.transpose(1, 2), parameters.view_as(write)))
        back = torch.bmm(torch.bmm(write, wanted.transpose(1, 2)), write)
        return (read + through - onto - back) * mask.flatten(1, 2)

    def constrain(self, parameters: Float[Tensor, "search row width"]) -> Float[Tensor, "search row width"]:
        return parameters


class _Saved(NamedTuple):
    """The inverse Gram matrix (`None` for the transpose), what is written, and which rows are in use."""

    inverse: Float[Tensor, "search row row"] | None
    write: Float[Tensor, "search row width"]
    mask: Float[Tensor, "search variable feature 1"]
