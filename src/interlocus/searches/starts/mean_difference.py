"""Where the means differ."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.searches.starts._base import AbstractStart, StartContext, filled


class MeanDifference(AbstractStart):
    """The difference of the mean activations where a variable has a value and where it has another.

    With two values that is one direction; of more, each is held against the rest. Other directions are random. It is
    blind to a variable whose values have the same mean, such as the equality of two vectors.
    """

    @property
    def name(self) -> str:
        return "mean_difference"

    def directions(
        self, context: StartContext, sizes: tuple[int, ...], generator: torch.Generator
    ) -> tuple[Float[Tensor, "_ width"], ...]:
        found = []
        for contrasts in context.moments:
            rows = [one.inside.mean - one.outside.mean for one in contrasts]
            found.append(torch.stack(rows) if rows else context.activations.new_zeros(0, context.activations.shape[1]))
        return filled(found, context, sizes, generator)
