"""The interface of a start, the data that it may use, and helpers for shipped and third-party starts."""

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
"""A value with fewer rows gives no contrast, since its covariance would be too noisy."""
DISCRETE_CODES = 8
"""Number of codes into which a continuous variable is divided."""
CODE_ROWS = 4096
"""Rows from which the codes are computed."""

Directions = tuple[Float[Tensor, "_ width"], ...]
"""One block of directions per variable, as rows."""


class AbstractStart(abc.ABC):
    """Chooses the first directions of a search.

    Attributes:
        name: The name in the registry, in records and in tables.
        follows: Whether the start uses the results of other starts. Then its searches run in a second stage, after
            those of the other starts have stopped.
    """

    name: str
    follows: bool = False

    def check(self, width: int, sizes: tuple[int, ...]) -> None:  # noqa: B027 most starts accept every size
        """Reject sizes for which the start cannot work, before any computation.

        Args:
            width: Number of neurons of the site.
            sizes: Number of features of each variable.

        Raises:
            SpecificationError: the start would take too long.
        """

    @abc.abstractmethod
    def directions(self, context: StartContext, sizes: tuple[int, ...], generator: torch.Generator) -> Directions:
        """Choose the directions.

        Args:
            context: The data of one problem that a start may use.
            sizes: Number of directions of each variable.
            generator: The only source of randomness.

        Returns:
            For each variable as many orthonormal rows as its size, orthogonal to the rows of the other variables.
        """


@dataclass(frozen=True, kw_only=True)
class StartContext:
    """The data that a start may use: one network at one site, with the values of the variables.

    Args:
        activations: Activations at the site on the training examples.
        values: Value of each variable on each row, as integers; see `discretise`.
        logit_gradients: Returns the gradient of each logit with respect to the activations, for a number of rows from
            the first.
        scorer: Returns the IIA of maps on interventions for training.
        previous: The best directions of the other starts, one entry per size. Empty unless the start `follows` others.
        known: Directions that each variable was found to have in another search; empty if the request names none.
    """

    activations: Float[Tensor, "row width"]
    values: Int[Tensor, "variable row"]
    logit_gradients: Callable[[int], Float[Tensor, "class row width"]] | None = None
    scorer: SubsetScorer | None = None
    previous: tuple[Directions, ...] = ()
    known: Directions = ()

    def alone(self, variable: int) -> StartContext:
        """The context of a search for one of the variables only.

        Args:
            variable: Index of the variable among the rows of `values`.
        """
        scorer = None if self.scorer is None else SingleVariableScorer(self.scorer, variable, len(self.values))
        previous = tuple((blocks[variable],) for blocks in self.previous)
        known = self.known[variable : variable + 1]
        return replace(self, values=self.values[variable : variable + 1], scorer=scorer, previous=previous, known=known)

    @cached_property
    def moments(self) -> tuple[tuple[Contrast, ...], ...]:
        """For each variable the moments of the activations in each contrast of its values.

        A variable with two values has one contrast. With more values, each value is contrasted with all others. Values
        with fewer than `MIN_ROWS_PER_CONTRAST` rows give none.
        """
        rows = self.activations.double().cpu()
        return tuple(tuple(_contrasts(rows, values.cpu())) for values in self.values)


class Moments(NamedTuple):
    """Mean and covariance of some rows of activations, in double precision."""

    mean: Float[Tensor, " width"]
    covariance: Float[Tensor, "width width"]


class Contrast(NamedTuple):
    """The moments on the rows where a variable has a value (`inside`), and on all other rows (`outside`)."""

    inside: Moments
    outside: Moments


def _contrasts(rows: Float[Tensor, "row width"], values: Int[Tensor, " row"]) -> Iterator[Contrast]:
    present = values.unique()
    centre = rows.mean(0)
    centred = rows - centre
    total = _Sums(len(rows), torch.zeros_like(centre), centred.T @ centred)
    for value in present[1:] if len(present) == 2 else present:
        inside = _Sums.over(centred, values == value)
        outside = _Sums(total.rows - inside.rows, total.first - inside.first, total.second - inside.second)
        if min(inside.rows, outside.rows) >= MIN_ROWS_PER_CONTRAST:
            yield Contrast(*(sums.moments(centre) for sums in (inside, outside)))


