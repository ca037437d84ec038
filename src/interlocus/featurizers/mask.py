"""A learned choice among the directions of a basis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.featurizers._base import AbstractLinearMap, Frames
from interlocus.featurizers._gates import Gated, constrain_basis, gated_frames, pull_basis, pull_gates, temperature
from interlocus.featurizers.identity import choose
from interlocus.featurizers.linear import complete
from interlocus.featurizers.principal import components

Over = Literal["neurons", "principal", "rotation"]
FIRST_MASK_TEMPERATURE, LAST_MASK_TEMPERATURE = 0.5, 0.1
"""Temperatures of a choice, in logits: colder, and what was chosen early could not be taken back."""
CHOSEN_LOGIT = 1.0
"""The logit of what the start chooses, and minus that of the rest."""


class Mask(AbstractLinearMap):
    """A binary mask over a basis: which of its directions a variable takes is learned, and how many.

    For each direction every variable has a logit l, and nobody has the logit 0: the variable swaps the share
    softmax(l / T) of it. While a phase goes on T falls from .5 to .1, and at its end the direction belongs to the
    variable with the largest logit, or to nobody; so the masks of two variables are disjoint. With one variable this
    is the sigmoid of l / T. The start's directions say where masks begin.

    Args:
        over: the basis: neurons, principal components of the covariance, or a rotation that is learned with the mask
            and begins with the start's directions.
        price: what a feature adds to the loss.

    Source: desiderata-based masking, arXiv 2307.03637, section 3, as differential binary masking in RAVEL,
    arXiv 2402.17700, section 4.
    """

    def __init__(self, *, over: Over = "neurons", price: float = 0.05) -> None:
        self.over: Over = over
        self.price = price

    @property
    def name(self) -> str:
        return "mask" if self.over == "neurons" else f"mask_{self.over}"

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
        count, _, _, width = directions.shape
        if self.over == "neurons":
            basis = torch.eye(width).to(directions).expand(count, -1, -1)
        elif self.over == "principal":
            basis = components(activations, centred=True).to(directions)
        else:
            basis = complete(directions.flatten(1, 2))
        chosen = choose(directions, basis).sum(2)
        return Gated(basis, CHOSEN_LOGIT * (2 * chosen - 1)).join()

    def frames(
        self,
        parameters: Float[Tensor, "search row width"],
        mask: Float[Tensor, "search variable feature 1"],
        heat: float = 0.0,
    ) -> tuple[Frames, Any]:
        basis, logits = Gated.split(parameters)
        if heat > 0:
            slope = 1 / temperature(heat, FIRST_MASK_TEMPERATURE, LAST_MASK_TEMPERATURE)
            gates = _with_nobody(logits * slope).softmax(1)[:, 1:]
        else:
            slope = 0.0  # a hard choice does not move with its logits
            best = _with_nobody(logits).argmax(1, keepdim=True)
            gates = torch.zeros_like(_with_nobody(logits)).scatter_(1, best, 1.0)[:, 1:]
            gates = gates + 0 * logits  # what is not a number stays so
        return gated_frames(gates, basis), _Saved(gates, slope)

    def pull(
        self, parameters: Float[Tensor, "search row width"], saved: Any, gradient: Frames
    ) -> Float[Tensor, "search row width"]:
        gates, slope = saved
        basis, _ = Gated.split(parameters)
        wanted = pull_gates(gradient, basis) + self.price
        logits = gates * (wanted - (wanted * gates).sum(1, keepdim=True)) * slope
        moves = self.over == "rotation"
        return Gated(pull_basis(gradient, gates, basis) if moves else torch.zeros_like(basis), logits).join()

    def constrain(self, parameters: Float[Tensor, "search row width"]) -> Float[Tensor, "search row width"]:
        if self.over != "rotation":
            return parameters
        return constrain_basis(Gated.split(parameters)).join()


class _Saved(NamedTuple):
    """How far gates are open, and how steeply they move with their logits."""

    gates: Float[Tensor, "search variable width"]
    slope: float


def _with_nobody(logits: Float[Tensor, "search variable width"]) -> Float[Tensor, "search option width"]:
    """Nobody's logit is zero, and comes first."""
    return torch.nn.functional.pad(logits, (0, 0, 1, 0))
