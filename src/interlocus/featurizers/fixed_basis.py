"""Featurizers that select members of a basis and learn nothing after the start."""

from __future__ import annotations

import torch
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from interlocus.featurizers._base import AbstractLinearMap, Frames


class AbstractFixedBasis(AbstractLinearMap[None]):
    """A featurizer whose parameters are the selected rows of a fixed orthonormal basis. Nothing is learned."""

    trainable = False

    def forward(
        self,
        parameters: Float[Tensor, "search variable feature width"],
        mask: Float[Tensor, "search variable feature 1"],
        softness: float = 0.0,
    ) -> tuple[Frames, None]:
        return Frames(read=parameters, write=parameters), None

    def backward(
        self, parameters: Float[Tensor, "search variable feature width"], saved: None, gradient: Frames
    ) -> Float[Tensor, "search variable feature width"]:
        return torch.zeros_like(parameters)

    def constrain(
        self, parameters: Float[Tensor, "search variable feature width"]
    ) -> Float[Tensor, "search variable feature width"]:
        return parameters


def nearest_members(
    directions: Float[Tensor, "search variable feature width"], bases: Float[Tensor, "search basis width"]
) -> Float[Tensor, "search variable feature basis"]:
    """For each direction a different member of the basis, one-hot; zero for directions that are zero.

    The members are those whose absolute cosines have the largest sum (linear assignment).

    Args:
        directions: Orthonormal rows for each search; zero rows beyond its size.
        bases: Orthonormal rows, at least as many as a search has directions.
    """
    selected = torch.zeros(*directions.shape[:3], bases.shape[1], dtype=directions.dtype, device=directions.device)
    for search, basis, target in zip(directions, bases, selected, strict=True):
        used = search.norm(dim=2) > 0
        _, members = linear_sum_assignment((search[used] @ basis.T).abs().cpu().numpy(), maximize=True)
        target[used] = torch.eye(len(basis), dtype=target.dtype, device=target.device)[torch.from_numpy(members)]
    return selected
