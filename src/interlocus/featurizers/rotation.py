"""Orthonormal directions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from interlocus.featurizers._base import AbstractLinearMap, Frames

MAX_ITERATIONS = 20
"""At most; a step of the usual size takes two or three."""
ORTHONORMAL_TOLERANCE = 1e-3
"""Rows that one more iteration changes by less are orthonormal after it, up to the square of this."""


class Rotation(AbstractLinearMap):
    """The rows Q of an orthogonal map: read with Q, write with Qᵀ.

    Only the rows in use are kept, so memory grows with width × size: this is the low-rank rotation for wide sites too,
    and no width × width matrix is built for it. Rows are moved along the Stiefel manifold: the gradient G is projected
    to G − sym(G Qᵀ) Q, and after a step Newton–Schulz iterations Q ← (3 − Q Qᵀ) Q / 2 bring the rows back to the
    nearest orthonormal ones. Rows that are zero stay zero, which lets sizes be mixed.

    Source: distributed alignment search, arXiv 2303.02536, section 3.2.
    """

    @property
    def name(self) -> str:
        return "rotation"

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
        rows = parameters.view(*mask.shape[:3], -1)
        return Frames(read=rows, write=rows), None

    def pull(
        self, parameters: Float[Tensor, "search row width"], saved: Any, gradient: Frames
    ) -> Float[Tensor, "search row width"]:
        return tangent((gradient.read + gradient.write).view_as(parameters), parameters)

    def constrain(self, parameters: Float[Tensor, "search row width"]) -> Float[Tensor, "search row width"]:
        return orthonormalise(parameters)


def tangent(
    gradient: Float[Tensor, "search row width"], rows: Float[Tensor, "search row width"]
) -> Float[Tensor, "search row width"]:
    """The part of a gradient G along which orthonormal rows Q can move: G − sym(G Qᵀ) Q."""
    inner = torch.bmm(gradient, rows.transpose(1, 2))
    return torch.baddbmm(gradient, inner + inner.transpose(1, 2), rows, alpha=-0.5)


def orthonormalise(rows: Float[Tensor, "search row width"]) -> Float[Tensor, "search row width"]:
    """The polar factor of rows that are not degenerate, by Newton–Schulz; zero rows stay zero.

    The iteration Q ← (3 − Q Qᵀ) Q / 2 squares the error each time. It converges for singular values under √3, so rows
    whose Gram matrix allows for larger ones (Gershgorin) are scaled down first.
    """
    gram = torch.bmm(rows, rows.transpose(1, 2))
    bound = gram.abs().sum(2).amax(1)
    if bound.amax() > 2.5:
        scale = bound.clamp_min(1.0).rsqrt()[:, None, None]
        rows, gram = rows * scale, gram * scale.square()
    for _ in range(MAX_ITERATIONS):
        turned = torch.bmm(gram, rows)
        change = (turned - rows).abs_().amax()
        rows = torch.lerp(turned, rows, 1.5)
        if change < ORTHONORMAL_TOLERANCE:
            break
        gram = torch.bmm(rows, rows.transpose(1, 2))
    return rows
