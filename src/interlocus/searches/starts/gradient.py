"""What the answer depends on."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.searches.starts._base import AbstractStart, StartContext, filled

GRADIENT_ROWS = 2048
"""On so many rows the gradients are taken."""


class Gradient(AbstractStart):
    """The leading eigenvectors of the average outer product of the logits' gradients, from the largest down.

    These are the directions that move the answer most, whatever they hold; the first variable takes the first.

    Source: active subspaces, Constantine, Dow and Wang 2014 (arXiv 1304.2070), section 2.
    """

    @property
    def name(self) -> str:
        return "gradient"

    def directions(
        self, context: StartContext, sizes: tuple[int, ...], generator: torch.Generator
    ) -> tuple[Float[Tensor, "_ width"], ...]:
        assert context.slopes is not None
        slopes = context.slopes(min(GRADIENT_ROWS, len(context.activations))).double().cpu().flatten(0, 1)
        wanted = min(sum(sizes), slopes.shape[1])
        _, _, directions = torch.linalg.svd(slopes.T @ slopes)
        return filled(directions[:wanted].split(list(sizes)), context, sizes, generator)
