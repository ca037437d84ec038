"""Training of many perceptrons at once, without a graph."""

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
from interlocus.core.progress import OnProgress, ignore_progress
from interlocus.core.random import derived_generator
from interlocus.networks.mlp.activations import find_activation
from interlocus.tasks import AbstractTask

TRAINING_BATCH = 1024
"""Examples in each training step."""
TRAINING_CHUNK = 64
"""Steps whose examples are drawn in one call."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The settings with which perceptrons are trained.

    Args:
        learning_rate: Initial learning rate of AdamW; it decays to zero along a cosine.
        steps: Number of steps, each on a batch of 1,024 examples.
        gain: Scale of the initial weights: their standard deviation is gain / √(inputs of the layer).
        until: Return the networks as they are after this many steps, 0 to `steps`. By default, after all steps.
        examples: Size of a fixed training set from which batches are drawn. By default every batch is new. A network
            that is restarted gets another set.
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
"""The default recipe of each activation, chosen by experiment (docs/LOG.md).

Sigmoid networks need the large gain: with the usual weights they are almost linear and stay at chance."""

Parameters = tuple[list[Tensor], list[Tensor]]
"""Weights `[network, out, in]` and biases `[network, out]` of each layer."""

OnStep = Callable[[int, Parameters], None]
"""Takes the number of finished steps and the current parameters, which later steps change in place."""


def initial_parameters(widths: Sequence[int], *, gain: float, seed: int, network: int, restart: int = 0) -> Parameters:
    """Initial parameters of one network: uniform weights, and biases as in torch's `Linear`.

    Args:
        widths: Widths of all layers, from the input to the classes.
        gain: Scale of the weights, as in `Recipe`.
        seed: Seed shared by a stack of networks.
        network: Index of the network in the stack. Its parameters do not depend on how many others there are.
        restart: How often this network has been restarted.
    """
    generator = derived_generator(seed, "initial", network, restart)
    weights, biases = [], []
    for inputs, outputs in itertools.pairwise(widths):
        bound = math.sqrt(3) * gain / math.sqrt(inputs)
        weights.append((2 * torch.rand(1, outputs, inputs, generator=generator) - 1) * bound)
        biases.append((2 * torch.rand(1, outputs, generator=generator) - 1) / math.sqrt(inputs))
    return weights, biases


def stack_parameters(parts: Sequence[Parameters]) -> Parameters:
    """Parameters of several networks of one architecture, concatenated along the network axis."""
    weights, biases = ([torch.cat(layer) for layer in zip(*side, strict=True)] for side in zip(*parts, strict=True))
    return weights, biases


@dataclass(frozen=True, kw_only=True)
class MLPTraining:
    """One training run of a stack of perceptrons. All see the same examples; none influences another.

    Args:
        task: The task that supplies examples.
        activation: Name of the activation between two layers, a key of `ACTIVATIONS`.
        recipe: Learning rate, steps and training set.
        weight_decay: Weight decay of AdamW, on weights and biases.
        seed: Seed of the training examples.
    """

    task: AbstractTask
    activation: str
    recipe: Recipe
    weight_decay: float
    seed: int

    def run(
        self,
        parameters: Parameters,
        *,
        trainable: Parameters | None = None,
        on_progress: OnProgress = ignore_progress,
        on_step: OnStep = lambda step, parameters: None,
    ) -> Parameters:
        """Train from given initial parameters, which stay unchanged.

        Args:
            parameters: The initial parameters, of one network or of a stack.
            trainable: A mask of the parameters' shapes: one where a parameter is trained, zero where it keeps its
                value. By default, all are trained.
            on_progress: Called with the finished share of the steps.
            on_step: Called before the first step and after every step.

        Raises:
            NetworkError: The parameters of a network are no longer finite.
        """
        flat = _flatten(parameters)
        mask = None if trainable is None else _flatten(trainable)
        shapes = [tensor.shape[1:] for side in parameters for tensor in side]
        current = _views(flat, shapes)
        adam, gradient = Adam.begin(flat), torch.zeros_like(flat)
        slots, buffers = _views(gradient, shapes), BufferPool(flat)
        for step, batch in enumerate(self._batches()):
            on_step(step, current)
            if step % TRAINING_CHUNK == 0:
                on_progress(step / self.recipe.steps)
            self._write_gradients(current, slots, *batch, buffers)
            rate = self.recipe.learning_rate * (1 + math.cos(math.pi * step / self.recipe.steps)) / 2
            if mask is None:
                flat.mul_(1 - rate * self.weight_decay)
            else:
                gradient.mul_(mask)
                flat.mul_(1 - rate * self.weight_decay * mask)
            adam.step(flat, gradient, rate)
        if not torch.isfinite(flat).all():
            raise NetworkError(
                f"Training with learning rate {self.recipe.learning_rate} ended with parameters that are not finite.",
                "The activations of such a network are not numbers, so nothing can be searched in it.",
                "Lower the learning rate.",
            )
        on_step(self.recipe.steps, current)
        return [weight.contiguous() for weight in current[0]], [bias.contiguous() for bias in current[1]]

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs and one-hot classes of each step, batch last."""
        task, recipe, count = self.task, self.recipe, TRAINING_BATCH * TRAINING_CHUNK
        generator, fixed_set = derived_generator(self.seed, "training examples"), None
        if recipe.examples is not None:
            set_generator = derived_generator(self.seed, "few training examples")
            fixed_set = task.labelled_inputs(recipe.examples, split="train", generator=set_generator)
        for first in range(0, recipe.steps, TRAINING_CHUNK):
            if fixed_set is None:
                drawn, labels = task.labelled_inputs(count, split="train", generator=generator)
            else:
                rows = torch.randint(len(fixed_set[0]), (count,), generator=generator)
                drawn, labels = fixed_set[0][rows], fixed_set[1][rows]
            inputs, one_hot = (
                part.view(TRAINING_CHUNK, TRAINING_BATCH, -1).transpose(1, 2).contiguous()
                for part in (drawn, F.one_hot(labels, task.classes).float())
            )
            yield from itertools.islice(zip(inputs, one_hot, strict=True), recipe.steps - first)

    def _write_gradients(
        self,
        parameters: Parameters,
        slots: Parameters,
        inputs: Float[Tensor, "width batch"],
        one_hot: Float[Tensor, "class batch"],
        buffers: BufferPool,
    ) -> None:
        """Write the gradient of each network's mean cross-entropy into the slots."""
        activation = find_activation(self.activation)
        weights, biases = parameters
        networks, batch = len(weights[0]), inputs.shape[1]
        hidden, arguments = [inputs.expand(networks, -1, -1)], []
        for i, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            out = buffers(f"argument{i}", networks, weight.shape[1], batch)
            arguments.append(torch.bmm(weight, hidden[-1], out=out).add_(bias.unsqueeze(2)))
            if i < len(weights) - 1:
                hidden.append(activation.forward_into(out, buffers(f"hidden{i}", *out.shape)))
        slope = torch.softmax(arguments[-1], 1, out=buffers("slope", *arguments[-1].shape)).sub_(one_hot).div_(batch)
        for i in reversed(range(len(weights))):
            slots[0][i].copy_(torch.bmm(slope, hidden[i].transpose(1, 2)))
            slots[1][i].copy_(slope.sum(2))
            if i:
                transposed = weights[i].transpose(1, 2).contiguous()
                slope = torch.bmm(transposed, slope, out=buffers(f"slope{i}", *hidden[i].shape))
                activation.backward_in_place(slope, arguments[i - 1], hidden[i])


def _flatten(parameters: Parameters) -> Float[Tensor, "network parameter"]:
    return torch.cat([tensor.flatten(1) for side in parameters for tensor in side], 1)


def _views(flat: Float[Tensor, "network parameter"], shapes: Sequence[torch.Size]) -> Parameters:
    """Weights and biases as views of one tensor."""
    parts = flat.split([math.prod(shape) for shape in shapes], 1)
    tensors = [part.view(-1, *shape) for part, shape in zip(parts, shapes, strict=True)]
    return tensors[: len(tensors) // 2], tensors[len(tensors) // 2 :]
