"""Directions at random."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.searches.starts._base import AbstractStart, StartContext, orthonormal_rows


class Random(AbstractStart):
    """Orthonormal directions, uniformly distributed (Haar)."""

    @property
    def name(self) -> str:
        return "random"

    def directions(
        self, context: StartContext, sizes: tuple[int, ...], generator: torch.Generator
    ) -> tuple[Float[Tensor, "_ width"], ...]:
        width = context.activations.shape[1]
        blocks = [torch.randn(size, width, generator=generator).to(context.activations) for size in sizes]
        return orthonormal_rows(blocks, generator)
