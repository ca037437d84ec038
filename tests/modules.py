"""Modules of many kinds, as people bring them: sixteen numbers in, two classes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from interlocus.networks import MLP


class Brought(NamedTuple):
    """A module, a site in it, and how it is called."""

    module: nn.Module
    site: str
    call: Callable[[nn.Module, Tensor], Tensor] | None = None


class Branches(nn.Module):
    """No sequence: two encoders of halves, and a sum that skips a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.head = nn.Linear(8, 6), nn.Linear(8, 6), nn.Linear(6, 2)
        self.mix = nn.Linear(6, 6)

    def forward(self, inputs: Tensor) -> Tensor:
        both = self.first(inputs[:, :8]).tanh() + self.second(inputs[:, 8:]).tanh()
        return self.head(both + self.mix(both).relu())


class Shared(nn.Module):
    """One encoder for four parts, in one call."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.head = nn.Sequential(nn.Linear(4, 3), nn.Tanh()), nn.Linear(12, 2)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.encoder(inputs.view(-1, 4, 4)).flatten(1))


class Pairs(nn.Module):
    """A part that gives a tuple."""

    def __init__(self) -> None:
        super().__init__()
        self.recurrent, self.head = nn.GRU(4, 5, batch_first=True), nn.Linear(5, 2)

    def forward(self, inputs: Tensor) -> Tensor:
        _, last = self.recurrent(inputs.view(-1, 4, 4))
        return self.head(last[0])


class TwoInputs(nn.Module):
    """Two tensors in, a dictionary out."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right, self.head = nn.Linear(8, 5), nn.Linear(8, 5), nn.Linear(10, 2)

    def forward(self, left: Tensor, *, right: Tensor) -> dict[str, Tensor]:
        return {"logits": self.head(torch.cat([self.left(left), self.right(right)], 1).relu())}


class Takes(nn.Module):
    """One argument in a container."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(16, 6), nn.ReLU(), nn.Linear(6, 2))

    def forward(self, packed: Any) -> Tensor:
        return self.body(packed["x"] if isinstance(packed, dict) else packed[0])


class Attends(nn.Module):
    """Tokens, attention, and a normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.block = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.1, batch_first=True)
        self.head = nn.Linear(4, 2)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.block(inputs.view(-1, 4, 4)).mean(1))


