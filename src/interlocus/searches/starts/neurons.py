"""Whole neurons, the best that there are."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.core.errors import UnknownNameError
from interlocus.searches.starts import neuron_selection as localist
from interlocus.searches.starts._base import AbstractStart, StartContext

SubsetSearch = Literal["exhaustive", "greedy", "window"]
_SEARCHES: dict[str, localist.Search] = {
    "exhaustive": localist.exhaustive,
    "greedy": localist.greedy,
    "window": localist.window,
}


class Neurons(AbstractStart):
    """The set of neurons whose exchange does best on interventions for learning; of two variables, disjoint sets.

    With the featurizer `identity`, which learns nothing, it is the localist search itself. With others it is where they
    begin, so they are never below it on validation.

    Args:
        method: all sets while they can be tried, neuron by neuron, or neighbours only.

    Source: localist and brute-force baselines, arXiv 2303.02536, section 4; greedy, arXiv 2507.08802, section 4.
    """

    def __init__(self, method: SubsetSearch = "exhaustive") -> None:
        if method not in _SEARCHES:
            raise UnknownNameError("search over neurons", method, _SEARCHES)
        self.method = method

    @property
    def name(self) -> str:
        return f"neurons_{self.method}"

    def check(self, width: int, sizes: tuple[int, ...]) -> None:
        if self.method == "exhaustive":
            localist.check_sets(width, sizes)

    def directions(
        self, context: StartContext, sizes: tuple[int, ...], generator: torch.Generator
    ) -> tuple[Float[Tensor, "_ width"], ...]:
        assert context.scorer is not None
        found = _SEARCHES[self.method](context.scorer, sizes)
        return tuple(
            rows.to(context.activations) for rows in localist.directions_of(found, context.activations.shape[1])
        )
