"""Adam, on tensors of any shape and without a graph.

torch's own optimisers bring the compiler along, whose import takes seconds in every worker process.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

BETAS = (0.9, 0.999)

EPSILON = 1e-8


class Adam:
    """Running means of gradients and of their squares (Kingma and Ba 2015, algorithm 1).

    Args:
        mean: of the gradients.
        square: of their squares.
        count: how many there were.
    """

    def __init__(self, mean: Tensor, square: Tensor, count: int = 0) -> None:
        self.mean, self.square, self.count = mean, square, count

    @classmethod
    def begin(cls, like: Tensor) -> Adam:
        """Before the first gradient."""
        return cls(torch.zeros_like(like), torch.zeros_like(like))

    def step(self, parameters: Tensor, gradient: Tensor, rate: float) -> None:
        """Take a gradient in, and move the parameters one step down."""
        self.count += 1
        self.mean.lerp_(gradient, 1 - BETAS[0])
        self.square.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
        bias, square_bias = (1 - beta**self.count for beta in BETAS)
        # m / bias / (√(v / square_bias) + ε), with the two scalars put together
        scale = self.square.sqrt().add_(EPSILON * math.sqrt(square_bias))
        parameters.addcdiv_(self.mean, scale, value=-rate * math.sqrt(square_bias) / bias)


def orthonormal_basis(columns: Float[np.ndarray, "width feature"], least: float = 1e-6) -> Float[np.ndarray, "width _"]:
    """Orthonormal columns of the same span; those of the span that are shorter than the least are left out."""
    left, lengths, _ = np.linalg.svd(columns, full_matrices=False)
    return left[:, lengths > least]


def subspace_overlap(one: Float[np.ndarray, "width _"], other: Float[np.ndarray, "width _"]) -> float:
    """‖Q₁ᵀQ₂‖²_F / k of orthonormal columns, with k the smaller number of them: one where one lies within the other.

    Directions drawn at random share K / d on average, with K the larger number and d the width.
    """
    return float(np.square(one.T @ other).sum()) / min(one.shape[1], other.shape[1])


class BufferPool:
    """Named buffers that live as long as one stack of searches.

    The loop asks for the same shapes thousands of times, and fresh memory costs as much as the arithmetic on it. A
    buffer is handed out again under its name; whoever asks owns it until the next step.

    Args:
        like: gives dtype and device.
    """

    def __init__(self, like: Tensor) -> None:
        self._like = like
        self._buffers: dict[str, Tensor] = {}

    def __call__(self, name: str, *shape: int) -> Tensor:
        """A buffer of that shape with arbitrary content."""
        buffer = self._buffers.get(name)
        if buffer is None or buffer.shape != shape:
            buffer = self._buffers[name] = torch.empty(shape, dtype=self._like.dtype, device=self._like.device)
        return buffer
