"""Principal components."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.featurizers._base import AbstractLinearMap, Frames
from interlocus.featurizers.identity import choose


class PrincipalComponents(AbstractLinearMap):
    """Features are principal components. Nothing is learned: the start's directions choose those they point to.

    Centred, components are eigenvectors of the covariance E[(h − μ)(h − μ)ᵀ]; otherwise of the second moment E[h hᵀ],
    whose first one mostly points to the mean. The mean itself is neither subtracted nor added in an interchange, for it
    cancels in the difference of source and base.

    Args:
        centred: whether the mean is taken out before components are sought.
    """

    def __init__(self, *, centred: bool = True) -> None:
        self.centred = centred

    @property
    def name(self) -> str:
        return "principal" if self.centred else "principal_uncentred"

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
        bases = components(activations, centred=self.centred).to(directions)
        chosen = torch.einsum("svfb,sbw->svfw", choose(directions, bases), bases)
        # a component has no sign of its own: it takes that of the direction
        return chosen * torch.copysign(torch.ones(()).to(chosen), (chosen * directions).sum(3, keepdim=True))

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


def components(
    activations: Sequence[Float[Tensor, "_ width"]], *, centred: bool
) -> Float[Tensor, "search component width"]:
    """Orthonormal principal components of each search's activations, in double precision, largest variance first."""
    found: dict[int, Tensor] = {}
    for rows in activations:  # searches of one network share a tensor
        if rows.data_ptr() not in found:
            double = rows.double()
            moment = double.T.cov(correction=0) if centred else double.T @ double / len(double)
            found[rows.data_ptr()] = torch.linalg.eigh(moment).eigenvectors.T.flip(0)
    return torch.stack([found[rows.data_ptr()] for rows in activations])
