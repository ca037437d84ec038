"""The featurizers `principal` and `principal_uncentred`: features are principal components."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.featurizers.fixed_basis import AbstractFixedBasis, nearest_members


class PrincipalComponents(AbstractFixedBasis):
    """Features are principal components. Nothing is learned: the start's directions select the nearest components.

    Centred components are eigenvectors of the covariance E[(h − μ)(h − μ)ᵀ]; uncentred ones are eigenvectors of the
    second moment E[h hᵀ], whose first one mostly points along the mean. The mean itself is neither subtracted nor added
    in an interchange, because it cancels in the difference of source and base.

    Args:
        centred: Whether to subtract the mean before components are computed.
    """

    def __init__(self, *, centred: bool = True) -> None:
        self.centred = centred
        self.name = "principal" if centred else "principal_uncentred"

    def initialize(
        self,
        directions: Float[Tensor, "search variable feature width"],
        activations: Sequence[Float[Tensor, "_ width"]],
    ) -> Float[Tensor, "search variable feature width"]:
        bases = principal_components(activations, centred=self.centred).to(directions)
        selected = torch.einsum("svfb,sbw->svfw", nearest_members(directions, bases), bases)
        # The sign of a component is arbitrary; here it follows the direction.
        return selected * torch.copysign(torch.ones(()).to(selected), (selected * directions).sum(3, keepdim=True))


def principal_components(
    activations: Sequence[Float[Tensor, "_ width"]], *, centred: bool
) -> Float[Tensor, "search component width"]:
    """Orthonormal principal components of each search's activations, in double precision, largest variance first.

    Args:
        activations: For each search, activations at the site. Searches of one network may share a tensor.
        centred: Whether to subtract the mean.
    """
    components: dict[int, Tensor] = {}
    for rows in activations:
        if rows.data_ptr() not in components:  # computed once for searches that share a tensor
            double = rows.double()
            moment = double.T.cov(correction=0) if centred else double.T @ double / len(double)
            components[rows.data_ptr()] = torch.linalg.eigh(moment).eigenvectors.T.flip(0)
    return torch.stack([components[rows.data_ptr()] for rows in activations])
