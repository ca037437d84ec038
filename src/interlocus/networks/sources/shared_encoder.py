"""A network that looks at four items with one encoder, trained here."""

from __future__ import annotations

import itertools
import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from interlocus.causal.model import Values
from interlocus.core.errors import SpecificationError
from interlocus.core.linalg import Adam
from interlocus.core.random import derived_generator
from interlocus.core.threads import one_thread
from interlocus.networks.module.model import Module
from interlocus.tasks import AbstractTask

ITEMS = "abcd"
ENCODER_BATCH = 512
PRETRAINING_SHARE = 0.3
"""The share of the training in which the encoder learns to tell items apart, where the task knows what they are."""


def shared_encoder(item: int, *, code: int, encoder: int, hidden: Sequence[int], classes: int) -> nn.Sequential:
    """Four items, each coded by the same encoder; then layers over the four codes.

    All parts stand in a row, so that searches run only what is behind their site.

    Args:
        item: numbers an item.
        code: width of its code.
        encoder: width of the encoder's hidden layer.
        hidden: widths of the layers over the codes.
        classes: how many there are.
    """
    coder = nn.Sequential(nn.Linear(item, encoder), nn.ReLU(), nn.Linear(encoder, code), nn.Tanh())
    parts: dict[str, nn.Module] = {
        "items": nn.Unflatten(1, (len(ITEMS), item)),
        "encoder": coder,
        "codes": nn.Flatten(),
    }
    widths = (len(ITEMS) * code, *hidden)
    for number, (one, other) in enumerate(itertools.pairwise(widths), start=1):
        parts[f"layer{number}"] = nn.Sequential(nn.Linear(one, other), nn.ReLU())
    return nn.Sequential(OrderedDict(parts | {"head": nn.Linear(widths[-1], classes)}))


def make_shared_encoder(
    task: AbstractTask,
    seed: int,
    trained: bool = True,
    done: Callable[[float], None] = lambda share: None,
    code: int = 16,
    encoder: int = 128,
    hidden: Sequence[int] = (64, 64, 64),
    steps: int = 4000,
    learning_rate: float = 3e-3,
    weight_decay: float = 0.01,
    noise: float = 0.3,
) -> Module:
    """A network for a task of four items, wrapped; its sites are the four codes, all of them, and the layers.

    Where the task has a discrete variable of each single item (which digit it shows), the encoder first learns to tell
    its values apart: equality of equalities alone gives it nothing to begin with.

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
        module = shared_encoder(
            task.input_width // len(ITEMS), code=code, encoder=encoder, hidden=hidden, classes=task.classes
        )
        if trained:
            with one_thread():
                _train(module, task, _Recipe(steps, learning_rate, weight_decay, noise), code, seed, done)
    module.eval()
    layers = [f"layer{number}" for number in range(1, len(hidden) + 1)]
    codes = {f"code_{item}": f"encoder@1={place}" for place, item in enumerate(ITEMS)}
    return Module(module, sites={**codes, **{name: name for name in ("codes", *layers)}})


class _Recipe(NamedTuple):
    """How it is trained."""

    steps: int
    learning_rate: float
    weight_decay: float
    noise: float


def _train(
    module: nn.Sequential,
    task: AbstractTask,
    recipe: _Recipe,
    code: int,
    seed: int,
    done: Callable[[float], None],
) -> None:
    """First the encoder, where there is something to tell apart by itself; then everything."""
    examples, kinds = derived_generator(seed, "training examples"), _kinds_of_items(task)
    first = int(PRETRAINING_SHARE * recipe.steps) if kinds else 0
    if kinds:
        coder = module.get_submodule("encoder")
        head = nn.Linear(code, len(task.model.variables[kinds[0]].values or ()))

        def of_items(inputs: Tensor, drawn: Values) -> Tensor:
            known = task.model.run(drawn)
            wanted = torch.stack([known[name] for name in kinds], 1)
            codes = coder(inputs.unflatten(1, (len(ITEMS), -1)))
            return F.cross_entropy(head(codes).flatten(0, 1), wanted.flatten())

        parameters = [*coder.parameters(), *head.parameters()]
        _fit(
            parameters,
            of_items,
            task,
            recipe._replace(steps=first),
            examples,
            lambda share: done(share * PRETRAINING_SHARE),
        )

    def of_classes(inputs: Tensor, drawn: Values) -> Tensor:
        return F.cross_entropy(module(inputs), task.model.run(drawn)[task.model.output])

    begun = first / recipe.steps
    rest = recipe._replace(steps=recipe.steps - first)
    _fit(list(module.parameters()), of_classes, task, rest, examples, lambda share: done(begun + share * (1 - begun)))


def _kinds_of_items(task: AbstractTask) -> list[str]:
    """For each item the discrete variable that is computed from it alone; none where some item has no such variable."""
    variables = task.model.variables
    found = [[name for name in task.model.discrete if variables[name].parents == (item,)] for item in ITEMS]
    return [names[0] for names in found] if all(found) else []


def _fit(
    parameters: Sequence[Tensor],
    loss: Callable[[Tensor, Values], Tensor],
    task: AbstractTask,
    recipe: _Recipe,
    examples: torch.Generator,
    done: Callable[[float], None],
) -> None:
    """AdamW with cosine decay, on examples that are drawn afresh for every step."""
    optimisers = [Adam.begin(parameter.data) for parameter in parameters]
    for step in range(recipe.steps):
        if step % 50 == 0:
            done(step / recipe.steps)
        drawn = task.sample(ENCODER_BATCH, split="train", generator=examples)
        inputs = task.encode(drawn)
        inputs = inputs + recipe.noise * torch.randn(inputs.shape, generator=examples)
        gradients = torch.autograd.grad(loss(inputs, drawn), parameters)
        rate = recipe.learning_rate * (1 + math.cos(math.pi * step / recipe.steps)) / 2
        for parameter, optimiser, gradient in zip(parameters, optimisers, gradients, strict=True):
            if parameter.dim() > 1:
                parameter.data.mul_(1 - rate * recipe.weight_decay)
            optimiser.step(parameter.data, gradient, rate)
