"""Directions whose variance tells the values of a variable apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from scipy.linalg import eigh
from torch import Tensor

from interlocus.searches.starts._base import AbstractStart, Contrast, StartContext, orthonormal_rows

COVARIANCE_RIDGE = 1e-4
"""Added to both covariances, as a share of their mean diagonal: equal pairs make one of them singular at the input."""

WIDE_SITE, KEPT_COMPONENTS, COMPONENT_ROWS = 1024, 256, 4096
"""Of wider sites only so many principal components are looked at, found on so many rows."""
MIN_VARIANCE_SHARE = 1e-4
"""And only those with at least this share of the largest variance."""

MAX_OVERLAP = 0.3
"""Directions of several contrasts that lie so near to the chosen ones are the same, up to the noise of the estimate."""


class Covariance(AbstractStart):
    """Class-conditional covariances, in closed form.

    With C₁ and C₀ the covariances of the activations where the variable has a value and where it has not, take the
    generalised eigenvectors of (C₁, C₀) with the largest |log eigenvalue|. "a = b" is a feature of the second moment:
    the means of the two classes coincide, which is why mean differences and linear probes do not see it. A variable
    with more than two values contrasts each with the rest and takes the most telling directions of all.

    Source: common spatial patterns (Fukunaga and Koontz 1970), used here as a start.
    """

    @property
    def name(self) -> str:
        return "covariance"

    def directions(
        self, context: StartContext, sizes: tuple[int, ...], generator: torch.Generator
    ) -> tuple[Float[Tensor, "_ width"], ...]:
        if context.activations.shape[1] > WIDE_SITE:
            return self._in_span(context, sizes, generator)
        blocks = []
        for contrasts, size in zip(context.moments, sizes, strict=True):
            found = torch.from_numpy(telling_directions(contrasts, size)).to(context.activations)
            missing = torch.randn(size - len(found), context.activations.shape[1], generator=generator).to(found)
            blocks.append(torch.cat([found, missing]) if len(found) else missing)
        return orthonormal_rows(blocks, generator)

    def _in_span(
        self, context: StartContext, sizes: tuple[int, ...], generator: torch.Generator
    ) -> tuple[Float[Tensor, "_ width"], ...]:
        """The same within the span of the leading principal components: no width × width matrix is built."""
        rows = context.activations[:COMPONENT_ROWS]
        with torch.random.fork_rng(devices=[]):  # the randomised decomposition asks the global generator
            torch.manual_seed(int(torch.randint(2**31, (), generator=generator)))
            _, spread, span = torch.svd_lowrank(rows - rows.mean(0), q=min(KEPT_COMPONENTS, len(rows)))
        # faint components are noise, of which a ratio of variances makes more than of anything else
        span = span[:, spread.square() > MIN_VARIANCE_SHARE * spread[0].square()]
        inner = self.directions(replace(context, activations=context.activations @ span), sizes, generator)
        return tuple(block @ span.T for block in inner)


def telling_directions(contrasts: Sequence[Contrast], size: int) -> Float[np.ndarray, "feature width"]:
    """The directions with the largest |log variance ratio| between a value and the rest, most telling first.

    There are fewer where contrasts are.
    """
    found = [_telling(contrast) for contrast in contrasts]
    if not found:
        return np.zeros((0, 0))
    ratios, directions = (np.concatenate(part) for part in zip(*found, strict=True))
    chosen: list[np.ndarray] = []
    for direction in directions[np.argsort(-ratios, kind="stable")]:
        basis = np.linalg.qr(np.array(chosen).T)[0] if chosen else np.zeros((len(direction), 0))
        new = np.linalg.norm(direction - basis @ (basis.T @ direction))
        if len(found) == 1 or new > MAX_OVERLAP:
            chosen.append(direction)
        if len(chosen) == size:
            break
    return np.array(chosen)


def _telling(contrast: Contrast) -> tuple[np.ndarray, np.ndarray]:
    """|log variance ratio| and direction of each generalised eigenvector of a contrast."""
    covariances = [group.covariance.numpy() for group in contrast]
    ridge = COVARIANCE_RIDGE * np.mean([np.trace(c) / len(c) for c in covariances]) + np.finfo(float).tiny
    eigenvalues, vectors = eigh(*(c + ridge * np.eye(len(c)) for c in covariances))
    return np.abs(np.log(eigenvalues)), vectors.T / np.linalg.norm(vectors.T, axis=1, keepdims=True)
