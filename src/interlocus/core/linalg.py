"""Numerical tools: Adam without a graph, orthonormal bases, the overlap of subspaces, and reusable buffers."""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

ADAM_DECAY = (0.9, 0.999)
"""β₁ and β₂: how much of the running means of the gradient and of its square each step keeps."""

ADAM_EPSILON = 1e-8
"""ε in the denominator of an Adam step."""


class Adam:
    """The Adam optimiser, on one tensor of any shape and without a graph.

    m ← β₁ m + (1 − β₁) g,  v ← β₂ v + (1 − β₂) g²,  θ ← θ − rate · m̂ / (√v̂ + ε), where m̂ = m / (1 − β₁ᵗ) and
    v̂ = v / (1 − β₂ᵗ).

    torch's own optimisers import its compiler, which takes seconds in every worker process.

    Args:
        mean: m, the running mean of the gradients, of the parameters' shape; changed in place.
        square: v, the running mean of their squares, of the same shape; changed in place.
        count: t, the number of gradients in the means.

    Source: Kingma and Ba 2015 (arXiv 1412.6980), algorithm 1.
    """

    def __init__(self, mean: Tensor, square: Tensor, count: int = 0) -> None:
        self.mean, self.square, self.count = mean, square, count

    @classmethod
    def begin(cls, like: Tensor) -> Adam:
        """The state before the first gradient.

        Args:
            like: Gives the shape, dtype and device of the means; usually the parameters.
        """
        return cls(torch.zeros_like(like), torch.zeros_like(like))

    def step(self, parameters: Tensor, gradient: Tensor, rate: float) -> None:
        """Update the means with a gradient, and move the parameters one step downhill.

        Args:
            parameters: θ; changed in place.
            gradient: g, of the same shape.
            rate: Learning rate of this step.
        """
        self.count += 1
        self.mean.lerp_(gradient, 1 - ADAM_DECAY[0])
        self.square.mul_(ADAM_DECAY[1]).addcmul_(gradient, gradient, value=1 - ADAM_DECAY[1])
        bias, square_bias = (1 - decay**self.count for decay in ADAM_DECAY)
        # m / bias / (√(v / square_bias) + ε), with both scalars moved into one factor
        scale = self.square.sqrt().add_(ADAM_EPSILON * math.sqrt(square_bias))
        parameters.addcdiv_(self.mean, scale, value=-rate * math.sqrt(square_bias) / bias)


def orthonormal_basis(
    columns: Float[np.ndarray, "width feature"], min_length: float = 1e-6
) -> Float[np.ndarray, "width _"]:
    """An orthonormal basis of the span of the columns: their left singular vectors, longest first.

    Args:
        columns: Vectors that span the subspace; they may depend on each other.
        min_length: Directions whose singular value is at most this are left out.
    """
    left, lengths, _ = np.linalg.svd(columns, full_matrices=False)
    return left[:, lengths > min_length]


def subspace_overlap(first: Float[np.ndarray, "width _"], second: Float[np.ndarray, "width _"]) -> float:
    """How much of the smaller of two subspaces lies in the other: ‖Q₁ᵀ Q₂‖²_F / k.

    It is 1 where one subspace contains the other, 0 where they are orthogonal, and K / d on average for directions
    drawn at random; k is the smaller of the two sizes, K the larger one, d the width.

    Args:
        first: Q₁, an orthonormal basis of at least one column.
        second: Q₂, an orthonormal basis of at least one column of the same width.
    """
    return float(np.square(first.T @ second).sum()) / min(first.shape[1], second.shape[1])


class BufferPool:
    """Tensors that are allocated once and handed out again by name.

    The loop of a search needs the same shapes thousands of times, and new memory costs as much as the arithmetic on it.
    A caller may use its buffer until the next call with the same name.

    Args:
        like: Gives the dtype and device of all buffers.
    """

    def __init__(self, like: Tensor) -> None:
        self._like = like
        self._buffers: dict[str, Tensor] = {}

    def __call__(self, name: str, *shape: int) -> Tensor:
        """The buffer of that name, with arbitrary content; allocated anew where the shape has changed.

        Args:
            name: Identifies the buffer within this pool.
            shape: Shape of the tensor.
        """
        buffer = self._buffers.get(name)
        if buffer is None or buffer.shape != shape:
            buffer = self._buffers[name] = torch.empty(shape, dtype=self._like.dtype, device=self._like.device)
        return buffer
