"""An orthonormal basis with one gate for each row and variable, which `Mask` and `Boundless` share."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.featurizers._base import Frames
from interlocus.featurizers.rotation import orthonormalise, tangent


class GatedBasis(NamedTuple):
    """Parameters in two parts, which are stored as one tensor, one after the other.

    Args:
        basis: Orthonormal rows that span the whole site.
        selection: For each variable, the numbers from which its gates are computed.
    """

    basis: Float[Tensor, "search width width"]
    selection: Float[Tensor, "search variable width"]

    @classmethod
    def split(cls, parameters: Float[Tensor, "search row width"]) -> GatedBasis:
        """The two parts of one parameter tensor."""
        width = parameters.shape[2]
        return cls(parameters[:, :width], parameters[:, width:])

    def join(self) -> Float[Tensor, "search row width"]:
        """Both parts as one parameter tensor."""
        return torch.cat([self.basis, self.selection], 1)


def gated_frames(gates: Float[Tensor, "search variable width"], basis: Float[Tensor, "search width width"]) -> Frames:
    """Maps that read each basis row times its gate, and write it as it is wherever the gate is not zero.

    Args:
        gates: From 0 to 1, for each variable and basis row.
        basis: Orthonormal rows, all of the site.
    """
    rows, open_share = basis.unsqueeze(1), gates.unsqueeze(3)
    return Frames(read=open_share * rows, write=(open_share > 0) * rows)


def gates_gradient(
    gradient: Frames, basis: Float[Tensor, "search width width"]
) -> Float[Tensor, "search variable width"]:
    """The gradient with respect to the gates of `gated_frames`, from that with respect to the maps."""
    return torch.einsum("svfw,sfw->svf", gradient.read, basis)


def basis_gradient(
    gradient: Frames, gates: Float[Tensor, "search variable width"], basis: Float[Tensor, "search width width"]
) -> Float[Tensor, "search width width"]:
    """The gradient with respect to a basis that stays orthonormal.

    Args:
        gradient: The gradient with respect to the maps of `gated_frames`.
        gates: The gates of those maps.
        basis: The basis of those maps.
    """
    open_share = gates.unsqueeze(3)
    return tangent((gradient.read * open_share + gradient.write * (open_share > 0)).sum(1), basis)


def constrain_basis(parameters: GatedBasis) -> GatedBasis:
    """The same parameters with the nearest orthonormal basis."""
    return parameters._replace(basis=orthonormalise(parameters.basis.contiguous()))


def annealed_temperature(softness: float, first: float, last: float) -> float:
    """A temperature that falls geometrically from `first` at softness 1 to `last` at softness 0."""
    return first**softness * last ** (1 - softness)
