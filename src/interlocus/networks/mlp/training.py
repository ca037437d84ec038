"""How many perceptrons are trained at once."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from interlocus.core.errors import NetworkError
from interlocus.core.linalg import Adam, BufferPool
from interlocus.core.random import derived_generator
from interlocus.networks.mlp.activations import Activation
from interlocus.tasks import AbstractTask

TRAINING_BATCH = 1024
TRAINING_CHUNK = 64
"""Steps whose examples are drawn together."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How networks of one activation learn.

    Args:
        learning_rate: of AdamW, at the beginning; it falls to zero along a cosine.
        steps: of 1,024 examples each.
        gain: weights are drawn with standard deviation gain / √inputs.
        until: keep the networks as they are after so many of the steps; by default after all.
        examples: so many are drawn once, and batches out of these; by default all are drawn afresh. A network that is
            begun again has others.
    """

    learning_rate: float
    steps: int
    gain: float = 1 / math.sqrt(3)
    until: int | None = None
    examples: int | None = None


RECIPES = {
    "relu": Recipe(learning_rate=5e-3, steps=5000),
    "gelu": Recipe(learning_rate=5e-3, steps=4000),
    "tanh": Recipe(learning_rate=5e-3, steps=6000),
    "sigmoid": Recipe(learning_rate=3e-2, steps=3000, gain=4.0),
}
"""Chosen by trying (docs/LOG.md); from the usual start sigmoid networks stay at chance, being all but linear there."""

Parameters = tuple[list[Tensor], list[Tensor]]
"""Weights `[network out in]` and biases `[network out]` of each layer."""


def initial(widths: Sequence[int], *, gain: float, seed: int, network: int, restart: int = 0) -> Parameters:
    """Parameters of one network before training: uniform, biases as in torch's `Linear`."""
    generator = derived_generator(seed, "initial", network, restart)
    weights, biases = [], []
    for inputs, outputs in itertools.pairwise(widths):
        spread = math.sqrt(3) * gain / math.sqrt(inputs)
        weights.append((2 * torch.rand(1, outputs, inputs, generator=generator) - 1) * spread)
        biases.append((2 * torch.rand(1, outputs, generator=generator) - 1) / math.sqrt(inputs))
    return weights, biases


def stack(parts: Sequence[Parameters]) -> Parameters:
    """Parameters of several networks, one behind the other."""
    return tuple([torch.cat(layer) for layer in zip(*side, strict=True)] for side in zip(*parts, strict=True))  # type: ignore[return-value]


def train_perceptrons(
    parameters: Parameters,
    activation: Activation,
    task: AbstractTask,
    recipe: Recipe,
    *,
    weight_decay: float,
    seed: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
    learned: Parameters | None = None,
    on_validation: Callable[[int, Parameters], None] = lambda step, parameters: None,
) -> Parameters:
    """Train all networks at once; they see the same examples, and none feels the others.

    Args:
        parameters: where to begin.
        activation: between the layers.
        task: what they learn.
        recipe: how.
        weight_decay: of AdamW, on all parameters.
        seed: decides on the examples.
        progress: is told steps done and steps in all.
        learned: one for the parameters that are learned, zero for those that stay as they are; by default all are.
        on_validation: is shown the parameters after each number of steps, which go on changing in place.

    Raises:
        NetworkError: a network diverges.
    """
    flat = _flat(parameters)
    free = None if learned is None else _flat(learned)
    shapes = [tensor.shape[1:] for side in parameters for tensor in side]
    weights, biases = _views(flat, shapes)
    adam, gradient = Adam.begin(flat), torch.zeros_like(flat)
    slots, buffers = _views(gradient, shapes), BufferPool(flat)
    for step, batch in enumerate(_batches(task, recipe, seed)):
        on_validation(step, (weights, biases))
        if step % TRAINING_CHUNK == 0:
            progress(step, recipe.steps)
        _gradients((weights, biases), slots, activation, *batch, buffers)
        rate = recipe.learning_rate * (1 + math.cos(math.pi * step / recipe.steps)) / 2
        if free is None:
            flat.mul_(1 - rate * weight_decay)
        else:
            gradient.mul_(free)
            flat.mul_(1 - rate * weight_decay * free)
        adam.step(flat, gradient, rate)
    if not torch.isfinite(flat).all():
        raise NetworkError(
            f"Training ended with parameters that are not numbers (learning rate {recipe.learning_rate}).",
            "Such a network has no activations to search.",
            "Lower the learning rate.",
        )
    on_validation(recipe.steps, (weights, biases))
    return [weight.contiguous() for weight in weights], [bias.contiguous() for bias in biases]


