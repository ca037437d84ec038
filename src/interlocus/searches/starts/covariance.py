"""Start from the directions whose variance differs between the values of the variable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from scipy.linalg import eigh

from interlocus.searches.starts._base import AbstractStart, Contrast, Directions, StartContext, orthonormal_rows

COVARIANCE_RIDGE = 1e-4
"""Added to both covariances, as a share of their mean diagonal: equal pairs make one of them singular at the input."""
ROUNDING_RIDGE = 1e-10
"""At least this share of the variance within and between the groups is added. States that are constant within a value
have covariances of rounding errors, with negative eigenvalues of up to about 1e-13 of it."""

WIDE_SITE, KEPT_COMPONENTS, COMPONENT_ROWS = 1024, 256, 4096
"""In sites wider than the first number only this many principal components are used, computed from this many rows."""
MIN_VARIANCE_SHARE = 1e-4
"""Components with a smaller share of the largest variance are left out."""

MIN_NEW_LENGTH = 0.3
"""A direction of another contrast is used only if its part outside the chosen directions is longer than this."""


class Covariance(AbstractStart):
    """Class-conditional covariances, in closed form.

    With C₁ and C₀ the covariances of the activations where the variable has a value and where it does not, take the
    generalised eigenvectors of (C₁, C₀) with the largest |log eigenvalue|. "a = b" is a feature of the second moment:
    the means of the two classes coincide, so mean differences and linear probes cannot see it. If a variable has more
    than two values, each value is contrasted with all others, and the directions with the largest contrast are taken.

    Source: common spatial patterns (Fukunaga and Koontz 1970), used here as a start.
    """

    name = "covariance"

    def directions(self, context: StartContext, sizes: tuple[int, ...], generator: torch.Generator) -> Directions:
        if context.activations.shape[1] > WIDE_SITE:
            return self._in_leading_components(context, sizes, generator)
        blocks = []
        for contrasts, size in zip(context.moments, sizes, strict=True):
            rows = torch.from_numpy(contrast_directions(contrasts, size)).to(context.activations)
            missing = torch.randn(size - len(rows), context.activations.shape[1], generator=generator).to(rows)
            blocks.append(torch.cat([rows, missing]) if len(rows) else missing)
        return orthonormal_rows(blocks, generator)

    def _in_leading_components(
        self, context: StartContext, sizes: tuple[int, ...], generator: torch.Generator
    ) -> Directions:
        """Directions within the span of the leading principal components, without a width × width matrix."""
        rows = context.activations[:COMPONENT_ROWS]
        with torch.random.fork_rng(devices=[]):  # svd_lowrank draws from the global generator
            torch.manual_seed(int(torch.randint(2**31, (), generator=generator)))
            _, spread, span = torch.svd_lowrank(rows - rows.mean(0), q=min(KEPT_COMPONENTS, len(rows)))
        # components with little variance are noise, which a ratio of variances would amplify
        span = span[:, spread.square() > MIN_VARIANCE_SHARE * spread[0].square()]
        inner = self.directions(replace(context, activations=context.activations @ span), sizes, generator)
        return tuple(block @ span.T for block in inner)


def contrast_directions(contrasts: Sequence[Contrast], size: int) -> Float[np.ndarray, "feature width"]:
    """The directions with the largest |log variance ratio| between a value and the others, largest first.

    Args:
        contrasts: The contrasts of one variable; without any, no direction is returned.
        size: Maximal number of directions, at least 1.
    """
    parts = [_variance_ratios(contrast) for contrast in contrasts]
    if not parts:
        return np.zeros((0, 0))
    ratios, directions = (np.concatenate(part) for part in zip(*parts, strict=True))
    chosen: list[np.ndarray] = []
    for direction in directions[np.argsort(-ratios, kind="stable")]:
        basis = np.linalg.qr(np.array(chosen).T)[0] if chosen else np.zeros((len(direction), 0))
        new = np.linalg.norm(direction - basis @ (basis.T @ direction))
        if len(parts) == 1 or new > MIN_NEW_LENGTH:
            chosen.append(direction)
        if len(chosen) == size:
            break
    return np.array(chosen)


def _variance_ratios(contrast: Contrast) -> tuple[np.ndarray, np.ndarray]:
    """|log variance ratio| and unit direction of each generalised eigenvector of a contrast."""
    covariances = [group.covariance.numpy() for group in contrast]
    apart = (contrast.inside.mean - contrast.outside.mean).square().mean().item()
    variance = np.mean([np.trace(c) / len(c) for c in covariances])
    ridge = max(COVARIANCE_RIDGE * variance, ROUNDING_RIDGE * (abs(variance) + apart)) + np.finfo(float).tiny
    eigenvalues, vectors = eigh(*(c + ridge * np.eye(len(c)) for c in covariances))
    return np.abs(np.log(eigenvalues)), vectors.T / np.linalg.norm(vectors.T, axis=1, keepdims=True)
