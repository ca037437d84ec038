"""Perceptrons whose weights are written by hand, so that what each layer carries is decided beforehand.

The first layer detects whether pairs of items are equal. Each later layer holds a *code*: numbers that follow from the
two truth values, mixed by random weights. The truth values have four settings only, so the weights with which the next
layer reads a code are solved for exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.core.errors import SpecificationError
from interlocus.core.random import derived_generator
from interlocus.networks import MLP
from interlocus.networks.mlp.activations import find_activation
from interlocus.networks.mlp.training import RECIPES, Parameters, initial_parameters, stack_parameters
from interlocus.tasks import HierarchicalEquality

Code = Literal["bits", "count", "pair", "output", "copies"]
"""What a layer carries.

- `bits`: the truth values left and right.
- `count`: the number of equal pairs.
- `pair`: the count as two numbers, whether both pairs are equal and whether neither is.
- `output`: the answer.
- `copies`: the count, and copies of left and right that the next layer does not read.
"""
LEFT, RIGHT = torch.tensor([0.0, 0.0, 1.0, 1.0]), torch.tensor([0.0, 1.0, 0.0, 1.0])
"""The truth values in their four settings."""
CODE_VALUES: Mapping[Code, tuple[Tensor, ...]] = {
    "bits": (LEFT, RIGHT),
    "count": (LEFT + RIGHT,),
    "pair": (LEFT * RIGHT, (1 - LEFT) * (1 - RIGHT)),
    "output": (1 - (LEFT - RIGHT).abs(),),
    "copies": (LEFT + RIGHT, LEFT, RIGHT),
}
"""The numbers of each code in each setting. Of `copies` the next layer reads only the first number."""
_RANKS: Mapping[Code, tuple[int, ...]] = {
    "bits": (3,),
    "count": (2,),
    "pair": (2,),
    "output": (1,),
    "copies": (2, 2),
}
"""Number of directions in which the states must differ, so that the code and what follows from it can be read."""
CALIBRATION_EXAMPLES = 65_536
MISSED_SHARE = 0.001
"""Share of unequal pairs so close together that the first layer detects them as neither equal nor unequal."""
STEEPNESS = 30.0
SATURATED_INPUT = {"tanh": 4.0, "sigmoid": 8.0}
"""Input at which these activations are flat."""
LOGIT_DIFFERENCE = 10.0
MAX_WEIGHT_DRAWS, MIN_SPREAD = 100, 0.1
"""Weights are drawn again while the states of a layer are too close together in some direction that has to be read."""


class LayerReading(NamedTuple):
    """Numbers that are read from a layer: `weight @ h + offset`."""

    weight: Float[Tensor, "number width"]
    offset: Float[Tensor, " number"]


@dataclass(frozen=True, kw_only=True)
class WiredNetwork:
    """One network, and what its layers hold.

    Args:
        parameters: Weights and biases, as a stack of one network.
        readings: For each hidden layer the numbers that the next layer reads from it; it reads nothing else.
        states: For each hidden layer after the first its state in each of the four settings, `[setting, width]`.
        copies: For a layer that carries copies, how left and right are read from them; otherwise `None`.
    """

    parameters: Parameters
    readings: tuple[LayerReading, ...]
    states: tuple[Tensor, ...]
    copies: LayerReading | None


def wire(
    task: HierarchicalEquality,
    codes: Sequence[Code],
    *,
    hidden: Sequence[int],
    activation: str,
    seed: int,
    network: int,
) -> WiredNetwork:
    """Write the weights of one network.

    Args:
        task: The task that the network solves.
        codes: The code of each hidden layer after the first.
        hidden: Widths of the hidden layers, one more than there are codes.
        activation: Activation function of the hidden layers.
        seed: Seed of directions and weights.
        network: Number of the network; networks with different numbers have different weights.

    Raises:
        SpecificationError: A layer is too narrow.
    """
    generator = derived_generator(seed, "wiring", network)
    weights, biases = initial_parameters(
        (task.input_width, *hidden, task.classes), gain=RECIPES[activation].gain, seed=seed, network=network
    )
    first_code: Code = codes[0] if codes else "output"
    reading = _wire_first_layer(task, first_code, activation, weights[0][0], biases[0][0], generator)
    readings, states, copies = [reading], [], None
    for i, code in enumerate(codes, start=1):
        layer = _draw_layer(code, hidden[i], activation, generator)
        weights[i][0], biases[i][0] = layer.weight @ reading.weight, layer.weight @ reading.offset + layer.bias
        following = codes[i] if i < len(codes) else "output"
        reading = _solve(layer.states, torch.stack(CODE_VALUES[following], 1), layer.read)
        if code == "copies":
            copies = _solve(layer.states, torch.stack(CODE_VALUES["bits"], 1), layer.holds_copies)
        readings.append(reading)
        states.append(layer.states)
    sign = torch.tensor([[-LOGIT_DIFFERENCE], [LOGIT_DIFFERENCE]])
    weights[-1][0], biases[-1][0] = sign @ reading.weight, sign @ (reading.offset - 0.5)
    return WiredNetwork(parameters=(weights, biases), readings=tuple(readings), states=tuple(states), copies=copies)


def stack_wired(wired: Sequence[WiredNetwork], activation: str) -> MLP:
    """Stack networks of one architecture.

    Args:
        wired: The networks, all with the same widths.
        activation: Activation function that they were wired for.
    """
    return MLP(*stack_parameters([network.parameters for network in wired]), activation=activation)


def _wire_first_layer(
    task: HierarchicalEquality,
    code: Code,
    activation: str,
    weight: Float[Tensor, "unit input"],
    bias: Float[Tensor, " unit"],
    generator: torch.Generator,
) -> LayerReading:
    """Write detectors of equal pairs into some units of the first layer, and say how a code is read from them.

    A pair is equal where the difference of its items is zero along a random direction. That both pairs are equal is
    detected along a sum of two such directions, which is almost never zero otherwise. All other units keep the weights
    that they were drawn with.
    """
    width, m = len(weight), task.item_width
    directions = torch.zeros(3, 4 * m)
    for pair in range(2):
        direction = torch.nn.functional.normalize(torch.randn(m, generator=generator), dim=0)
        directions[pair, 2 * m * pair : 2 * m * (pair + 1)] = torch.cat([direction, -direction])
    directions[2] = directions[0] + (0.5 + torch.rand(1, generator=generator)) * directions[1]
    from_equal = _FROM_EQUAL[code]
    directions = directions[: from_equal.weight.shape[1]]
    distances = gaps(task, directions, generator).tolist()
    detectors = [
        zero_detector(direction, gap, activation) for direction, gap in zip(directions, distances, strict=True)
    ]
    size = len(detectors[0].weight)
    if width < size * len(detectors):
        raise SpecificationError(
            f"The first hidden layer is {width} wide.",
            f"With {activation} it takes {size * len(detectors)} units to detect which pairs are equal.",
            "Use a wider first layer.",
        )
    units = torch.randperm(width, generator=generator)[: size * len(detectors)].view(len(detectors), size)
    offsets = torch.tensor([detector.offset for detector in detectors])
    equal = LayerReading(torch.zeros(len(detectors), width), offsets)
    for row, (places, detector) in enumerate(zip(units, detectors, strict=True)):
        weight[places], bias[places] = detector.weight, detector.bias
        equal.weight[row, places] = detector.read
    return LayerReading(from_equal.weight @ equal.weight, from_equal.weight @ equal.offset + from_equal.offset)


_FROM_EQUAL: Mapping[Code, LayerReading] = {
    "bits": LayerReading(torch.eye(2), torch.zeros(2)),
    "count": LayerReading(torch.ones(1, 2), torch.zeros(1)),
    "pair": LayerReading(torch.tensor([[0.0, 0.0, 1.0], [-1.0, -1.0, 1.0]]), torch.tensor([0.0, 1.0])),
    "output": LayerReading(torch.tensor([[-1.0, -1.0, 2.0]]), torch.ones(1)),
    "copies": LayerReading(torch.tensor([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]]), torch.zeros(3)),
}
"""How a code follows from left, right and, where three numbers are read, whether both pairs are equal."""


class Detector(NamedTuple):
    """Units whose sum, weighted by `read`, plus `offset` is 1 where an input direction is zero, and 0 beyond a gap."""

    weight: Float[Tensor, "unit input"]
    bias: Float[Tensor, " unit"]
    read: Float[Tensor, " unit"]
    offset: float


def zero_detector(direction: Float[Tensor, " input"], gap: float, activation: str) -> Detector:
    """Units that detect whether a projection of the input is zero.

    Args:
        direction: The direction of the projection.
        gap: Distance from zero from which on the projection counts as not zero.
        activation: Activation function of the units.
    """
    if activation in SATURATED_INPUT:
        half = SATURATED_INPUT[activation]
        top = find_activation(activation).function(torch.tensor([half, -half]))
        rows = torch.stack([direction, direction]) * (2 * half / gap)
        read = torch.tensor([1.0, -1.0]) / float(top[0] - top[1])
        return Detector(rows, torch.tensor([half, -half]), read, 0.0)
    steep = STEEPNESS if activation == "gelu" else 1.0  # a GELU as steep as this is nearly a ReLU
    rows = torch.stack([direction, direction, -direction, -direction]) * (steep / gap)
    read = torch.tensor([-1.0, 1.0, -1.0, 1.0]) / steep
    return Detector(rows, torch.tensor([0.0, -steep, 0.0, -steep]), read, 1.0)


def gaps(
    task: HierarchicalEquality, directions: Float[Tensor, "direction input"], generator: torch.Generator
) -> Float[Tensor, " direction"]:
    """For each direction the distance from zero that all but `MISSED_SHARE` of the examples exceed, if not zero.

    Args:
        task: The task whose examples are drawn.
        directions: Directions of the inputs along which an equal pair is zero.
        generator: Source of the examples.
    """
    inputs, _ = task.labelled_inputs(CALIBRATION_EXAMPLES, split="train", generator=generator)
    along = (inputs.double() @ directions.double().T).abs()
    return torch.stack([distances[distances > 1e-6].quantile(MISSED_SHARE) for distances in along.T])


class _Layer(NamedTuple):
    """Random weights from a code to a layer.

    Args:
        weight: Weights from the numbers of the code.
        bias: Biases of the units.
        states: State of the layer in each setting.
        read: Projection onto the units that the next layer reads.
        holds_copies: Projection onto the units that hold the copies; zero for codes without copies.
    """

    weight: Float[Tensor, "unit number"]
    bias: Float[Tensor, " unit"]
    states: Float[Tensor, "setting unit"]
    read: Float[Tensor, "unit unit"]
    holds_copies: Float[Tensor, "unit unit"]


def _draw_layer(code: Code, width: int, activation: str, generator: torch.Generator) -> _Layer:
    """Draw a layer until its states in the settings differ in as many directions as its code needs."""
    values, function = torch.stack(CODE_VALUES[code], 1), find_activation(activation).function
    for _ in range(MAX_WEIGHT_DRAWS):
        weight, bias = (torch.randn(width, n, generator=generator) * 1.5 for n in (values.shape[1], 1))
        is_read = torch.ones(width)
        if code == "copies":
            is_read = (torch.arange(width)[torch.randperm(width, generator=generator)] % 2).float()
            side = torch.arange(width)[torch.randperm(width, generator=generator)] % 2
            weight = weight * torch.stack([is_read, (1 - is_read) * side, (1 - is_read) * (1 - side)], 1)
        states = function(values @ weight.T + bias.T)
        projections = torch.diag(is_read), torch.diag(1 - is_read)
        if all(_spread(states @ p, rank) > MIN_SPREAD for p, rank in zip(projections, _RANKS[code], strict=False)):
            return _Layer(weight, bias.flatten(), states, *projections)
    raise SpecificationError(
        f"A layer of {width} units is to carry the code {code!r}.",
        f"In {MAX_WEIGHT_DRAWS} draws of its weights its states in the four settings were too close together.",
        "Use a wider layer.",
    )


def _spread(states: Float[Tensor, "setting unit"], rank: int) -> float:
    """The spread of the states along the last of the directions that their code needs: a singular value."""
    return float(torch.linalg.svdvals(states - states.mean(0))[rank - 1])


def _solve(
    states: Float[Tensor, "setting unit"],
    values: Float[Tensor, "setting number"],
    projection: Float[Tensor, "unit unit"],
) -> LayerReading:
    """The smallest weights that read values from the projected states."""
    mean, middle = states.mean(0), values.mean(0)
    inverse = torch.linalg.pinv(((states - mean) @ projection).double(), rtol=1e-4)
    weight = ((inverse @ (values - middle).double()).T @ projection.double()).float()
    return LayerReading(weight, middle - weight @ mean)
