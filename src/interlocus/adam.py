"""Adam, on tensors of any shape and without a graph.

torch's own optimisers bring the compiler along, whose import takes seconds in every worker process.
"""

from __future__ import annotations

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

    def direction(self, gradient: Tensor) -> Tensor:
        """Take a gradient in; returns what is to be subtracted for a learning rate of one."""
        self.count += 1
        self.mean.lerp_(gradient, 1 - BETAS[0])
        self.square.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
        scale = (self.square / (1 - BETAS[1] ** self.count)).sqrt_().add_(EPSILON)
        return torch.div(self.mean, scale, out=scale).div_(1 - BETAS[0] ** self.count)
