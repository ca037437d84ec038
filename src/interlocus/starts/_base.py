"""What a start is."""

from __future__ import annotations

import abc
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What a start may look at: one network at one site, with the values of the variables that are sought.

    Args:
        activations: `[row, width]`.
        values: the value of each sought variable on each row.
    """

    activations: Float[Tensor, "row width"]
    values: Int[Tensor, "variable row"]


class AbstractStart(abc.ABC):
    """A way to choose the first directions of a search."""

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """The name in the registry."""

    @abc.abstractmethod
    def directions(
        self, sight: Sight, sizes: tuple[int, ...], generator: torch.Generator
    ) -> tuple[Float[Tensor, "_ width"], ...]:
        """For each variable as many orthonormal rows as its size, orthogonal to those of the other variables."""


def orthonormal_rows(
    blocks: list[Float[Tensor, "_ width"]], generator: torch.Generator
) -> tuple[Float[Tensor, "_ width"], ...]:
    """Orthonormalise blocks of rows, later ones against earlier ones.

    Where rows depend on each other, what is missing is drawn at random.
    """
    rows = torch.cat(blocks).double()
    noise = torch.randn(rows.shape, generator=generator, dtype=torch.float64).to(rows.device)
    # tiny noise fills what is missing and turns nothing that is there
    basis, triangle = torch.linalg.qr((rows + 1e-9 * noise).T)
    basis = basis * triangle.diagonal().sign()
    return tuple(basis.T.to(blocks[0]).split([len(block) for block in blocks]))
