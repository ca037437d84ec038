"""Orthonormal directions inside a subspace that was found before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.featurizers._base import AbstractLinearMap, Frames
from interlocus.featurizers.rotation import orthonormalise, tangent


class NestedRotation(AbstractLinearMap):
    """A rotation within the span of some directions: Q = A B, with B the basis of the subspace and A what is learned.

    For a finer variable inside the subspace of a coarser one: what is outside stays as it is.

    Args:
        directions: that span the subspace, one a row; they need not be orthonormal.

    Source: decomposition of an alignment, arXiv 2303.02536, section 5.
    """

    def __init__(self, directions: Float[Tensor, "feature width"]) -> None:
        self.basis = torch.linalg.qr(directions.T).Q.T.contiguous()

    @property
    def name(self) -> str:
        return "inside"

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
    ) -> Float[Tensor, "search row inner"]:
        rows = directions.flatten(1, 2)
        inner = rows @ self.basis.to(rows).T
        for search, own in zip(rows, inner, strict=True):
            used = search.norm(dim=1) > 0
            # the nearest orthonormal rows: of what lies outside nothing is left, and lengths and angles are lost
            left, _, right = torch.linalg.svd(own[used], full_matrices=False)
            own[used] = left @ right
        return inner

    def frames(
        self,
        parameters: Float[Tensor, "search row inner"],
        mask: Float[Tensor, "search variable feature 1"],
        heat: float = 0.0,
    ) -> tuple[Frames, Any]:
        rows = (parameters @ self.basis.to(parameters)).view(*mask.shape[:3], -1)
        return Frames(read=rows, write=rows), None

    def pull(
        self, parameters: Float[Tensor, "search row inner"], saved: Any, gradient: Frames
    ) -> Float[Tensor, "search row inner"]:
        outer = (gradient.read + gradient.write).flatten(1, 2)
        return tangent(outer @ self.basis.to(outer).T, parameters)

    def constrain(self, parameters: Float[Tensor, "search row inner"]) -> Float[Tensor, "search row inner"]:
        return orthonormalise(parameters)
