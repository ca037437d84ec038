"""The first layer of a coded network: its units say exactly which discrete features an input has.

Each feature is a step of a projection of the input (or, for equalities, a detector of zero), so it is linear in few
units, for every activation.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.controls.ground_truth.constructions.construction import Construction, FeatureSettings
from interlocus.controls.ground_truth.wiring import SATURATED_INPUT, STEEPNESS, Detector, gaps, zero_detector
from interlocus.core.errors import SpecificationError
from interlocus.networks.mlp.activations import find_activation
from interlocus.tasks import AbstractTask, HierarchicalEquality, ModularSum

EQUALITIES = ("left", "right")
STEP_WIDTH = 0.01
"""Length of the interval of a projection in which a step is neither low nor high, for projections of variance 1."""
PASSED_ON = 3
"""Number of projections of the input that pass through, as numbers that nothing reads."""
LINEAR_OFFSET, LINEAR_SCALE = 8.0, 0.05
"""ReLU and GELU are linear far above zero, and bounded activations are linear near zero."""


class Layer(NamedTuple):
    """Weights and biases of a layer, and how numbers are read from its units: `read @ h + offset`."""

    weight: Float[Tensor, "unit input"]
    bias: Float[Tensor, " unit"]
    read: Float[Tensor, "number unit"]
    offset: Float[Tensor, " number"]


@dataclass(frozen=True, kw_only=True)
class Features:
    """The first layer of one network.

    Args:
        layer: The layer; the first numbers read from it are discrete, the last `PASSED_ON` are not.
        settings: Values of the features in every setting, by name.
        values: The discrete numbers that are read in each setting.
    """

    layer: Layer
    settings: FeatureSettings
    values: Float[Tensor, "setting number"]


def wire_features(
    construction: Construction,
    task: AbstractTask,
    *,
    width: int,
    activation: str,
    share: float,
    generator: torch.Generator,
) -> Features:
    """Write the first layer of a network.

    Args:
        construction: Names the features.
        task: The task that the network solves.
        width: Number of units.
        activation: Activation function of the units.
        share: Share of the inputs in which the feature `gate` is on.
        generator: Draws the directions of features that are not the task's.

    Raises:
        SpecificationError: The layer is too narrow.
    """
    if isinstance(task, ModularSum):
        detectors, settings, values = _numbers(task, activation)
    else:
        assert isinstance(task, HierarchicalEquality)
        detectors = [
            *_equalities(task, activation, generator),
            *_steps(construction, task, activation, share, generator),
        ]
        rows = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=len(detectors))))
        names = (*EQUALITIES, *(name for name in construction.features if name not in EQUALITIES))
        settings, values = dict(zip(names, rows.T, strict=True)), rows
        # from 0 and 1 to −1 and 1
        detectors = [Detector(one.weight, one.bias, 2 * one.read, 2 * one.offset - 1) for one in detectors]
    passed = [_linear(direction, activation) for direction in _directions(PASSED_ON, task.input_width, generator)]
    return Features(
        layer=joined_units([*detectors, *passed], width, task.input_width, generator), settings=settings, values=values
    )


def _equalities(task: HierarchicalEquality, activation: str, generator: torch.Generator) -> list[Detector]:
    m = task.item_width
    directions = torch.zeros(2, 4 * m)
    for pair in range(2):
        direction = torch.nn.functional.normalize(torch.randn(m, generator=generator), dim=0)
        directions[pair, 2 * m * pair : 2 * m * (pair + 1)] = torch.cat([direction, -direction])
    distances = gaps(task, directions, generator).tolist()
    return [zero_detector(direction, gap, activation) for direction, gap in zip(directions, distances, strict=True)]


def _steps(
    construction: Construction, task: HierarchicalEquality, activation: str, share: float, generator: torch.Generator
) -> list[Detector]:
    """Steps along directions of one item each; the item is none that decides alone whether its pair is equal."""
    m, steps = task.item_width, []
    items = {"u": 2, "w": 0, "gate": 1}
    for name in construction.features:
        if name in EQUALITIES:
            continue
        direction = torch.zeros(4 * m)
        start = items[name] * m
        direction[start : start + m] = torch.nn.functional.normalize(torch.randn(m, generator=generator), dim=0)
        threshold = float(torch.special.ndtri(torch.tensor(1 - share))) if name == "gate" else 0.0
        steps.append(step(direction, threshold, STEP_WIDTH, activation))
    return steps


def _numbers(
    task: ModularSum, activation: str
) -> tuple[list[Detector], FeatureSettings, Float[Tensor, "setting number"]]:
    """The numbers of a modular sum: a step for each component of their codes."""
    m = task.modulus
    detectors = [step(row, 0.5, 0.1, activation) for row in torch.eye(3 * m)]
    rows = torch.tensor(list(itertools.product(range(m), repeat=3)))
    values = torch.nn.functional.one_hot(rows, m).flatten(1).float()
    return detectors, dict(zip("abc", rows.T.float(), strict=True)), values


def step(direction: Float[Tensor, " input"], threshold: float, width: float, activation: str) -> Detector:
    """Units from which 0 is read below a threshold of a projection, and 1 above it.

    Args:
        direction: The direction of the projection.
        threshold: Where .5 is read.
        width: Length of the interval in which something between 0 and 1 is read.
        activation: Activation function of the units.
    """
    if activation in SATURATED_INPUT:
        half = SATURATED_INPUT[activation]
        top = find_activation(activation).function(torch.tensor([half, -half]))
        slope, size = 2 * half / width, float(top[0] - top[1])
        offset = -float(top[1]) / size
        return Detector(slope * direction[None], torch.tensor([-slope * threshold]), torch.tensor([1 / size]), offset)
    steep = STEEPNESS if activation == "gelu" else 1.0
    rows = torch.stack([direction, direction]) * (steep / width)
    at = steep * (0.5 - threshold / width)
    return Detector(rows, torch.tensor([at, at - steep]), torch.tensor([1.0, -1.0]) / steep, 0.0)


def _linear(direction: Float[Tensor, " input"], activation: str) -> Detector:
    """One unit from which a projection of the input is read."""
    if activation in SATURATED_INPUT:
        slope = {"tanh": 1.0, "sigmoid": 0.25}[activation] * LINEAR_SCALE
        middle = float(find_activation(activation).function(torch.zeros(())))
        row = LINEAR_SCALE * direction[None]
        return Detector(row, torch.zeros(1), torch.tensor([1 / slope]), -middle / slope)
    return Detector(direction[None], torch.tensor([LINEAR_OFFSET]), torch.ones(1), -LINEAR_OFFSET)


def _directions(count: int, width: int, generator: torch.Generator) -> Float[Tensor, "direction input"]:
    return torch.nn.functional.normalize(torch.randn(count, width, generator=generator), dim=1)


def joined_units(detectors: Sequence[Detector], width: int, inputs: int, generator: torch.Generator) -> Layer:
    """All units in one layer, in a random order; units that are left over see the inputs at random.

    Args:
        detectors: The units, and how one number is read from each.
        width: Number of units of the layer.
        inputs: Number of inputs of the layer.
        generator: Draws the order and the units that are left over.

    Raises:
        SpecificationError: There are more units than the layer has.
    """
    needed = sum(len(one.weight) for one in detectors)
    if needed > width:
        raise SpecificationError(
            f"A layer is {width} wide.",
            f"What this construction reads takes {needed} units.",
            "Use a wider layer.",
        )
    weight = torch.randn(width, inputs, generator=generator) / inputs**0.5
    bias, read = 0.5 * torch.randn(width, generator=generator), torch.zeros(len(detectors), width)
    places = iter(torch.randperm(width, generator=generator).tolist())
    for row, one in enumerate(detectors):
        for unit in range(len(one.weight)):
            place = next(places)
            weight[place], bias[place], read[row, place] = one.weight[unit], one.bias[unit], one.read[unit]
    return Layer(weight, bias, read, torch.tensor([one.offset for one in detectors]))
