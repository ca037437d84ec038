"""What a start is."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interlocus.localist import Judge, JudgeOfOne

FEW = 10
"""A value with fewer rows has no covariance worth the name."""


class Moments(NamedTuple):
    """Mean and covariance of some activations, in double precision."""

    mean: Float[Tensor, " width"]
    covariance: Float[Tensor, "width width"]


class Contrast(NamedTuple):
    """Moments where a variable has a value, and where it has another."""

    inside: Moments
    outside: Moments


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What a start may look at: one network at one site, with the values of the variables that are sought.

    Args:
        activations: `[row, width]`.
        values: the value of each sought variable on each row.
        slopes: the gradient of each logit with respect to the activations of the first so many rows.
        judge: says how good maps are on interventions for learning.
        found: for a start that follows others, what they found at each size: a block of directions for each variable.
    """

    activations: Float[Tensor, "row width"]
    values: Int[Tensor, "variable row"]
    slopes: Callable[[int], Float[Tensor, "class row width"]] | None = None
    judge: Judge | None = None
    found: tuple[tuple[Float[Tensor, "_ width"], ...], ...] = ()

    def alone(self, variable: int) -> Sight:
        """The same for one of the variables, as if nobody looked for the others."""
        judge = None if self.judge is None else JudgeOfOne(self.judge, variable, len(self.values))
        found = tuple((blocks[variable],) for blocks in self.found)
        return replace(self, values=self.values[variable : variable + 1], judge=judge, found=found)

    @cached_property
    def moments(self) -> tuple[tuple[Contrast, ...], ...]:
        """For each variable the moments of the activations in each contrast of its values.

        Two values make one contrast; of more, each is held against the rest. Values that hardly occur have none.
        """
        rows = self.activations.double().cpu()
        return tuple(tuple(_contrasts(rows, values.cpu())) for values in self.values)


def _contrasts(rows: Float[Tensor, "row width"], values: Int[Tensor, " row"]) -> Iterator[Contrast]:
    present = values.unique()
    centre = rows.mean(0)
    centred = rows - centre
    total = _Sums(len(rows), torch.zeros_like(centre), centred.T @ centred)
    for value in present[1:] if len(present) == 2 else present:
        inside = _Sums.of(centred, values == value)
        outside = _Sums(total.rows - inside.rows, total.first - inside.first, total.second - inside.second)
        if min(inside.rows, outside.rows) >= FEW:
            yield Contrast(*(sums.moments(centre) for sums in (inside, outside)))


class _Sums(NamedTuple):
    """Sums over centred rows; those of the rest follow by subtraction, so each row is looked at once.

    Args:
        rows: how many.
        first: their sum.
        second: the sum of their outer products.
    """

    rows: int
    first: Float[Tensor, " width"]
    second: Float[Tensor, "width width"]

    @classmethod
    def of(cls, centred: Float[Tensor, "row width"], among: Bool[Tensor, " row"]) -> _Sums:
        chosen = centred[among]
        return cls(len(chosen), chosen.sum(0), chosen.T @ chosen)

    def moments(self, centre: Float[Tensor, " width"]) -> Moments:
        mean = self.first / self.rows
        covariance = (self.second - self.rows * torch.outer(mean, mean)) / (self.rows - 1)
        return Moments(centre + mean, covariance)


class AbstractStart(abc.ABC):
    """A way to choose the first directions of a search.

    Attributes:
        follows: whether it looks at what other starts found, so that it begins when they have ended.
    """

    follows: bool = False

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """The name in the registry."""

    def check(self, width: int, sizes: tuple[int, ...]) -> None:  # noqa: B027 most starts can always begin
        """Say what cannot work before anything is spent.

        Raises:
            SpecificationError: it would take more than it may.
        """

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
