"""Perceptrons that are written down rather than trained: what each layer carries is decided beforehand.

The first layer tells whether pairs of items are equal; from then on a layer holds a *code*, numbers that follow from
the two truth values, behind random weights. Since there are four settings of the truth values, what the next layer
reads is solved for exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.core.errors import SpecificationError
from interlocus.core.random import derived_generator
from interlocus.networks import MLP
from interlocus.networks.mlp.activations import find_activation
from interlocus.networks.mlp.training import RECIPES, Parameters, initial_parameters, stack_parameters
from interlocus.tasks import HierarchicalEquality

LEFT, RIGHT = torch.tensor([0.0, 0.0, 1.0, 1.0]), torch.tensor([0.0, 1.0, 0.0, 1.0])
"""The four settings of the truth values."""
CODE_VALUES: Mapping[str, tuple[Tensor, ...]] = {
    "bits": (LEFT, RIGHT),
    "count": (LEFT + RIGHT,),
    "pair": (LEFT * RIGHT, (1 - LEFT) * (1 - RIGHT)),
    "output": (1 - (LEFT - RIGHT).abs(),),
    "copies": (LEFT + RIGHT, LEFT, RIGHT),
}
"""What a layer may carry, on each setting. Of `copies` the next layer reads the first number and nothing else."""
_RANKS = {"bits": (3,), "count": (2,), "pair": (2,), "output": (1,), "copies": (2, 2)}
"""In how many directions the states have to differ so that all that follows from a code can be read off them."""
CALIBRATION_EXAMPLES = 65_536
MISSED_SHARE = 0.001
"""Share of unequal pairs that lie so near to each other that the first layer sees them as neither equal nor unequal."""
STEEP = 30.0
SATURATED = {"tanh": 4.0, "sigmoid": 8.0}
GAIN = 10.0
"""The logit difference."""
TRIES, TOLD_APART = 100, 0.1
"""Weights are drawn again while the states of a layer are nearly the same on two settings, or nearly on a line."""


class LayerReading(NamedTuple):
    """Numbers that can be read off a layer: `weight @ h + offset`."""

    weight: Float[Tensor, "number width"]
    offset: Float[Tensor, " number"]


@dataclass(frozen=True, kw_only=True)
class Wired:
    """One network with what its layers hold.

    Args:
        parameters: weights and biases, as a stack of one.
        readings: for each hidden layer what the next one reads there, and nothing else.
        states: for each hidden layer behind the first `[setting, width]`, its state on each of the four settings.
        copies: of a layer that carries copies, which numbers they are, as a reading of `left` and `right`.
    """

    parameters: Parameters
    readings: tuple[LayerReading, ...]
    states: tuple[Tensor, ...]
    copies: LayerReading | None


def wire(
    task: HierarchicalEquality, codes: Sequence[str], *, hidden: Sequence[int], activation: str, seed: int, network: int
) -> Wired:
    """One network.

    Args:
        task: what it solves.
        codes: what each hidden layer behind the first carries.
        hidden: widths of the hidden layers, one more than there are codes.
        activation: between the layers.
        seed: decides on directions and weights, with
        network: a number.

    Raises:
        SpecificationError: a layer is too narrow.
    """
    generator = derived_generator(seed, "wiring", network)
    weights, biases = initial_parameters(
        (task.input_width, *hidden, task.classes), gain=RECIPES[activation].gain, seed=seed, network=network
    )
    reading = _first(task, codes[0] if codes else "output", activation, weights[0][0], biases[0][0], generator)
    readings, states, copies = [reading], [], None
    for i, code in enumerate(codes, start=1):
        layer = _layer(code, hidden[i], activation, generator)
        weights[i][0], biases[i][0] = layer.weight @ reading.weight, layer.weight @ reading.offset + layer.bias
        following = codes[i] if i < len(codes) else "output"
        reading = _solve(layer.states, torch.stack(CODE_VALUES[following], 1), layer.read)
        copies = (
            _solve(layer.states, torch.stack(CODE_VALUES["bits"], 1), layer.allowed_failures)
            if code == "copies"
            else copies
        )
        readings.append(reading)
        states.append(layer.states)
    sign = torch.tensor([[-GAIN], [GAIN]])
    weights[-1][0], biases[-1][0] = sign @ reading.weight, sign @ (reading.offset - 0.5)
    return Wired(parameters=(weights, biases), readings=tuple(readings), states=tuple(states), copies=copies)


def assembled(wired: Sequence[Wired], activation: str) -> MLP:
    """Several networks of one architecture as one stack."""
    return MLP(*stack_parameters([one.parameters for one in wired]), activation=activation)


def _first(
    task: HierarchicalEquality,
    code: str,
    activation: str,
    weight: Float[Tensor, "unit input"],
    bias: Float[Tensor, " unit"],
    generator: torch.Generator,
) -> LayerReading:
    """Write into some units of the first layer whether pairs are equal, and say how a code is read off them.

    A pair is equal where its difference is zero along a random direction; that both pairs are equal is seen along a sum
    of two such directions, for it is as good as never zero otherwise. The other units stay as they were drawn.
    """
    width, m = len(weight), task.item_width
    ways = torch.zeros(3, 4 * m)
    for pair in range(2):
        way = torch.nn.functional.normalize(torch.randn(m, generator=generator), dim=0)
        ways[pair, 2 * m * pair : 2 * m * (pair + 1)] = torch.cat([way, -way])
    ways[2] = ways[0] + (0.5 + torch.rand(1, generator=generator)) * ways[1]
    turn = _FROM_EQUAL[code]
    ways = ways[: turn[0].shape[1]]
    parts = [_bump(way, gap, activation) for way, gap in zip(ways, _gaps(task, ways, generator).tolist(), strict=True)]
    each = len(parts[0][0])
    if width < each * len(parts):
        raise SpecificationError(
            f"The first hidden layer is {width} wide.",
            f"It needs {each * len(parts)} units to tell whether pairs are equal, with {activation}.",
            "Use a wider layer.",
        )
    units = torch.randperm(width, generator=generator)[: each * len(parts)].view(len(parts), each)
    equal = LayerReading(torch.zeros(len(parts), width), torch.tensor([offset for *_, offset in parts]))
    for row, (own, (rows, shift, back, _)) in enumerate(zip(units, parts, strict=True)):
        weight[own], bias[own] = rows, shift
        equal.weight[row, own] = back
    return LayerReading(turn[0] @ equal.weight, turn[0] @ equal.offset + turn[1])


_FROM_EQUAL: Mapping[str, tuple[Tensor, Tensor]] = {
    "bits": (torch.eye(2), torch.zeros(2)),
    "count": (torch.ones(1, 2), torch.zeros(1)),
    "pair": (torch.tensor([[0.0, 0.0, 1.0], [-1.0, -1.0, 1.0]]), torch.tensor([0.0, 1.0])),
    "output": (torch.tensor([[-1.0, -1.0, 2.0]]), torch.ones(1)),
    "copies": (torch.tensor([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]]), torch.zeros(3)),
}
"""A code from (left, right), and from whether both are equal where that is needed."""


def _bump(way: Tensor, gap: float, activation: str) -> tuple[Tensor, Tensor, Tensor, float]:
    """Units whose weighted sum is one where a direction of the input is zero, and zero where it is beyond the gap."""
    if activation in SATURATED:
        half = SATURATED[activation]
        top = find_activation(activation).function(torch.tensor([half, -half]))
        rows = torch.stack([way, way]) * (2 * half / gap)
        return rows, torch.tensor([half, -half]), torch.tensor([1.0, -1.0]) / float(top[0] - top[1]), 0.0
    steep = STEEP if activation == "gelu" else 1.0  # so steep that it is all but a ReLU
    rows = torch.stack([way, way, -way, -way]) * (steep / gap)
    return rows, torch.tensor([0.0, -steep, 0.0, -steep]), torch.tensor([-1.0, 1.0, -1.0, 1.0]) / steep, 1.0


def _gaps(task: HierarchicalEquality, ways: Float[Tensor, "way input"], generator: torch.Generator) -> Tensor:
    """For each direction the distance from zero that all but few examples keep for which it is not zero."""
    inputs, _ = task.labelled_inputs(CALIBRATION_EXAMPLES, split="train", generator=generator)
    along = (inputs.double() @ ways.double().T).abs()
    return torch.stack([one[one > 1e-6].quantile(MISSED_SHARE) for one in along.T])


class _Layer(NamedTuple):
    """Random weights from a code to a layer, the states there on each setting, and which directions are read.

    Args:
        weight: from the code.
        bias: of the units.
        states: on each setting.
        read: a projection; what is in its kernel is not read.
        spare: a projection onto what is left to copies.
    """

    weight: Float[Tensor, "unit number"]
    bias: Float[Tensor, " unit"]
    states: Float[Tensor, "setting unit"]
    read: Float[Tensor, "unit unit"]
    allowed_failures: Float[Tensor, "unit unit"]


def _layer(code: str, width: int, activation: str, generator: torch.Generator) -> _Layer:
    """Draw a layer whose states tell the settings of its code apart."""
    values, function = torch.stack(CODE_VALUES[code], 1), find_activation(activation).function
    for _ in range(TRIES):
        weight, bias = (torch.randn(width, n, generator=generator) * 1.5 for n in (values.shape[1], 1))
        owner = torch.ones(width)
        if code == "copies":
            owner = (torch.arange(width)[torch.randperm(width, generator=generator)] % 2).float()
            side = torch.arange(width)[torch.randperm(width, generator=generator)] % 2
            weight = weight * torch.stack([owner, (1 - owner) * side, (1 - owner) * (1 - side)], 1)
        states = function(values @ weight.T + bias.T)
        kept = torch.diag(owner), torch.diag(1 - owner)
        if all(_apart(states @ one, rank) > TOLD_APART for one, rank in zip(kept, _RANKS[code], strict=False)):
            return _Layer(weight, bias.flatten(), states, *kept)
    raise SpecificationError(
        f"A layer of {width} units is to carry {code!r}.",
        f"In {TRIES} draws no weights told its settings apart.",
        "Use a wider layer.",
    )


def _apart(states: Float[Tensor, "setting unit"], rank: int) -> float:
    """The spread of the states along the last direction that is needed to read their code."""
    return float(torch.linalg.svdvals(states - states.mean(0))[rank - 1])


def _solve(states: Tensor, values: Float[Tensor, "setting number"], kept: Tensor) -> LayerReading:
    """The smallest weights that read values off the states, along kept directions only."""
    mean, middle = states.mean(0), values.mean(0)
    inverse = torch.linalg.pinv(((states - mean) @ kept).double(), rtol=1e-4)
    weight = ((inverse @ (values - middle).double()).T @ kept.double()).float()
    return LayerReading(weight, middle - weight @ mean)
