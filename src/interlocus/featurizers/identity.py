"""The featurizer `identity`: features are neurons."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.featurizers.fixed_basis import AbstractFixedBasis, nearest_members


class Identity(AbstractFixedBasis):
    """Features are neurons. Nothing is learned: the start's directions select the neurons nearest to them.

    Each direction gets a different neuron, so that the sum of the selected absolute entries is largest.

    Source: localist alignment, arXiv 2303.02536, section 4.
    """

    name = "identity"

    def initialize(
        self,
        directions: Float[Tensor, "search variable feature width"],
        activations: Sequence[Float[Tensor, "_ width"]],
    ) -> Float[Tensor, "search variable feature width"]:
        width = directions.shape[3]
        return nearest_members(directions, torch.eye(width).to(directions).expand(len(directions), -1, -1))