def _batches(task: AbstractTask, recipe: Recipe, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Inputs and one-hot classes of each step, batch last."""
    generator, few = derived_generator(seed, "training examples"), None
    if recipe.examples is not None:
        few = task.labelled_inputs(
            recipe.examples, split="train", generator=derived_generator(seed, "few training examples")
        )
    for first in range(0, recipe.steps, TRAINING_CHUNK):
        if few is None:
            drawn, labels = task.labelled_inputs(TRAINING_BATCH * TRAINING_CHUNK, split="train", generator=generator)
        else:
            chosen = torch.randint(len(few[0]), (TRAINING_BATCH * TRAINING_CHUNK,), generator=generator)
            drawn, labels = few[0][chosen], few[1][chosen]
        inputs = drawn.view(TRAINING_CHUNK, TRAINING_BATCH, -1).transpose(1, 2).contiguous()
        one_hot = (
            F.one_hot(labels, task.classes)
            .float()
            .view(TRAINING_CHUNK, TRAINING_BATCH, -1)
            .transpose(1, 2)
            .contiguous()
        )
        yield from itertools.islice(zip(inputs, one_hot, strict=True), recipe.steps - first)


def _flat(parameters: Parameters) -> Float[Tensor, "network parameter"]:
    return torch.cat([tensor.flatten(1) for side in parameters for tensor in side], 1)


def _views(flat: Float[Tensor, "network parameter"], shapes: Sequence[torch.Size]) -> Parameters:
    """Weights and biases as views of one tensor."""
    parts = flat.split([math.prod(shape) for shape in shapes], 1)
    tensors = [part.view(-1, *shape) for part, shape in zip(parts, shapes, strict=True)]
    return tensors[: len(tensors) // 2], tensors[len(tensors) // 2 :]


def _gradients(
    parameters: Parameters,
    slots: Parameters,
    activation: Activation,
    inputs: Float[Tensor, "width batch"],
    one_hot: Float[Tensor, "class batch"],
    buffers: BufferPool,
) -> None:
    """Write the gradient of each network's mean cross-entropy into the slots; no graph is built."""
    weights, biases = parameters
    networks, batch = len(weights[0]), inputs.shape[1]
    hidden, arguments = [inputs.expand(networks, -1, -1)], []
    for i, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        out = buffers(f"argument{i}", networks, weight.shape[1], batch)
        arguments.append(torch.bmm(weight, hidden[-1], out=out).add_(bias.unsqueeze(2)))
        if i < len(weights) - 1:
            hidden.append(activation.fill(out, buffers(f"hidden{i}", *out.shape)))
    slope = torch.softmax(arguments[-1], 1, out=buffers("slope", *arguments[-1].shape)).sub_(one_hot).div_(batch)
    for i in reversed(range(len(weights))):
        slots[0][i].copy_(torch.bmm(slope, hidden[i].transpose(1, 2)))
        slots[1][i].copy_(slope.sum(2))
        if i:
            turned = weights[i].transpose(1, 2).contiguous()
            slope = torch.bmm(turned, slope, out=buffers(f"slope{i}", *hidden[i].shape))
            activation.pull(slope, arguments[i - 1], hidden[i])