class _Sums(NamedTuple):
    """Sums over centred rows. The sums of the other rows follow by subtraction, so each row is read once.

    Args:
        rows: Number of rows in the sums.
        first: Sum of the rows.
        second: Sum of the outer products of the rows with themselves.
    """

    rows: int
    first: Float[Tensor, " width"]
    second: Float[Tensor, "width width"]

    @classmethod
    def over(cls, centred: Float[Tensor, "row width"], chosen: Bool[Tensor, " row"]) -> _Sums:
        rows = centred[chosen]
        return cls(len(rows), rows.sum(0), rows.T @ rows)

    def moments(self, centre: Float[Tensor, " width"]) -> Moments:
        mean = self.first / self.rows
        covariance = (self.second - self.rows * torch.outer(mean, mean)) / (self.rows - 1)
        return Moments(centre + mean, covariance)


def orthonormal_rows(blocks: Sequence[Float[Tensor, "_ width"]], generator: torch.Generator) -> Directions:
    """Orthonormalise blocks of rows, each row against all rows before it.

    Args:
        blocks: One block per variable; together at most as many rows as the site is wide.
        generator: Source of the random directions that replace rows which depend linearly on earlier rows.
    """
    rows = torch.cat(list(blocks)).double()
    noise = torch.randn(rows.shape, generator=generator, dtype=torch.float64).to(rows.device)
    # the noise is too small to turn independent rows, and gives dependent rows a direction
    basis, triangle = torch.linalg.qr((rows + 1e-9 * noise).T)
    basis = basis * triangle.diagonal().sign()
    return tuple(basis.T.to(blocks[0]).split([len(block) for block in blocks]))


def fill_with_random(
    blocks: Sequence[Float[Tensor, "_ width"]],
    context: StartContext,
    sizes: tuple[int, ...],
    generator: torch.Generator,
) -> Directions:
    """Orthonormal directions of the requested sizes: the first rows of each block, then random directions.

    Args:
        blocks: One block per variable, the best direction first; a block may be shorter or longer than its size.
        context: Its activations give width, precision and device.
        sizes: Number of directions of each variable.
        generator: Source of the random directions.
    """
    width = context.activations.shape[1]
    filled = []
    for rows, size in zip(blocks, sizes, strict=True):
        missing = torch.randn(max(size - len(rows), 0), width, generator=generator)
        filled.append(torch.cat([rows[:size].cpu().double(), missing.double()]).to(context.activations))
    return orthonormal_rows(filled, generator)


def discretise(values: Shaped[Tensor, " row *width"]) -> Int[Tensor, " row"]:
    """The values of a variable as integer codes.

    Discrete values are returned as they are. Continuous values get the code of the nearest of eight means (Lloyd's
    algorithm). A frequent value, such as the zero of a difference, gets a code of its own, since a common code with its
    neighbours would blur the contrast.

    Args:
        values: Integers, or floating-point numbers or vectors, one per row.
    """
    if not values.is_floating_point():
        return values
    rows = values.reshape(len(values), -1).double()
    distinct, counts = torch.unique(rows[:CODE_ROWS], dim=0, return_counts=True)
    frequent = distinct[counts > min(len(rows), CODE_ROWS) / DISCRETE_CODES]
    codes = _nearest_mean(rows, distinct)
    for code, value in enumerate(frequent, start=DISCRETE_CODES):
        codes[(rows == value).all(1)] = code
    return codes


def _nearest_mean(rows: Float[Tensor, "row width"], distinct: Float[Tensor, "value width"]) -> Int[Tensor, " row"]:
    """For each row the index of the nearest mean of the distinct values."""
    initial = distinct[torch.linspace(0, len(distinct) - 1, min(DISCRETE_CODES, len(distinct))).long()]
    with warnings.catch_warnings():  # kmeans2 warns of a mean without rows; that code is not used
        warnings.simplefilter("ignore", UserWarning)
        means, _ = kmeans2(distinct.numpy(), initial.numpy(), iter=20, minit="matrix")
    return torch.cdist(rows, torch.from_numpy(means)).argmin(1)