class Counts(nn.Module):
    """A buffer that changes whenever it is run, whatever the mode, and noise from the global generator."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(16, 6), nn.Linear(6, 2)
        self.register_buffer("runs", torch.zeros(()))

    def forward(self, inputs: Tensor) -> Tensor:
        self.runs += 1
        hidden = self.body(inputs).relu()
        return self.head(hidden + 0 * torch.rand_like(hidden))


def perceptron(*middle: nn.Module, first: int = 6) -> nn.Sequential:
    """A layer, whatever stands between, and a layer."""
    return nn.Sequential(nn.Linear(16, first), *middle, nn.Linear(first, 2))


def frozen(module: nn.Module) -> nn.Module:
    """Some parameters ask for no gradient, and others have one already."""
    for place, parameter in enumerate(module.parameters()):
        parameter.requires_grad_(place % 2 == 0)
        if place % 2 == 0:
            parameter.grad = torch.full_like(parameter, 0.5)
    return module


def half_evaluating(module: nn.Module) -> nn.Module:
    """Parts in different modes."""
    for place, part in enumerate(module.modules()):
        part.training = place % 2 == 0
    return module


def _same() -> nn.Module:
    one = nn.Linear(6, 6)
    return nn.Sequential(nn.Linear(16, 6), nn.ReLU(), one, nn.ReLU(), one, nn.ReLU(), nn.Linear(6, 2))


def _by_keyword(module: nn.Module, inputs: Tensor) -> Tensor:
    return module(inputs[:, :8], right=inputs[:, 8:])["logits"]


BROUGHT: dict[str, Callable[[], Brought]] = {
    **{
        f"{name} perceptron": lambda act=act: Brought(perceptron(act()), "1")
        for name, act in {
            "relu": nn.ReLU,
            "sigmoid": nn.Sigmoid,
            "tanh": nn.Tanh,
            "gelu": nn.GELU,
            "elu": nn.ELU,
            "silu": nn.SiLU,
        }.items()
    },
    "approximate gelu": lambda: Brought(perceptron(nn.GELU(approximate="tanh")), "1"),
    "its input": lambda: Brought(perceptron(nn.ReLU()), ":input"),
    "before the activation": lambda: Brought(perceptron(nn.ReLU()), "0"),
    "input of a layer": lambda: Brought(perceptron(nn.ReLU()), "2:input"),
    "without biases": lambda: Brought(
        nn.Sequential(nn.Linear(16, 6, bias=False), nn.ReLU(), nn.Linear(6, 2, bias=False)), "1"
    ),
    "double precision": lambda: Brought(perceptron(nn.Tanh()).double(), "1"),
    "brain floats": lambda: Brought(perceptron(nn.ReLU()).bfloat16(), "1"),
    "nested": lambda: Brought(
        nn.Sequential(
            nn.Sequential(nn.Linear(16, 6), nn.ReLU()), nn.Sequential(nn.Linear(6, 6), nn.Tanh()), nn.Linear(6, 2)
        ),
        "0",
    ),
    "two activations": lambda: Brought(
        nn.Sequential(nn.Linear(16, 6), nn.ReLU(), nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 2)), "1"
    ),
    "dropout": lambda: Brought(perceptron(nn.ReLU(), nn.Dropout(0.5)), "1"),
    "batch norm": lambda: Brought(perceptron(nn.BatchNorm1d(6), nn.ReLU()), "2"),
    "layer norm": lambda: Brought(perceptron(nn.LayerNorm(6), nn.ReLU()), "2"),
    "images": lambda: Brought(
        nn.Sequential(nn.Unflatten(1, (1, 4, 4)), nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2)), "2"
    ),
    "one channel": lambda: Brought(
        nn.Sequential(nn.Unflatten(1, (1, 4, 4)), nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2)),
        "2:output@1=0",
    ),
    "branches": lambda: Brought(Branches(), "mix"),
    "input of a branch": lambda: Brought(Branches(), "mix:input"),
    "shared encoder": lambda: Brought(Shared(), "encoder"),
    "one of its calls": lambda: Brought(Shared(), "encoder@1=2"),
    "element of a tuple": lambda: Brought(Pairs(), "recurrent:output[1]@0=0"),
    "two inputs": lambda: Brought(TwoInputs(), "left", _by_keyword),
    "a tuple": lambda: Brought(Takes(), "body.1", lambda module, x: module((x,))),
    "a dictionary": lambda: Brought(Takes(), "body.1", lambda module, x: module({"x": x})),
    "attention": lambda: Brought(Attends(), "block"),
    "one token": lambda: Brought(Attends(), "block@1=-1"),
    "a buffer that counts": lambda: Brought(Counts(), "body"),
    "used twice": lambda: Brought(_same(), "1"),
    "frozen": lambda: Brought(frozen(perceptron(nn.ReLU())), "1"),
    "frozen branches": lambda: Brought(frozen(Branches()), "mix"),
    "modes mixed": lambda: Brought(half_evaluating(perceptron(nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.3))), "2"),
    "modes mixed, double": lambda: Brought(half_evaluating(frozen(Attends().double())), "block"),
    "frozen, counting, brain floats": lambda: Brought(frozen(Counts().bfloat16()), "head:input"),
}


def as_module(network: MLP) -> nn.Sequential:
    """One of our perceptrons as a plain module."""
    kinds = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "gelu": nn.GELU}
    parts: list[nn.Module] = []
    for weight, bias in zip(network.weights, network.biases, strict=True):
        layer = nn.Linear(weight.shape[2], weight.shape[1])
        layer.weight.data.copy_(weight[0])
        layer.bias.data.copy_(bias[0])
        parts += [layer, kinds[network.activation]()]
    return nn.Sequential(*parts[:-1])
