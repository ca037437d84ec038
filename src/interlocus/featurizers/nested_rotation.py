"""A rotation inside the subspace of another alignment."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.featurizers._base import AbstractLinearMap, Frames
from interlocus.featurizers.rotation import orthonormalise, tangent


class NestedRotation(AbstractLinearMap[None]):
    """A rotation within a given subspace: Q = A B, with B a basis of the subspace and A the learned rows.

    It is used to search for a finer variable inside the subspace of a coarser one. An interchange leaves everything
    outside the subspace as it is.

    Args:
        directions: Linearly independent rows that span the subspace; they need not be orthonormal.

    Source: decomposition of an alignment, arXiv 2303.02536, section 5.
    """

    name = "inside"

    def __init__(self, directions: Float[Tensor, "feature width"]) -> None:
        self.basis = torch.linalg.qr(directions.T).Q.T.contiguous()

    def initialize(
        self,
        directions: Float[Tensor, "search variable feature width"],
        activations: Sequence[Float[Tensor, "_ width"]],
    ) -> Float[Tensor, "search row inner"]:
        rows = directions.flatten(1, 2)
        inner = rows @ self.basis.to(rows).T
        for search, coordinates in zip(rows, inner, strict=True):
            used = search.norm(dim=1) > 0
            # The part outside the subspace is lost, so the coordinates are replaced by the nearest orthonormal ones.
            left, _, right = torch.linalg.svd(coordinates[used], full_matrices=False)
            coordinates[used] = left @ right
        return inner

    def forward(
        self,
        parameters: Float[Tensor, "search row inner"],
        mask: Float[Tensor, "search variable feature 1"],
        softness: float = 0.0,
    ) -> tuple[Frames, None]:
        rows = (parameters @ self.basis.to(parameters)).view(*mask.shape[:3], -1)
        return Frames(read=rows, write=rows), None

    def backward(
        self, parameters: Float[Tensor, "search row inner"], saved: None, gradient: Frames
    ) -> Float[Tensor, "search row inner"]:
        outer = (gradient.read + gradient.write).flatten(1, 2)
        return tangent(outer @ self.basis.to(outer).T, parameters)

    def constrain(self, parameters: Float[Tensor, "search row inner"]) -> Float[Tensor, "search row inner"]:
        return orthonormalise(parameters)
