"""As many directions as are wanted, where a start has found some."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.starts._base import Sight, orthonormal_rows


def filled(
    found: Sequence[Float[Tensor, "_ width"]], sight: Sight, sizes: tuple[int, ...], generator: torch.Generator
) -> tuple[Float[Tensor, "_ width"], ...]:
    """The most telling directions of each variable, orthonormal; what is missing is drawn at random."""
    width = sight.activations.shape[1]
    blocks = []
    for rows, size in zip(found, sizes, strict=True):
        missing = torch.randn(max(size - len(rows), 0), width, generator=generator)
        blocks.append(torch.cat([rows[:size].cpu().double(), missing.double()]).to(sight.activations))
    return orthonormal_rows(blocks, generator)
