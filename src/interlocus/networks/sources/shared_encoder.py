"""The network source `shared_encoder`: one encoder applied to four items, then layers over the four codes."""

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
from interlocus.core.progress import OnProgress, ignore_progress
from interlocus.core.random import derived_generator
from interlocus.core.threads import one_thread
from interlocus.networks.module.model import Module
from interlocus.tasks import AbstractTask

ITEMS = "abcd"
ENCODER_BATCH = 512
"""Examples in each training step."""
PRETRAINING_SHARE = 0.3
"""Share of the steps in which only the encoder is trained, on the variable of each single item."""
PROGRESS_INTERVAL = 50
"""Steps between two reports of progress."""

Loss = Callable[[Tensor, Values], Tensor]
"""Takes encoded inputs and the values of the task's inputs; returns a scalar."""


def shared_encoder(item: int, *, code: int, encoder: int, hidden: Sequence[int], classes: int) -> nn.Sequential:
    """An untrained network: four items encoded by one encoder, then layers over the four codes.

    The parts form a sequence, so that a search runs only the parts after its site.

    Args:
        item: Width of one item; the input has four times that width.
        code: Width of the code of one item.
        encoder: Width of the encoder's hidden layer.
        hidden: Widths of the layers over the codes.
        classes: The number of classes.
    """
    encode_item = nn.Sequential(nn.Linear(item, encoder), nn.ReLU(), nn.Linear(encoder, code), nn.Tanh())
    parts: dict[str, nn.Module] = {
        "items": nn.Unflatten(1, (len(ITEMS), item)),
        "encoder": encode_item,
        "codes": nn.Flatten(),
    }
    widths = (len(ITEMS) * code, *hidden)
    for number, (inputs, outputs) in enumerate(itertools.pairwise(widths), start=1):
        parts[f"layer{number}"] = nn.Sequential(nn.Linear(inputs, outputs), nn.ReLU())
    return nn.Sequential(OrderedDict(parts | {"head": nn.Linear(widths[-1], classes)}))


def make_shared_encoder(
    task: AbstractTask,
    seed: int,
    trained: bool = True,
    on_progress: OnProgress = ignore_progress,
    code: int = 16,
    encoder: int = 128,
    hidden: Sequence[int] = (64, 64, 64),
    steps: int = 4000,
    learning_rate: float = 3e-3,
    weight_decay: float = 0.01,
    noise: float = 0.3,
) -> Module:
    """A network for a task of four items.

    Its sites are the code of each item (`code_a` to `code_d`), all codes together (`codes`) and the layers over them
    (`layer1`, …). Where the task has a discrete variable of each single item, such as the digit that it shows, the
    encoder first learns to classify it: the answer to the whole task alone gives the encoder too weak a gradient.

    Every argument after `on_progress` is an option in a study, so the arguments are not grouped.

    Args:
        task: A task whose input is four items of equal width, one after another.
        seed: Seed of initial parameters and training examples.
        trained: Whether to train the network.
        on_progress: Called with the finished share of the training.
        code: Width of the code of one item.
        encoder: Width of the encoder's hidden layer.
        hidden: Widths of the layers over the codes.
        steps: Number of training steps with 512 examples each, pretraining of the encoder included.
        learning_rate: Initial learning rate of AdamW; it decays to zero along a cosine.
        weight_decay: Weight decay of AdamW, on weights but not on biases.
        noise: Standard deviation of Gaussian noise added to training inputs.

    Raises:
        SpecificationError: The input width is no multiple of four.
    """
    if task.input_width % len(ITEMS):
        raise SpecificationError(
            f"The inputs of the task {task.name} are {task.input_width} numbers wide.",
            "A shared encoder needs four items of equal width.",
            "Use another network for this task, such as `mlp`.",
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = shared_encoder(
            task.input_width // len(ITEMS), code=code, encoder=encoder, hidden=hidden, classes=task.classes
        )
        if trained:
            recipe = _EncoderRecipe(steps, learning_rate, weight_decay, noise)
            with one_thread():
                _train(module, task, recipe, code, seed, on_progress)
    module.eval()
    layers = [f"layer{number}" for number in range(1, len(hidden) + 1)]
    codes = {f"code_{item}": f"encoder@1={place}" for place, item in enumerate(ITEMS)}
    return Module(module, sites={**codes, **{name: name for name in ("codes", *layers)}})


class _EncoderRecipe(NamedTuple):
    """Settings of the training, as in `make_shared_encoder`."""

    steps: int
    learning_rate: float
    weight_decay: float
    noise: float


def _train(
    module: nn.Sequential,
    task: AbstractTask,
    recipe: _EncoderRecipe,
    code: int,
    seed: int,
    on_progress: OnProgress,
) -> None:
    """Train the encoder on the variables of single items, where there are such; then the whole network."""
    examples, item_variables = derived_generator(seed, "training examples"), _item_variables(task)
    pretraining_steps = int(PRETRAINING_SHARE * recipe.steps) if item_variables else 0
    if item_variables:
        encode_item = module.get_submodule("encoder")
        head = nn.Linear(code, len(task.model.variables[item_variables[0]].values or ()))

        def item_loss(inputs: Tensor, drawn: Values) -> Tensor:
            values = task.model.run(drawn)
            labels = torch.stack([values[name] for name in item_variables], 1)
            codes = encode_item(inputs.unflatten(1, (len(ITEMS), -1)))
            return F.cross_entropy(head(codes).flatten(0, 1), labels.flatten())

        _fit(
            [*encode_item.parameters(), *head.parameters()],
            item_loss,
            task,
            recipe._replace(steps=pretraining_steps),
            examples,
            lambda share: on_progress(share * PRETRAINING_SHARE),
        )

    def class_loss(inputs: Tensor, drawn: Values) -> Tensor:
        return F.cross_entropy(module(inputs), task.model.run(drawn)[task.model.output])

    finished = pretraining_steps / recipe.steps
    _fit(
        list(module.parameters()),
        class_loss,
        task,
        recipe._replace(steps=recipe.steps - pretraining_steps),
        examples,
        lambda share: on_progress(finished + share * (1 - finished)),
    )


def _item_variables(task: AbstractTask) -> list[str]:
    """For each item a discrete variable that depends on this item alone; empty if some item has none."""
    variables = task.model.variables
    of_items = [[name for name in task.model.discrete if variables[name].parents == (item,)] for item in ITEMS]
    return [names[0] for names in of_items] if all(of_items) else []


def _fit(
    parameters: Sequence[Tensor],
    loss: Loss,
    task: AbstractTask,
    recipe: _EncoderRecipe,
    examples: torch.Generator,
    on_progress: OnProgress,
) -> None:
    """Train parameters with AdamW and a cosine decay, on new examples in every step."""
    optimisers = [Adam.begin(parameter.data) for parameter in parameters]
    for step in range(recipe.steps):
        if step % PROGRESS_INTERVAL == 0:
            on_progress(step / recipe.steps)
        drawn = task.sample(ENCODER_BATCH, split="train", generator=examples)
        inputs = task.encode(drawn)
        inputs = inputs + recipe.noise * torch.randn(inputs.shape, generator=examples)
        gradients = torch.autograd.grad(loss(inputs, drawn), parameters)
        rate = recipe.learning_rate * (1 + math.cos(math.pi * step / recipe.steps)) / 2
        for parameter, optimiser, gradient in zip(parameters, optimisers, gradients, strict=True):
            if parameter.dim() > 1:
                parameter.data.mul_(1 - rate * recipe.weight_decay)
            optimiser.step(parameter.data, gradient, rate)
