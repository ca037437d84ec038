"""A network that looks at four items with one encoder, trained here."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from interlocus.adam import Adam
from interlocus.errors import SpecificationError
from interlocus.networks.module import Module
from interlocus.seeds import stream
from interlocus.tasks import AbstractTask
from interlocus.threads import one_thread

ITEMS = "abcd"
BATCH = 512


class SharedEncoder(nn.Module):
    """Four items, each coded by the same encoder; then layers over the four codes.

    Args:
        item: numbers an item.
        code: width of its code.
        encoder: width of the encoder's hidden layer.
        hidden: widths of the layers over the codes.
        classes: how many there are.
        dropout: of the encoder's hidden layer, while it is trained.
    """

    def __init__(
        self, item: int, *, code: int, encoder: int, hidden: Sequence[int], classes: int, dropout: float
    ) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(item, encoder), nn.ReLU(), nn.Dropout(dropout), nn.Linear(encoder, code), nn.Tanh()
        )
        self.codes = nn.Flatten()
        widths = (len(ITEMS) * code, *hidden)
        layers = [nn.Sequential(nn.Linear(one, other), nn.ReLU()) for one, other in zip(widths, hidden, strict=False)]
        self.layers = nn.ModuleList(layers)
        self.head = nn.Linear(widths[-1], classes)

    def forward(self, inputs: Float[Tensor, "batch input"]) -> Float[Tensor, "batch class"]:
        value = self.codes(self.encoder(inputs.unflatten(1, (len(ITEMS), -1))))
        for layer in self.layers:
            value = layer(value)
        return self.head(value)


def make_shared_encoder(
    task: AbstractTask,
    seed: int,
    trained: bool = True,
    done: Callable[[float], None] = lambda share: None,
    code: int = 16,
    encoder: int = 128,
    hidden: Sequence[int] = (64, 64, 64),
    steps: int = 4000,
    learning_rate: float = 2e-3,
    weight_decay: float = 0.1,
    dropout: float = 0.3,
    noise: float = 0.0,
) -> Module:
    """A network for a task of four items, wrapped; its sites are the four codes, all of them, and the layers.

    Args:
        task: whose inputs are four items, one behind the other.
        seed: decides on first parameters and examples.
        trained: whether it is.
        done: is told the share of the training that is done.
        code: width of an item's code.
        encoder: width of the encoder's hidden layer.
        hidden: widths of the layers over the codes.
        steps: of training, with 512 examples each.
        learning_rate: of AdamW; it falls to zero along a cosine.
        weight_decay: of AdamW, on weights and not on biases.
        dropout: in the encoder, while it is trained.
        noise: standard deviation of what is added to the inputs while it is trained.

    Raises:
        SpecificationError: the inputs cannot be parted into four items.
    """
    if task.input_width % len(ITEMS):
        raise SpecificationError(
            f"The task {task.name} shows a network {task.input_width} numbers.",
            "A shared encoder looks at four items of equal width.",
            "Use another kind of network for this task.",
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = SharedEncoder(
            task.input_width // len(ITEMS),
            code=code,
            encoder=encoder,
            hidden=hidden,
            classes=task.classes,
            dropout=dropout,
        )
        if trained:
            with one_thread():
                _train(module, task, steps, learning_rate, weight_decay, noise, seed, done)
    module.eval()
    layers = {f"layer{i + 1}": f"layers.{i}" for i in range(len(hidden))}
    codes = {f"code_{item}": f"encoder@1={place}" for place, item in enumerate(ITEMS)}
    return Module(module, sites={**codes, "codes": "codes", **layers})


def _train(
    module: SharedEncoder,
    task: AbstractTask,
    steps: int,
    learning_rate: float,
    weight_decay: float,
    noise: float,
    seed: int,
    done: Callable[[float], None],
) -> None:
    """AdamW with cosine decay, on examples that are drawn afresh for every step."""
    parameters = list(module.parameters())
    optimisers = [Adam.begin(parameter.data) for parameter in parameters]
    examples = stream(seed, "training examples")
    module.train()
    for step in range(steps):
        if step % 50 == 0:
            done(step / steps)
        inputs, labels = task.examples(BATCH, split="train", generator=examples)
        if noise:
            inputs = inputs + noise * torch.randn(inputs.shape, generator=examples)
        gradients = torch.autograd.grad(F.cross_entropy(module(inputs), labels), parameters)
        rate = learning_rate * (1 + math.cos(math.pi * step / steps)) / 2
        for parameter, optimiser, gradient in zip(parameters, optimisers, gradients, strict=True):
            if parameter.dim() > 1:
                parameter.data.mul_(1 - rate * weight_decay)
            optimiser.step(parameter.data, gradient, rate)
