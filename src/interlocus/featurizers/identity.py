"""Which of a basis's directions are nearest to wanted ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from interlocus.featurizers._base import AbstractLinearMap, Frames


def choose(
    directions: Float[Tensor, "search variable feature width"], bases: Float[Tensor, "search basis width"]
) -> Float[Tensor, "search variable feature basis"]:
    """For each direction a member of the basis of its own, one-hot; nothing for a direction that is zero.

    The absolute cosines of what is chosen add up to the most (linear assignment).
    """
    chosen = torch.zeros(*directions.shape[:3], bases.shape[1], dtype=directions.dtype, device=directions.device)
    for search, basis, target in zip(directions, bases, chosen, strict=True):
        used = search.norm(dim=2) > 0
        _, members = linear_sum_assignment((search[used] @ basis.T).abs().cpu().numpy(), maximize=True)
        target[used] = torch.eye(len(basis), dtype=target.dtype, device=target.device)[torch.from_numpy(members)]
    return chosen


class Identity(AbstractLinearMap):
    """Features are neurons. Nothing is learned: the start's directions choose the neurons that they point to.

    Each direction gets a neuron of its own, so that the absolute entries chosen add up to the most.

    Source: localist alignment, arXiv 2303.02536, section 4.
    """

    @property
    def name(self) -> str:
        return "identity"

    @property
    def trainable(self) -> bool:
        return False

    @property
    def learns_size(self) -> bool:
        return False

    def begin(
        self,
        directions: Float[Tensor, "search variable feature width"],
        activations: Sequence[Float[Tensor, "_ width"]],
    ) -> Float[Tensor, "search variable feature width"]:
        width = directions.shape[3]
        return choose(directions, torch.eye(width).to(directions).expand(len(directions), -1, -1))

    def frames(
        self,
        parameters: Float[Tensor, "search variable feature width"],
        mask: Float[Tensor, "search variable feature 1"],
        heat: float = 0.0,
    ) -> tuple[Frames, Any]:
        return Frames(read=parameters, write=parameters), None

    def pull(
        self, parameters: Float[Tensor, "search variable feature width"], saved: Any, gradient: Frames
    ) -> Float[Tensor, "search variable feature width"]:
        return torch.zeros_like(parameters)

    def constrain(
        self, parameters: Float[Tensor, "search variable feature width"]
    ) -> Float[Tensor, "search variable feature width"]:
        return parameters
