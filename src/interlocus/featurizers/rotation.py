"""The featurizer `rotation`: orthonormal directions."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.featurizers._base import AbstractRowMap, Frames

MAX_ITERATIONS = 20
"""Newton–Schulz iterations at most; after a step of usual size two or three suffice."""
ORTHONORMAL_TOLERANCE = 1e-3
"""If an iteration changes no entry by more than this, its result is orthonormal up to the square of this."""


class Rotation(AbstractRowMap[None]):
    """The rows Q of an orthogonal map: read with Q, write with Qᵀ.

    Only the rows in use are stored, so memory grows with width × size and no width × width matrix is built. Rows move
    along the Stiefel manifold: the gradient G is projected to G − sym(G Qᵀ) Q, and after a step the Newton–Schulz
    iteration Q ← (3 − Q Qᵀ) Q / 2 returns the rows to the nearest orthonormal ones. Zero rows stay zero, so searches of
    different sizes fit into one stack.

    Source: distributed alignment search, arXiv 2303.02536, section 3.2.
    """

    name = "rotation"

    def forward(
        self,
        parameters: Float[Tensor, "search row width"],
        mask: Float[Tensor, "search variable feature 1"],
        softness: float = 0.0,
    ) -> tuple[Frames, None]:
        rows = parameters.view(*mask.shape[:3], -1)
        return Frames(read=rows, write=rows), None

    def backward(
        self, parameters: Float[Tensor, "search row width"], saved: None, gradient: Frames
    ) -> Float[Tensor, "search row width"]:
        return tangent((gradient.read + gradient.write).view_as(parameters), parameters)

    def constrain(self, parameters: Float[Tensor, "search row width"]) -> Float[Tensor, "search row width"]:
        return orthonormalise(parameters)


def tangent(
    gradient: Float[Tensor, "search row width"], rows: Float[Tensor, "search row width"]
) -> Float[Tensor, "search row width"]:
    """The projection of a gradient G to directions that keep rows Q orthonormal: G − sym(G Qᵀ) Q."""
    inner = torch.bmm(gradient, rows.transpose(1, 2))
    return torch.baddbmm(gradient, inner + inner.transpose(1, 2), rows, alpha=-0.5)


def orthonormalise(rows: Float[Tensor, "search row width"]) -> Float[Tensor, "search row width"]:
    """The nearest orthonormal rows (the polar factor), by Newton–Schulz iterations. Zero rows stay zero.

    The iteration Q ← (3 − Q Qᵀ) Q / 2 squares the error each time and converges for singular values below √3. Rows
    whose Gram matrix may have larger ones, by Gershgorin's bound, are scaled down first.

    Args:
        rows: Linearly independent rows for each search, or zero.
    """
    gram = torch.bmm(rows, rows.transpose(1, 2))
    bound = gram.abs().sum(2).amax(1)
    if bound.amax() > 2.5:
        scale = bound.clamp_min(1.0).rsqrt()[:, None, None]
        rows, gram = rows * scale, gram * scale.square()
    for _ in range(MAX_ITERATIONS):
        product = torch.bmm(gram, rows)
        change = (product - rows).abs_().amax()
        rows = torch.lerp(product, rows, 1.5)
        if change < ORTHONORMAL_TOLERANCE:
            break
        gram = torch.bmm(rows, rows.transpose(1, 2))
    return rows
