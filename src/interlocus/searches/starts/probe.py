"""What a linear probe looks at."""

from __future__ import annotations

import torch
from jaxtyping import Float
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from interlocus.searches.starts._base import AbstractStart, StartContext, filled

PROBE_ROWS = 8192
"""A probe is fitted to so many rows; more change nothing."""


class Probe(AbstractStart):
    """The weights of a logistic regression that predicts the value of a variable; other directions are random.

    What can be decoded need not be used, and what is coded by a variance cannot be decoded linearly.
    """

    @property
    def name(self) -> str:
        return "probe"

    def directions(
        self, context: StartContext, sizes: tuple[int, ...], generator: torch.Generator
    ) -> tuple[Float[Tensor, "_ width"], ...]:
        rows = context.activations[:PROBE_ROWS].double().cpu().numpy()
        spread = rows.std(0) + 1e-12
        found = []
        for values in context.values[:, :PROBE_ROWS].cpu():
            if len(values.unique()) < 2:
                found.append(torch.zeros(0, rows.shape[1]))
                continue
            fitted = LogisticRegression(max_iter=200, tol=1e-3).fit((rows - rows.mean(0)) / spread, values.numpy())
            found.append(torch.from_numpy(fitted.coef_ / spread))
        return filled(found, context, sizes, generator)
