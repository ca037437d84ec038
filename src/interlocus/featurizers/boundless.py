"""The featurizer `boundless`: orthonormal directions whose number is learned by a boundary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.core.errors import SpecificationError
from interlocus.featurizers._base import AbstractLinearMap, Frames
from interlocus.featurizers.gated_basis import (
    GatedBasis,
    annealed_temperature,
    basis_gradient,
    constrain_basis,
    gated_frames,
    gates_gradient,
)
from interlocus.featurizers.linear import complete_basis

FIRST_BOUNDARY_TEMPERATURE, LAST_BOUNDARY_TEMPERATURE = 1.0, 0.05
"""Temperature of a boundary at the beginning and the end of a phase, in features."""


class _SavedBoundaries(NamedTuple):
    """Values for the backward pass.

    Args:
        gates: The gate of each row, from 0 to 1.
        slope: The derivative of a gate's logit with respect to its boundary.
    """

    gates: Float[Tensor, "search variable width"]
    slope: float


class Boundless(AbstractLinearMap[_SavedBoundaries]):
    """A rotation with learned boundaries.

    Each variable has a block of width // variables rows of the rotation, and a boundary b within it. It swaps the share
    sigmoid((b − i − ½) / T) of row i of its block. The temperature T falls during a phase; at the end the first
    round(b) rows are swapped completely. A boundary is initialised to the size of the search. The blocks are separate,
    so the rows of one variable do not change when another variable needs more.

    Args:
        penalty: Amount added to the loss for each feature in use. A negative one favours more features.

    Source: boundless distributed alignment search, arXiv 2305.08809, section 3.
    """

    name = "boundless"
    learns_size = True

    def __init__(self, *, penalty: float = 0.05) -> None:
        self.penalty = penalty

    def initialize(
        self,
        directions: Float[Tensor, "search variable feature width"],
        activations: Sequence[Float[Tensor, "_ width"]],
    ) -> Float[Tensor, "search row width"]:
        count, variables, features, width = directions.shape
        block = width // variables
        if features > block:
            raise SpecificationError(
                f"A search with 'boundless' starts with {features} features of one variable at a site {width} wide.",
                f"Each of its {variables} variables has a block of {block} rows, and cannot have more features.",
                f"Start with at most {block} features, or use 'mask_rotation'.",
            )
        rows = torch.nn.functional.pad(directions, (0, 0, 0, block - features))
        sizes = (directions.norm(dim=3) > 0).sum(2)
        selection = torch.zeros(count, variables, width).to(directions)
        selection[:, :, 0] = sizes / block
        return GatedBasis(complete_basis(rows.flatten(1, 2)), selection).join()

    def forward(
        self,
        parameters: Float[Tensor, "search row width"],
        mask: Float[Tensor, "search variable feature 1"],
        softness: float = 0.0,
    ) -> tuple[Frames, _SavedBoundaries]:
        basis, selection = GatedBasis.split(parameters)
        variables, width = selection.shape[1:]
        block = width // variables
        first = torch.arange(variables, device=basis.device).unsqueeze(1) * block
        place = torch.arange(width, device=basis.device) - first
        distance = selection[:, :, :1] * block - place - 0.5
        if softness > 0:
            slope = 1 / annealed_temperature(softness, FIRST_BOUNDARY_TEMPERATURE, LAST_BOUNDARY_TEMPERATURE)
            gates = torch.sigmoid(distance * slope)
        else:
            slope = 0.0  # a hard selection does not change with its boundary
            gates = (distance > 0) + 0 * distance  # adding zero keeps nan
        gates = gates * ((place >= 0) & (place < block))
        return gated_frames(gates, basis), _SavedBoundaries(gates, slope * block)

    def backward(
        self, parameters: Float[Tensor, "search row width"], saved: _SavedBoundaries, gradient: Frames
    ) -> Float[Tensor, "search row width"]:
        gates, slope = saved
        basis, selection = GatedBasis.split(parameters)
        for_gates = gates_gradient(gradient, basis) + self.penalty
        for_boundary = torch.zeros_like(selection)
        for_boundary[:, :, 0] = (for_gates * gates * (1 - gates)).sum(2) * slope
        return GatedBasis(basis_gradient(gradient, gates, basis), for_boundary).join()

    def constrain(self, parameters: Float[Tensor, "search row width"]) -> Float[Tensor, "search row width"]:
        basis, selection = constrain_basis(GatedBasis.split(parameters))
        return GatedBasis(basis, selection.clamp(0, 1)).join()
