"""A basis of which every variable takes a part, softly at first: what masks and boundaries have in common."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.featurizers._base import Frames
from interlocus.featurizers.rotation import orthonormalise, tangent


class Gated(NamedTuple):
    """Parameters in their two parts; they lie in one tensor, one behind the other.

    Args:
        basis: orthonormal rows, all of the site.
        choice: for each variable numbers that say which rows it takes.
    """

    basis: Float[Tensor, "search width width"]
    choice: Float[Tensor, "search variable width"]

    @classmethod
    def split(cls, parameters: Float[Tensor, "search row width"]) -> Gated:
        """The parts of a tensor of parameters."""
        width = parameters.shape[2]
        return cls(parameters[:, :width], parameters[:, width:])

    def join(self) -> Float[Tensor, "search row width"]:
        """One tensor of parameters."""
        return torch.cat([self.basis, self.choice], 1)


def gated_frames(gates: Float[Tensor, "search variable width"], basis: Float[Tensor, "search width width"]) -> Frames:
    """Read each row of the basis by the share that its gate is open, write it as it is; nothing where it is shut."""
    rows, shares = basis.unsqueeze(1), gates.unsqueeze(3)
    return Frames(read=shares * rows, write=(shares > 0) * rows)


def pull_gates(gradient: Frames, basis: Float[Tensor, "search width width"]) -> Float[Tensor, "search variable width"]:
    """The gradient with respect to gates."""
    return torch.einsum("svfw,sfw->svf", gradient.read, basis)


def pull_basis(
    gradient: Frames, gates: Float[Tensor, "search variable width"], basis: Float[Tensor, "search width width"]
) -> Float[Tensor, "search width width"]:
    """The gradient with respect to a basis that stays orthonormal."""
    shares = gates.unsqueeze(3)
    return tangent((gradient.read * shares + gradient.write * (shares > 0)).sum(1), basis)


def constrain_basis(parameters: Gated) -> Gated:
    """The nearest orthonormal basis."""
    return parameters._replace(basis=orthonormalise(parameters.basis.contiguous()))


def temperature(heat: float, hot: float, cold: float) -> float:
    """Falls geometrically as heat falls from one to zero."""
    return hot**heat * cold ** (1 - heat)
