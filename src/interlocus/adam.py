"""Adam, on tensors of any shape and without a graph.

torch's own optimisers bring the compiler along, whose import takes seconds in every worker process.
"""

from __future__ import annotations

import math

import torch
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
