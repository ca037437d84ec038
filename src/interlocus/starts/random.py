"""Directions at random."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.starts._base import AbstractStart, Sight, orthonormal_rows


class Random(AbstractStart):
    """Orthonormal directions, uniformly distributed (Haar)."""

    @property
    def name(self) -> str:
        return "random"

    def directions(
        self, sight: Sight, sizes: tuple[int, ...], generator: torch.Generator
    ) -> tuple[Float[Tensor, "_ width"], ...]:
        width = sight.activations.shape[1]
        blocks = [torch.randn(size, width, generator=generator).to(sight.activations) for size in sizes]
        return orthonormal_rows(blocks, generator)
