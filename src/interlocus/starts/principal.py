"""Where most varies."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.starts._base import AbstractStart, Sight
from interlocus.starts._fill import filled


class Principal(AbstractStart):
    """The principal components of the activations, from the largest variance down; the first variable takes the first.

    It knows nothing of the variables: a start to compare others with.
    """

    @property
    def name(self) -> str:
        return "principal"

    def directions(
        self, sight: Sight, sizes: tuple[int, ...], generator: torch.Generator
    ) -> tuple[Float[Tensor, "_ width"], ...]:
        rows = sight.activations.double().cpu()
        wanted = min(sum(sizes), rows.shape[1])
        _, _, components = torch.linalg.svd((rows - rows.mean(0)).T.cov())
        return filled(components[:wanted].split(list(sizes)), sight, sizes, generator)
