"""Any invertible linear map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from interlocus.featurizers._base import AbstractFeaturizer, Frames


class Linear(AbstractFeaturizer):
    """An invertible map M: read with rows of M, write with the same columns of M⁻¹.

    The directions of a variable need not be orthogonal to the rest, so an interchange is an oblique projection. The
    first rows of M belong to the variables, one block behind the other; what the other rows read is left alone.

    Source: arXiv 2507.08802, section 4 (linear maps).
    """

    @property
    def name(self) -> str:
        return "linear"

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
        variables, features = mask.shape[1:3]
        inverse = torch.linalg.inv_ex(parameters).inverse.transpose(1, 2).contiguous()
        used = slice(0, variables * features)
        shape = (*mask.shape[:3], -1)
        frames = Frames(read=parameters[:, used].view(shape) * mask, write=inverse[:, used].view(shape) * mask)
        return frames, _Saved(inverse, mask)

    def pull(
        self, parameters: Float[Tensor, "search width width"], saved: Any, gradient: Frames
    ) -> Float[Tensor, "search width width"]:
        inverse, mask = saved
        read, write = ((part * mask).view(len(mask), -1, parameters.shape[2]) for part in gradient)
        used = slice(0, read.shape[1])
        # M⁻ᵀ changes by −M⁻ᵀ dMᵀ M⁻ᵀ
        through = torch.bmm(torch.bmm(inverse, write.transpose(1, 2)), inverse[:, used])
        result = -through
        result[:, used] += read
        return result

    def constrain(self, parameters: Float[Tensor, "search width width"]) -> Float[Tensor, "search width width"]:
        return parameters


class _Saved(NamedTuple):
    """The transposed inverse, and which rows are in use."""

    inverse: Float[Tensor, "search width width"]
    mask: Float[Tensor, "search variable feature 1"]


def complete(rows: Float[Tensor, "search row width"]) -> Float[Tensor, "search width width"]:
    """An orthogonal matrix that begins with these rows; zero rows are filled with what is orthogonal to the rest."""
    width = rows.shape[2]
    full = torch.zeros(len(rows), width, width, dtype=rows.dtype, device=rows.device)
    full[:, : rows.shape[1]] = rows
    empty = full.norm(dim=2) == 0
    for square, free in zip(full, empty, strict=True):
        used = square[~free]
        # the right singular vectors behind the rank span what no used row reads
        square[free] = torch.linalg.svd(used, full_matrices=True).Vh[len(used) :]
    return full
