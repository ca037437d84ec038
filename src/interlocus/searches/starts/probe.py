"""Start from the weights of a linear probe."""

from __future__ import annotations

import torch
from sklearn.linear_model import LogisticRegression

from interlocus.searches.starts._base import AbstractStart, Directions, StartContext, fill_with_random

PROBE_ROWS = 8192
"""Rows to which a probe is fitted; more rows do not change the directions noticeably."""


class Probe(AbstractStart):
    """The weights of a logistic regression that predicts the value of a variable; further directions are random.

    A variable that can be decoded need not be used by the network. A variable that is encoded in a variance cannot be
    decoded linearly.
    """

    name = "probe"

    def directions(self, context: StartContext, sizes: tuple[int, ...], generator: torch.Generator) -> Directions:
        rows = context.activations[:PROBE_ROWS].double().cpu().numpy()
        spread = rows.std(0) + 1e-12
        blocks = []
        for values in context.values[:, :PROBE_ROWS].cpu():
            if len(values.unique()) < 2:
                blocks.append(torch.zeros(0, rows.shape[1]))
                continue
            fitted = LogisticRegression(max_iter=200, tol=1e-3).fit((rows - rows.mean(0)) / spread, values.numpy())
            blocks.append(torch.from_numpy(fitted.coef_ / spread))
        return fill_with_random(blocks, context, sizes, generator)
