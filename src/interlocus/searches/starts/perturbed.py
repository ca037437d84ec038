"""A start beside another one."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.core.errors import SpecificationError
from interlocus.core.plugins import STARTS
from interlocus.searches.starts._base import AbstractStart, StartContext, orthonormal_rows

NOISE_SIGN = "+"
"""Stands between the name of a start and the noise around it."""


class Perturbed(AbstractStart):
    """The directions of another start with noise on every entry, orthonormalised again.

    How much noise a search comes back from is how wide the basin of its solution is. A direction of length one in a
    site of width d has entries of about 1/√d.

    Args:
        start: around which.
        noise: standard deviation of what is added to each entry.

    Raises:
        SpecificationError: noise that is no positive number.
    """

    def __init__(self, start: AbstractStart, *, noise: float) -> None:
        if not (noise > 0 and math.isfinite(noise)):
            raise SpecificationError(
                f"Noise of {noise:g} around the start {start.name!r} is asked for.",
                "Noise is the standard deviation of what is added to each entry.",
                "Give a positive number, or the start by itself.",
            )
        self.start, self.noise, self.follows = start, noise, start.follows

    @property
    def name(self) -> str:
        return f"{self.start.name}{NOISE_SIGN}{self.noise:g}"

    def check(self, width: int, sizes: tuple[int, ...]) -> None:
        self.start.check(width, sizes)

    def directions(
        self, context: StartContext, sizes: tuple[int, ...], generator: torch.Generator
    ) -> tuple[Float[Tensor, "_ width"], ...]:
        blocks = []
        for block in self.start.directions(context, sizes, generator):
            noise = torch.randn(block.shape, generator=generator, dtype=block.dtype).to(block.device)
            blocks.append(block + self.noise * noise)
        return orthonormal_rows(blocks, generator)


def find_start(name: str) -> AbstractStart:
    """The start of that name; `covariance+0.1` is the start `covariance` with noise of .1 on every entry.

    >>> find_start("covariance+0.10").name
    'covariance+0.1'

    Raises:
        UnknownNameError: no such start.
        SpecificationError: noise that is no positive number.
    """
    first, sign, noise = name.partition(NOISE_SIGN)
    start: AbstractStart = STARTS.get(first)()
    if not sign:
        return start
    try:
        return Perturbed(start, noise=float(noise))
    except ValueError:
        raise SpecificationError(
            f"The start {name!r} has {noise!r} for noise.",
            f"What stands behind {NOISE_SIGN!r} is a number: the noise on every entry.",
            f"Write for instance {first}{NOISE_SIGN}0.1.",
        ) from None


def noise_of(name: str) -> float:
    """How much noise there is around a start of that name.

    >>> noise_of("covariance+0.1"), noise_of("covariance")
    (0.1, 0.0)
    """
    _, sign, noise = name.partition(NOISE_SIGN)
    return float(noise) if sign else 0.0
