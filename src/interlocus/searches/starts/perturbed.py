"""Start from the directions of another start with added noise."""

from __future__ import annotations

import math

import torch

from interlocus.core.errors import SpecificationError
from interlocus.core.plugins import STARTS
from interlocus.searches.starts._base import AbstractStart, Directions, StartContext, orthonormal_rows

NOISE_SIGN = "+"
"""Separates the name of a start from the standard deviation of its noise."""


class Perturbed(AbstractStart):
    """The directions of another start with noise on every entry, orthonormalised again.

    The largest noise from which a search still reaches a solution measures the width of the solution's basin. A
    direction of length one in a site of width d has entries of about 1/√d.

    Args:
        start: The start whose directions are perturbed.
        noise: Standard deviation of the Gaussian noise on each entry, above 0.

    Raises:
        SpecificationError: the noise is not a positive number.
    """

    def __init__(self, start: AbstractStart, *, noise: float) -> None:
        if not (noise > 0 and math.isfinite(noise)):
            raise SpecificationError(
                f"The start {start.name!r} has noise {noise:g}.",
                "Noise is a standard deviation, which must be positive and finite.",
                "Pass a positive number, or use the start without noise.",
            )
        self.start, self.noise, self.follows = start, noise, start.follows
        self.name = f"{start.name}{NOISE_SIGN}{noise:g}"

    def check(self, width: int, sizes: tuple[int, ...]) -> None:
        self.start.check(width, sizes)

    def directions(self, context: StartContext, sizes: tuple[int, ...], generator: torch.Generator) -> Directions:
        blocks = []
        for block in self.start.directions(context, sizes, generator):
            noise = torch.randn(block.shape, generator=generator, dtype=block.dtype).to(block.device)
            blocks.append(block + self.noise * noise)
        return orthonormal_rows(blocks, generator)


def find_start(name: str | AbstractStart) -> AbstractStart:
    """The start with this name; `covariance+0.1` is the start `covariance` with noise 0.1 on every entry.

    >>> find_start("covariance+0.10").name
    'covariance+0.1'

    Args:
        name: A registered name, optionally followed by `+` and the standard deviation of the noise; or a start, which
            is returned.

    Raises:
        UnknownNameError: there is no such start.
        SpecificationError: the noise is not a positive number.
    """
    if not isinstance(name, str):
        return name
    start_name, sign, noise = name.partition(NOISE_SIGN)
    start: AbstractStart = STARTS.get(start_name)()
    if not sign:
        return start
    try:
        return Perturbed(start, noise=float(noise))
    except ValueError:
        raise SpecificationError(
            f"The start {name!r} has {noise!r} as its noise.",
            f"The text after {NOISE_SIGN!r} must be a number, the noise on every entry.",
            f"Write for instance {start_name}{NOISE_SIGN}0.1.",
        ) from None


def noise_of(name: str) -> float:
    """The noise in the name of a start, 0 if there is none.

    >>> noise_of("covariance+0.1"), noise_of("covariance")
    (0.1, 0.0)

    Args:
        name: Name of a start, as in `find_start`.
    """
    _, sign, noise = name.partition(NOISE_SIGN)
    return float(noise) if sign else 0.0
