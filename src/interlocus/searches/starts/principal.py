"""Start from the principal components."""

from __future__ import annotations

import torch

from interlocus.searches.starts._base import AbstractStart, Directions, StartContext, fill_with_random


class Principal(AbstractStart):
    """The principal components of the activations, largest variance first; the first variable takes the first ones.

    They do not depend on the values of the variables, so this start is a baseline for the others.
    """

    name = "principal"

    def directions(self, context: StartContext, sizes: tuple[int, ...], generator: torch.Generator) -> Directions:
        rows = context.activations.double().cpu()
        count = min(sum(sizes), rows.shape[1])
        _, _, components = torch.linalg.svd((rows - rows.mean(0)).T.cov())
        return fill_with_random(components[:count].split(list(sizes)), context, sizes, generator)
