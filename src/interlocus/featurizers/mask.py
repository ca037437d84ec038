"""The featurizers `mask`, `mask_principal` and `mask_rotation`: a learned selection of the rows of a basis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.featurizers._base import AbstractLinearMap, Frames
from interlocus.featurizers.fixed_basis import nearest_members
from interlocus.featurizers.gated_basis import (
    GatedBasis,
    annealed_temperature,
    basis_gradient,
    constrain_basis,
    gated_frames,
    gates_gradient,
)
from interlocus.featurizers.linear import complete_basis
from interlocus.featurizers.principal import principal_components

MaskedBasis = Literal["neurons", "principal", "rotation"]
FIRST_MASK_TEMPERATURE, LAST_MASK_TEMPERATURE = 0.5, 0.1
"""Temperature of a selection at the beginning and the end of a phase, in logits. With a lower last one, an early
selection could not be undone."""
SELECTED_LOGIT = 1.0
"""Initial logit of the rows that the start selects; all others begin with minus this."""


class _SavedMask(NamedTuple):
    """Values for the backward pass.

    Args:
        gates: The gate of each row, from 0 to 1.
        slope: The inverse temperature, or 0 for a hard selection.
    """

    gates: Float[Tensor, "search variable width"]
    slope: float


class Mask(AbstractLinearMap[_SavedMask]):
    """A binary mask over a basis: training decides which rows a variable has, and how many.

    For each row every variable has a logit l, and "no variable" has the logit 0. A variable swaps the share
    softmax(l / T) of the row. The temperature T falls from .5 to .1 during a phase; at the end the row belongs to the
    option with the largest logit. So the masks of two variables are disjoint. With one variable the share is
    sigmoid(l / T). The start's directions initialise the masks.

    Args:
        over: The basis: `neurons`, `principal` components of the covariance, or a `rotation` that is learned together
            with the mask and initialised by the start's directions.
        penalty: Amount added to the loss for each feature in use. A negative one favours more features.

    Source: desiderata-based masking, arXiv 2307.03637, section 3, as differential binary masking in RAVEL,
    arXiv 2402.17700, section 4.
    """

    learns_size = True

    def __init__(self, *, over: MaskedBasis = "neurons", penalty: float = 0.05) -> None:
        self.over: MaskedBasis = over
        self.penalty = penalty
        self.name = "mask" if over == "neurons" else f"mask_{over}"

    def initialize(
        self,
        directions: Float[Tensor, "search variable feature width"],
        activations: Sequence[Float[Tensor, "_ width"]],
    ) -> Float[Tensor, "search row width"]:
        count, _, _, width = directions.shape
        if self.over == "neurons":
            basis = torch.eye(width).to(directions).expand(count, -1, -1)
        elif self.over == "principal":
            basis = principal_components(activations, centred=True).to(directions)
        else:
            basis = complete_basis(directions.flatten(1, 2))
        selected = nearest_members(directions, basis).sum(2)
        return GatedBasis(basis, SELECTED_LOGIT * (2 * selected - 1)).join()

    def forward(
        self,
        parameters: Float[Tensor, "search row width"],
        mask: Float[Tensor, "search variable feature 1"],
        softness: float = 0.0,
    ) -> tuple[Frames, _SavedMask]:
        basis, logits = GatedBasis.split(parameters)
        if softness > 0:
            slope = 1 / annealed_temperature(softness, FIRST_MASK_TEMPERATURE, LAST_MASK_TEMPERATURE)
            gates = _with_no_variable(logits * slope).softmax(1)[:, 1:]
        else:
            slope = 0.0  # a hard selection does not change with its logits
            best = _with_no_variable(logits).argmax(1, keepdim=True)
            gates = torch.zeros_like(_with_no_variable(logits)).scatter_(1, best, 1.0)[:, 1:]
            gates = gates + 0 * logits  # adding zero keeps nan
        return gated_frames(gates, basis), _SavedMask(gates, slope)

    def backward(
        self, parameters: Float[Tensor, "search row width"], saved: _SavedMask, gradient: Frames
    ) -> Float[Tensor, "search row width"]:
        gates, slope = saved
        basis, _ = GatedBasis.split(parameters)
        for_gates = gates_gradient(gradient, basis) + self.penalty
        for_logits = gates * (for_gates - (for_gates * gates).sum(1, keepdim=True)) * slope
        learned = self.over == "rotation"
        for_basis = basis_gradient(gradient, gates, basis) if learned else torch.zeros_like(basis)
        return GatedBasis(for_basis, for_logits).join()

    def constrain(self, parameters: Float[Tensor, "search row width"]) -> Float[Tensor, "search row width"]:
        if self.over != "rotation":
            return parameters
        return constrain_basis(GatedBasis.split(parameters)).join()


def _with_no_variable(logits: Float[Tensor, "search variable width"]) -> Float[Tensor, "search option width"]:
    """Logits of all options: first "no variable", whose logit is zero, then the variables."""
    return torch.nn.functional.pad(logits, (0, 0, 1, 0))
