"""Start from the directions on which the answer depends most."""

from __future__ import annotations

import torch

from interlocus.searches.starts._base import AbstractStart, Directions, StartContext, fill_with_random

GRADIENT_ROWS = 2048
"""Rows on which gradients are computed."""


class Gradient(AbstractStart):
    """The leading eigenvectors of the average outer product of the logits' gradients, largest eigenvalue first.

    Small steps along these directions change the answer most, whatever variable they hold. The first variable takes
    the first eigenvectors.

    Source: active subspaces, Constantine, Dow and Wang 2014 (arXiv 1304.2070), section 2.
    """

    name = "gradient"

    def directions(self, context: StartContext, sizes: tuple[int, ...], generator: torch.Generator) -> Directions:
        assert context.logit_gradients is not None
        rows = min(GRADIENT_ROWS, len(context.activations))
        gradients = context.logit_gradients(rows).double().cpu().flatten(0, 1)
        count = min(sum(sizes), gradients.shape[1])
        _, _, directions = torch.linalg.svd(gradients.T @ gradients)
        return fill_with_random(directions[:count].split(list(sizes)), context, sizes, generator)
