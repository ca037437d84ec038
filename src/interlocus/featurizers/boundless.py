"""A rotation of which each variable takes the first directions, as many as it needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.core.errors import SpecificationError
from interlocus.featurizers._base import AbstractLinearMap, Frames
from interlocus.featurizers._gates import Gated, constrain_basis, gated_frames, pull_basis, pull_gates, temperature
from interlocus.featurizers.linear import complete

FIRST_BOUNDARY_TEMPERATURE, LAST_BOUNDARY_TEMPERATURE = 1.0, 0.05
"""Temperatures of a boundary, in features."""


class Boundless(AbstractLinearMap):
    """A rotation with learned boundaries.

    Each variable has a block of the rotation's rows, width // variables of them, and a boundary b in it: the variable
    swaps the share sigmoid((b − i − ½) / T) of the block's row i. While a phase goes on T falls, and at its end the
    first round(b) rows are swapped whole. Boundaries begin at the size of the start. Each has its own block, so that
    the rows of one variable do not change when another takes more.

    Args:
        price: what a feature adds to the loss.

    Source: boundless distributed alignment search, arXiv 2305.08809, section 3.
    """

    def __init__(self, *, price: float = 0.05) -> None:
        self.price = price

    @property
    def name(self) -> str:
        return "boundless"

    @property
    def trainable(self) -> bool:
        return True

    @property
    def learns_size(self) -> bool:
        return True

    def begin(
        self,
        directions: Float[Tensor, "search variable feature width"],
        activations: Sequence[Float[Tensor, "_ width"]],
    ) -> Float[Tensor, "search row width"]:
        count, variables, most, width = directions.shape
        block = width // variables
        if most > block:
            raise SpecificationError(
                f"A search of 'boundless' is to begin with {most} features of a variable at a site {width} wide.",
                f"Each of its {variables} variables has a block of {block} rows, however unequal their sizes are.",
                f"Begin with {block} at most, or use 'mask_rotation'.",
            )
        rows = torch.nn.functional.pad(directions, (0, 0, 0, block - most))
        sizes = (directions.norm(dim=3) > 0).sum(2)
        choice = torch.zeros(count, variables, width).to(directions)
        choice[:, :, 0] = sizes / block
        return Gated(complete(rows.flatten(1, 2)), choice).join()

    def frames(
        self,
        parameters: Float[Tensor, "search row width"],
        mask: Float[Tensor, "search variable feature 1"],
        heat: float = 0.0,
    ) -> tuple[Frames, Any]:
        basis, choice = Gated.split(parameters)
        variables, width = choice.shape[1:]
        block = width // variables
        first = torch.arange(variables, device=basis.device).unsqueeze(1) * block
        place = torch.arange(width, device=basis.device) - first
        behind = choice[:, :, :1] * block - place - 0.5
        if heat > 0:
            slope = 1 / temperature(heat, FIRST_BOUNDARY_TEMPERATURE, LAST_BOUNDARY_TEMPERATURE)
            gates = torch.sigmoid(behind * slope)
        else:
            slope = 0.0  # a hard choice does not move with its boundary
            gates = (behind > 0) + 0 * behind  # what is not a number stays so
        gates = gates * ((place >= 0) & (place < block))
        return gated_frames(gates, basis), _Saved(gates, slope * block)

    def pull(
        self, parameters: Float[Tensor, "search row width"], saved: Any, gradient: Frames
    ) -> Float[Tensor, "search row width"]:
        gates, slope = saved
        basis, choice = Gated.split(parameters)
        wanted = pull_gates(gradient, basis) + self.price
        boundary = torch.zeros_like(choice)
        boundary[:, :, 0] = (wanted * gates * (1 - gates)).sum(2) * slope
        return Gated(pull_basis(gradient, gates, basis), boundary).join()

    def constrain(self, parameters: Float[Tensor, "search row width"]) -> Float[Tensor, "search row width"]:
        basis, choice = constrain_basis(Gated.split(parameters))
        return Gated(basis, choice.clamp(0, 1)).join()


class _Saved(NamedTuple):
    """How far gates are open, and how steeply they move with their boundary."""

    gates: Float[Tensor, "search variable width"]
    slope: float
