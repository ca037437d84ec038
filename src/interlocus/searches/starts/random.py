"""Start from random directions."""

from __future__ import annotations

import torch

from interlocus.searches.starts._base import AbstractStart, Directions, StartContext, orthonormal_rows


class Random(AbstractStart):
    """Orthonormal directions from the uniform (Haar) distribution."""

    name = "random"

    def directions(self, context: StartContext, sizes: tuple[int, ...], generator: torch.Generator) -> Directions:
        width = context.activations.shape[1]
        blocks = [torch.randn(size, width, generator=generator).to(context.activations) for size in sizes]
        return orthonormal_rows(blocks, generator)
