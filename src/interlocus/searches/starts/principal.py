"""Where most varies."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.searches.starts._base import AbstractStart, StartContext, filled


class Principal(AbstractStart):
    """The principal components of the activations, from the largest variance down; the first variable takes the first.

    It knows nothing of the variables: a start to compare others with.
    """

    @property
    def name(self) -> str:
        return "principal"

    def directions(
        self, context: StartContext, sizes: tuple[int, ...], generator: torch.Generator
    ) -> tuple[Float[Tensor, "_ width"], ...]:
        rows = context.activations.double().cpu()
        wanted = min(sum(sizes), rows.shape[1])
        _, _, components = torch.linalg.svd((rows - rows.mean(0)).T.cov())
        return filled(components[:wanted].split(list(sizes)), context, sizes, generator)
