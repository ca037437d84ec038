"""The featurizers `linear` and `linear_bounded`: any invertible linear map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor

from interlocus.core.errors import SpecificationError
from interlocus.featurizers._base import AbstractLinearMap, Frames, basis_rows

OBLIQUENESS_PENALTY = 1.0
"""Amount added to the loss for each unit of norm above the bound. In one step it outweighs the gain of any label."""


class _SavedLinear(NamedTuple):
    """Values for the backward pass.

    Args:
        inverse: The transposed inverse of the map.
        mask: One for features up to the size of a search, zero beyond.
        frames: The maps that `forward` returned.
        rows: The row of the map that belongs to each feature.
    """

    inverse: Float[Tensor, "search width width"]
    mask: Float[Tensor, "search variable feature 1"]
    frames: Frames
    rows: Int[Tensor, "search row width"]


class Linear(AbstractLinearMap[_SavedLinear]):
    """An invertible map M: read with rows of M, write with the columns of M⁻¹ of the same index.

    The directions of a variable need not be orthogonal to the rest, so an interchange is an oblique projection. The
    first rows of M belong to the variables, one block after another; an interchange leaves what the other rows read
    unchanged. A singular map gives nan, and its search is recorded as diverged.

    Args:
        bound: Bound on the norm ‖P‖₂ of each variable's oblique projection P, larger than 1, which is the norm of an
            orthogonal projection. A larger norm is penalised, so it can exceed the bound slightly. By default there is
            no bound.

    Raises:
        SpecificationError: `bound` is 1 or less.

    Source: arXiv 2507.08802, section 4 (linear maps).
    """

    def __init__(self, *, bound: float | None = None) -> None:
        if bound is not None and not bound > 1:
            raise SpecificationError(
                f"The bound on the norm of a projection is {bound}.",
                "No projection has a norm below 1, and only orthogonal ones have 1.",
                "Pass a bound above 1, or use the featurizer 'rotation'.",
            )
        self.bound = bound
        self.name = "linear" if bound is None else "linear_bounded"

    def initialize(
        self,
        directions: Float[Tensor, "search variable feature width"],
        activations: Sequence[Float[Tensor, "_ width"]],
    ) -> Float[Tensor, "search width width"]:
        rows = rearrange(directions, "search variable feature width -> search (variable feature) width")
        return complete_basis(rows)

    def forward(
        self,
        parameters: Float[Tensor, "search width width"],
        mask: Float[Tensor, "search variable feature 1"],
        softness: float = 0.0,
    ) -> tuple[Frames, _SavedLinear]:
        solved = torch.linalg.inv_ex(parameters)
        inverse = solved.inverse.transpose(1, 2).masked_fill((solved.info != 0)[:, None, None], torch.nan)
        index = basis_rows(mask, parameters.shape[2]).unsqueeze(2).expand(-1, -1, parameters.shape[2])
        read, write = (part.gather(1, index).view(*mask.shape[:3], -1) * mask for part in (parameters, inverse))
        frames = Frames(read=read, write=write)
        return frames, _SavedLinear(inverse, mask, frames, index)

    def backward(
        self, parameters: Float[Tensor, "search width width"], saved: _SavedLinear, gradient: Frames
    ) -> Float[Tensor, "search width width"]:
        inverse, mask, frames, index = saved
        if self.bound is not None:
            of_penalty = obliqueness_gradient(frames, self.bound)
            gradient = Frames(
                *(part + OBLIQUENESS_PENALTY * added for part, added in zip(gradient, of_penalty, strict=True))
            )
        read, write = ((part * mask).view(len(mask), -1, parameters.shape[2]) for part in gradient)
        # d(M⁻ᵀ) = −M⁻ᵀ dMᵀ M⁻ᵀ
        through_inverse = torch.bmm(torch.bmm(inverse, write.transpose(1, 2)), inverse.gather(1, index))
        return (-through_inverse).scatter_add_(1, index, read)

    def constrain(self, parameters: Float[Tensor, "search width width"]) -> Float[Tensor, "search width width"]:
        return parameters


def obliqueness_gradient(frames: Frames, bound: float) -> Frames:
    """The gradient of max(‖P‖₂ − bound, 0), summed over variables, with respect to the maps.

    P = Wᵀ R is the projection of a variable, with W its writing and R its reading rows. With its largest singular value
    σ = uᵀ P v, dσ = uᵀ dP v, so dσ/dR = (W u) vᵀ and dσ/dW = (R v) uᵀ; and v = Rᵀ c, with c an eigenvector of
    W Wᵀ R Rᵀ.

    Args:
        frames: The maps of a stack of searches.
        bound: The norm up to which there is no penalty, larger than 1.
    """
    read, write = frames
    read_gram, write_gram = read @ read.transpose(2, 3), write @ write.transpose(2, 3)
    unused = (read == 0).all(3)
    # The squared singular values of a projection sum to this trace, and all of them are at least 1.
    largest = (read_gram * write_gram).sum((2, 3)) - (~unused).sum(2) + 1
    if not (largest > bound**2).any():
        return Frames(*map(torch.zeros_like, frames))
    lower = torch.linalg.cholesky_ex(write_gram + torch.diag_embed(unused.to(read))).L
    squares, vectors = torch.linalg.eigh(torch.nan_to_num(lower.transpose(2, 3) @ read_gram @ lower))
    v = torch.nn.functional.normalize((read.transpose(2, 3) @ lower @ vectors[..., -1:]).squeeze(3), dim=2)
    read_v = read @ v.unsqueeze(3)
    u = torch.nn.functional.normalize((write * read_v).sum(2), dim=2)
    write_u = write @ u.unsqueeze(3)
    exceeds = (squares[:, :, -1] > bound**2)[:, :, None, None].to(read)
    return Frames(read=exceeds * write_u * v.unsqueeze(2), write=exceeds * read_v * u.unsqueeze(2))


def complete_basis(rows: Float[Tensor, "search row width"]) -> Float[Tensor, "search width width"]:
    """An orthogonal matrix whose first rows are given; zero rows are replaced by directions orthogonal to the others.

    Args:
        rows: Orthonormal rows, or zero. If there are more rows than the width, zero rows are dropped, as in
            `basis_rows`.
    """
    width = rows.shape[2]
    if rows.shape[1] > width:
        order = (rows == 0).all(2).int().argsort(dim=1, stable=True)[:, :width]
        rows = rows.gather(1, order.unsqueeze(2).expand(-1, -1, width))
    full = torch.zeros(len(rows), width, width, dtype=rows.dtype, device=rows.device)
    full[:, : rows.shape[1]] = rows
    empty = full.norm(dim=2) == 0
    for square, free in zip(full, empty, strict=True):
        used = square[~free]
        # The right singular vectors beyond the rank are orthogonal to all used rows.
        square[free] = torch.linalg.svd(used, full_matrices=True).Vh[len(used) :]
    return full
