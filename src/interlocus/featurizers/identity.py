"""The neurons themselves."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from interlocus.featurizers._base import AbstractFeaturizer, Frames


class Identity(AbstractFeaturizer):
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

    def begin(
        self, directions: Float[Tensor, "search variable feature width"]
    ) -> Float[Tensor, "search variable feature width"]:
        chosen = torch.zeros_like(directions)
        for search, target in zip(directions, chosen, strict=True):
            rows = search.flatten(0, 1)
            used = rows.norm(dim=1) > 0
            _, neurons = linear_sum_assignment(rows[used].abs().cpu().numpy(), maximize=True)
            one_hot = torch.zeros_like(rows)
            one_hot[used.nonzero().squeeze(1), torch.from_numpy(neurons).to(rows.device)] = 1.0
            target.copy_(one_hot.view_as(target))
        return chosen

    def frames(
        self,
        parameters: Float[Tensor, "search variable feature width"],
        mask: Float[Tensor, "search variable feature 1"],
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
