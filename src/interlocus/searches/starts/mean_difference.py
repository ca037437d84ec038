"""Start from the differences of class means."""

from __future__ import annotations

import torch

from interlocus.searches.starts._base import AbstractStart, Directions, StartContext, fill_with_random


class MeanDifference(AbstractStart):
    """The difference of the mean activations where a variable has a value and where it does not.

    A variable with two values has one difference. With more values, each value is contrasted with all others. Further
    directions are random. Differences of means cannot see a variable whose values have the same mean, such as the
    equality of two vectors.
    """

    name = "mean_difference"

    def directions(self, context: StartContext, sizes: tuple[int, ...], generator: torch.Generator) -> Directions:
        none = context.activations.new_zeros(0, context.activations.shape[1])
        blocks = []
        for contrasts in context.moments:
            rows = [contrast.inside.mean - contrast.outside.mean for contrast in contrasts]
            blocks.append(torch.stack(rows) if rows else none)
        return fill_with_random(blocks, context, sizes, generator)
