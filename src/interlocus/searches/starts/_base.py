"""What a start is."""

from __future__ import annotations

import abc
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int, Shaped
from scipy.cluster.vq import kmeans2
from torch import Tensor

from interlocus.searches.starts.neuron_selection import SingleVariableScorer, SubsetScorer

MIN_ROWS_PER_CONTRAST = 10
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
class StartContext:
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
    scorer: SubsetScorer | None = None
    found: tuple[tuple[Float[Tensor, "_ width"], ...], ...] = ()

    def alone(self, variable: int) -> StartContext:
        """The same for one of the variables, as if nobody looked for the others."""
        scorer = None if self.scorer is None else SingleVariableScorer(self.scorer, variable, len(self.values))
        found = tuple((blocks[variable],) for blocks in self.found)
        return replace(self, values=self.values[variable : variable + 1], scorer=scorer, found=found)

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
        if min(inside.rows, outside.rows) >= MIN_ROWS_PER_CONTRAST:
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
        self, context: StartContext, sizes: tuple[int, ...], generator: torch.Generator
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


def filled(
    found: Sequence[Float[Tensor, "_ width"]], context: StartContext, sizes: tuple[int, ...], generator: torch.Generator
) -> tuple[Float[Tensor, "_ width"], ...]:
    """The most telling directions of each variable, orthonormal; what is missing is drawn at random."""
    width = context.activations.shape[1]
    blocks = []
    for rows, size in zip(found, sizes, strict=True):
        missing = torch.randn(max(size - len(rows), 0), width, generator=generator)
        blocks.append(torch.cat([rows[:size].cpu().double(), missing.double()]).to(context.activations))
    return orthonormal_rows(blocks, generator)


DISCRETE_CODES = 8
"""Values that a continuous variable is coded in."""

CODE_ROWS = 4096
"""Rows that the code is made from."""


def discretise(values: Shaped[Tensor, " row *width"]) -> Int[Tensor, " row"]:
    """The values of a variable as integers: a discrete one as it is, a continuous one in codes.

    A value that is frequent, as the zero of a difference, is a code by itself: a contrast with its neighbours in it
    would be blurred. The rest go by the nearest of eight means (Lloyd's algorithm).
    """
    if not values.is_floating_point():
        return values
    rows = values.reshape(len(values), -1).double()
    distinct, counts = torch.unique(rows[:CODE_ROWS], dim=0, return_counts=True)
    frequent = distinct[counts > min(len(rows), CODE_ROWS) / DISCRETE_CODES]
    codes = _nearest(rows, distinct)
    for code, value in enumerate(frequent, start=DISCRETE_CODES):
        codes[(rows == value).all(1)] = code
    return codes


def _nearest(rows: Float[Tensor, "row width"], distinct: Float[Tensor, "value width"]) -> Int[Tensor, " row"]:
    """The nearest of some means of the distinct values."""
    begin = distinct[torch.linspace(0, len(distinct) - 1, min(DISCRETE_CODES, len(distinct))).long()]
    with warnings.catch_warnings():  # a mean that nothing is nearest to is a code that is not used
        warnings.simplefilter("ignore", UserWarning)
        means, _ = kmeans2(distinct.numpy(), begin.numpy(), iter=20, minit="matrix")
    return torch.cdist(rows, torch.from_numpy(means)).argmin(1)
