"""Start from the best set of whole neurons."""

from __future__ import annotations

from typing import Literal

import torch

from interlocus.core.errors import UnknownNameError
from interlocus.searches.starts._base import AbstractStart, Directions, StartContext
from interlocus.searches.starts.neuron_selection import (
    NeuronSearch,
    check_set_count,
    directions_of,
    exhaustive,
    greedy,
    window,
)

NeuronMethod = Literal["exhaustive", "greedy", "window"]
_METHODS: dict[str, NeuronSearch] = {"exhaustive": exhaustive, "greedy": greedy, "window": window}


class Neurons(AbstractStart):
    """The set of neurons with the highest IIA on interventions for training; disjoint sets for several variables.

    With the featurizer `identity`, which learns nothing, the result is the localist baseline itself. Other featurizers
    start from it, so their validation IIA is never lower.

    Args:
        method: `exhaustive` tries all sets, `greedy` adds neuron by neuron, `window` tries neighbouring neurons only.

    Raises:
        UnknownNameError: there is no such method.

    Source: localist and brute-force baselines, arXiv 2303.02536, section 4; greedy, arXiv 2507.08802, section 4.
    """

    def __init__(self, method: NeuronMethod = "exhaustive") -> None:
        if method not in _METHODS:
            raise UnknownNameError("search over neurons", method, _METHODS)
        self.method, self.name = method, f"neurons_{method}"

    def check(self, width: int, sizes: tuple[int, ...]) -> None:
        if self.method == "exhaustive":
            check_set_count(width, sizes)

    def directions(self, context: StartContext, sizes: tuple[int, ...], generator: torch.Generator) -> Directions:
        assert context.scorer is not None
        neurons = _METHODS[self.method](context.scorer, sizes)
        blocks = directions_of(neurons, context.activations.shape[1])
        return tuple(block.to(context.activations) for block in blocks)
