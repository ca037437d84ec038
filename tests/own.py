"""What a user writes: a network in a file."""

from __future__ import annotations

import torch
from torch import nn


class Net(nn.Module):
    """No sequence, so that it is run whole."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.head = nn.Linear(8, 6), nn.Linear(6, 6), nn.Linear(6, 2)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        hidden = self.first(inputs).relu()
        return self.head(hidden + self.second(hidden).tanh())


def build(seed: int, scale: float = 1.0, trained: bool = True) -> nn.Module:
    """Parameters that depend on the seed and on whether they were "trained"."""
    net = Net()
    net.first.bias.data.fill_(scale if trained else 0.0)
    return net


def only_one() -> nn.Module:
    """No seed, so there is one of it."""
    return Net()


def no_network() -> str:
    """Not what is wanted."""
    return "a network"


def fails() -> nn.Module:
    """As it happens."""
    raise RuntimeError("the file with the parameters is not there")
