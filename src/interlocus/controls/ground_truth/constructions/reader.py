"""The part of a coded perceptron after its site, which is trained on lessons, many networks at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from interlocus.controls.ground_truth.constructions.architectures import REACH
from interlocus.controls.ground_truth.constructions.construction import Construction, FeatureSettings, Lesson
from interlocus.controls.ground_truth.constructions.features import Layer, joined_units, step
from interlocus.controls.ground_truth.wiring import Detector
from interlocus.core.linalg import Adam
from interlocus.core.random import derived_generator
from interlocus.networks.mlp.activations import find_activation
from interlocus.networks.mlp.fast_training import INITIAL_GAINS, fast_learning_rate
from interlocus.networks.mlp.training import Parameters, initial_parameters, stack_parameters

READER_STEPS, READER_BATCH = 1500, 256
TAUGHT_NOISE = 0.05
"""Standard deviation of noise on what is read, in lessons."""


def bounding_layer(reads: int, width: int, activation: str, generator: torch.Generator) -> Layer:
    """The first layer of a reader: it bounds what is read, so that no exchange leads beyond what was taught.

    Args:
        reads: How many numbers are read.
        width: Number of units.
        activation: Activation function of the units.
        generator: Draws the order of the units.

    Raises:
        SpecificationError: The layer is too narrow.
    """
    units = [step(row, 0.0, 2 * REACH, activation) for row in torch.eye(reads)]
    return joined_units(
        [Detector(one.weight, one.bias, 2 * one.read, 2 * one.offset - 1) for one in units], width, reads, generator
    )


def lessons_of(
    construction: Construction, settings: FeatureSettings, *, steps: int, batch: int, seed: int
) -> Iterator[Lesson]:
    """Fresh lessons: settings of the features drawn with equal probabilities, taught, and with noise.

    Args:
        construction: The code, what is read of it, and how it is taught.
        settings: Every setting of the features.
        steps: Number of lessons.
        batch: Number of examples in each.
        seed: Seed of the examples.
    """
    generator = derived_generator(seed, "lessons", construction.name)
    numbers = construction.code(settings)
    read = numbers @ construction.matrix(numbers.shape[1]).T
    for _ in range(steps):
        rows = torch.randint(len(read), (batch,), generator=generator)
        lesson = construction.teach({name: value[rows] for name, value in settings.items()}, read[rows], generator)
        noise = TAUGHT_NOISE * torch.randn(lesson.read.shape, generator=generator)
        yield Lesson(lesson.read + noise, lesson.labels)


def train_readers(
    construction: Construction,
    settings: FeatureSettings,
    *,
    hidden: Sequence[int],
    classes: int,
    activation: str,
    count: int,
    seed: int,
) -> Parameters:
    """Train perceptrons from what is read to the answer.

    Args:
        construction: The code, what is read of it, and how it is taught.
        settings: Every setting of the features.
        hidden: Widths of the layers after the site.
        classes: Number of classes.
        activation: Activation function.
        count: Number of networks; they differ in their initial parameters.
        seed: Seed of parameters and lessons.
    """
    reads = len(construction.matrix(construction.code(settings).shape[1]))
    gain = 2 * INITIAL_GAINS.get(activation, 1.0) if activation != "sigmoid" else 4.0
    initial = [initial_parameters((reads, *hidden, classes), gain=gain / 2, seed=seed, network=i) for i in range(count)]
    weights, biases = stack_parameters(initial)
    shapes = [tensor.shape for tensor in (*weights, *biases)]
    flat = torch.cat([tensor.flatten() for tensor in (*weights, *biases)]).requires_grad_()
    adam, rate = Adam.begin(flat.detach()), fast_learning_rate(activation)
    function = find_activation(activation).function
    bounding = bounding_layer(reads, 4 * reads, activation, derived_generator(seed, "bounding"))
    for number, lesson in enumerate(
        lessons_of(construction, settings, steps=READER_STEPS, batch=READER_BATCH, seed=seed)
    ):
        with torch.enable_grad():
            views = _views(flat, shapes)
            units = function(lesson.read @ bounding.weight.T + bounding.bias)
            value = (units @ bounding.read.T + bounding.offset).expand(count, -1, -1)
            for i in range(len(weights)):
                value = torch.baddbmm(views[len(weights) + i].unsqueeze(1), value, views[i].transpose(1, 2))
                value = function(value) if i < len(weights) - 1 else value
            labels = lesson.labels.repeat(count)
            loss = F.cross_entropy(value.flatten(0, 1), labels, reduction="sum") / READER_BATCH
            (gradient,) = torch.autograd.grad(loss, flat)
        with torch.no_grad():
            adam.step(flat, gradient, rate * (1 + math.cos(math.pi * number / READER_STEPS)) / 2)
    trained = [view.detach().clone() for view in _views(flat, shapes)]
    return trained[: len(weights)], trained[len(weights) :]


def _views(flat: Float[Tensor, " parameter"], shapes: Sequence[torch.Size]) -> list[Tensor]:
    parts = flat.split([shape.numel() for shape in shapes])
    return [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]
