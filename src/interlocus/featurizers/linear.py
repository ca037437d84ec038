"""Any invertible linear map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor

from interlocus.core.errors import SpecificationError
from interlocus.featurizers._base import AbstractLinearMap, Frames, places

PRICE = 1.0
"""What a unit of norm above the bound adds to the loss: more than any label is worth to a step."""


class Linear(AbstractLinearMap):
    """An invertible map M: read with rows of M, write with the same columns of M⁻¹.

    The directions of a variable need not be orthogonal to the rest, so an interchange is an oblique projection. The
    first rows of M belong to the variables, one block behind the other; what the other rows read is left alone. A map
    that becomes singular gives no numbers, and its search ends as diverged.

    Args:
        bound: of the norm ‖P‖₂ of each variable's oblique projection, which is 1 for an orthogonal one. What exceeds it
            is charged for, so it may be exceeded by a little.

    Source: arXiv 2507.08802, section 4 (linear maps).
    """

    def __init__(self, *, bound: float | None = None) -> None:
        if bound is not None and not bound > 1:
            raise SpecificationError(
                f"The norm of a projection is to stay below {bound}.",
                "No projection has a norm below 1, and only orthogonal ones have 1.",
                "Pass a bound above 1, or use the featurizer 'rotation'.",
            )
        self.bound = bound

    @property
    def name(self) -> str:
        return "linear" if self.bound is None else "linear_bounded"

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
    ) -> Float[Tensor, "search width width"]:
        rows = rearrange(directions, "search variable feature width -> search (variable feature) width")
        return complete(rows)

    def frames(
        self,
        parameters: Float[Tensor, "search width width"],
        mask: Float[Tensor, "search variable feature 1"],
        heat: float = 0.0,
    ) -> tuple[Frames, Any]:
        solved = torch.linalg.inv_ex(parameters)
        inverse = solved.inverse.transpose(1, 2).masked_fill((solved.info != 0)[:, None, None], torch.nan)
        index = places(mask, parameters.shape[2]).unsqueeze(2).expand(-1, -1, parameters.shape[2])
        read, write = (part.gather(1, index).view(*mask.shape[:3], -1) * mask for part in (parameters, inverse))
        frames = Frames(read=read, write=write)
        return frames, _Saved(inverse, mask, frames, index)

    def pull(
        self, parameters: Float[Tensor, "search width width"], saved: Any, gradient: Frames
    ) -> Float[Tensor, "search width width"]:
        inverse, mask, frames, index = saved
        if self.bound is not None:
            charged = charge(frames, self.bound)
            gradient = Frames(*(one + PRICE * other for one, other in zip(gradient, charged, strict=True)))
        read, write = ((part * mask).view(len(mask), -1, parameters.shape[2]) for part in gradient)
        # M⁻ᵀ changes by −M⁻ᵀ dMᵀ M⁻ᵀ
        through = torch.bmm(torch.bmm(inverse, write.transpose(1, 2)), inverse.gather(1, index))
        return (-through).scatter_add_(1, index, read)

    def constrain(self, parameters: Float[Tensor, "search width width"]) -> Float[Tensor, "search width width"]:
        return parameters


class _Saved(NamedTuple):
    """The transposed inverse, which rows are in use, the maps, and where their rows lie."""

    inverse: Float[Tensor, "search width width"]
    mask: Float[Tensor, "search variable feature 1"]
    frames: Frames
    rows: Int[Tensor, "search row width"]


def charge(frames: Frames, bound: float) -> Frames:
    """The gradient of max(‖P‖₂ − bound, 0), summed over variables, with respect to the maps.

    P = Wᵀ R projects on as many directions as a variable has. With its largest singular value σ = uᵀ P v,
    dσ = uᵀ dP v, so dσ/dR = (W u) vᵀ and dσ/dW = (R v) uᵀ; and v = Rᵀ c with c an eigenvector of W Wᵀ R Rᵀ.
    """
    read, write = frames
    reads, writes = read @ read.transpose(2, 3), write @ write.transpose(2, 3)
    unused = (read == 0).all(3)
    # the other singular values of a projection are at least one
    most = (reads * writes).sum((2, 3)) - (~unused).sum(2) + 1
    if not (most > bound**2).any():
        return Frames(*map(torch.zeros_like, frames))
    lower = torch.linalg.cholesky_ex(writes + torch.diag_embed(unused.to(read))).L
    squares, vectors = torch.linalg.eigh(torch.nan_to_num(lower.transpose(2, 3) @ reads @ lower))
    v = torch.nn.functional.normalize((read.transpose(2, 3) @ lower @ vectors[..., -1:]).squeeze(3), dim=2)
    onto = read @ v.unsqueeze(3)
    u = torch.nn.functional.normalize((write * onto).sum(2), dim=2)
    back = write @ u.unsqueeze(3)
    above = (squares[:, :, -1] > bound**2)[:, :, None, None].to(read)
    return Frames(read=above * back * v.unsqueeze(2), write=above * onto * u.unsqueeze(2))


def complete(rows: Float[Tensor, "search row width"]) -> Float[Tensor, "search width width"]:
    """An orthogonal matrix that begins with these rows; zero rows are filled with what is orthogonal to the rest.

    Of more rows than the width those that are zero are left out: see `places`.
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
        # the right singular vectors behind the rank span what no used row reads
        square[free] = torch.linalg.svd(used, full_matrices=True).Vh[len(used) :]
    return full
