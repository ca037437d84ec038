"""Architectures of coded modules, in plain torch: this file is also written beside exported networks.

A module is `front → encoder → reader`; the output of the encoder is the site. The front says which features an input
has, and the first layer of the reader takes the part of the site that is read.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

REACH = 3.0
"""What is read of the site is bounded by this number, so that no exchange leads beyond what was taught."""
FRONT_UNITS, HIDDEN, WIDTH = 64, 32, 16
"""Units of the front, of each part of a body, and of the site."""


class Residual(nn.Module):
    """Two residual blocks with layer normalisation."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.embed = nn.Linear(inputs, HIDDEN)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(HIDDEN), nn.Linear(HIDDEN, 2 * HIDDEN), nn.GELU(), nn.Linear(2 * HIDDEN, HIDDEN))
            for _ in range(2)
        )
        self.out = nn.Linear(HIDDEN, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        value = self.embed(x)
        for block in self.blocks:
            value = value + block(value)
        return self.out(value)


class Convolution(nn.Module):
    """Two convolutions over the numbers of a vector, and one over all places."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(1, HIDDEN, 3, padding=1)
        self.second = nn.Conv1d(HIDDEN, HIDDEN, 3, padding=1)
        self.out = nn.Conv1d(HIDDEN, outputs, inputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        value = torch.relu(self.first(x.unsqueeze(1)))
        return self.out(torch.relu(self.second(value))).flatten(1)


class Recurrent(nn.Module):
    """A gated recurrent unit that takes the numbers of a vector one after the other."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.cell, self.out = nn.GRUCell(1, HIDDEN), nn.Linear(HIDDEN, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        state = x.new_zeros(len(x), HIDDEN)
        for place in range(x.shape[1]):
            state = self.cell(x[:, place : place + 1], state)
        return self.out(state)


BODIES = {"residual": Residual, "convolution": Convolution, "gru": Recurrent}


def coded_module(architecture: str, *, inputs: int, features: int, reads: int, classes: int) -> nn.Sequential:
    """An untrained module.

    Args:
        architecture: `residual`, `convolution` or `gru`.
        inputs: Length of an input.
        features: Numbers that the encoder sees.
        reads: Numbers that the reader takes from the site.
        classes: Number of classes.
    """
    body = BODIES[architecture]
    front = nn.Sequential(nn.Linear(inputs, FRONT_UNITS), nn.ReLU(), nn.Linear(FRONT_UNITS, features))
    reader = nn.Sequential(nn.Linear(WIDTH, reads), nn.Hardtanh(-REACH, REACH), body(reads, classes))
    parts = (("front", front), ("encoder", body(features, WIDTH)), ("reader", reader))
    return nn.Sequential(OrderedDict(parts))
