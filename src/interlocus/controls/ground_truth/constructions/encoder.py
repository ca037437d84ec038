"""The part of a coded perceptron before its site: features, random units, and the site, all written by hand."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.controls.ground_truth.constructions.construction import Construction
from interlocus.controls.ground_truth.constructions.features import (
    LINEAR_OFFSET,
    LINEAR_SCALE,
    PASSED_ON,
    Features,
    wire_features,
)
from interlocus.controls.ground_truth.wiring import SATURATED_INPUT
from interlocus.core.errors import SpecificationError
from interlocus.core.random import derived_generator
from interlocus.networks.mlp.activations import find_activation
from interlocus.tasks import AbstractTask

SPREAD = {"tanh": 0.5, "sigmoid": 0.25}
"""Largest distance of a state from the middle of a bounded activation."""
CENTRE = {"tanh": 0.0, "sigmoid": 0.5, "identity": 0.0}
"""The middle of a bounded activation; other activations are linear around `LINEAR_OFFSET`."""
LARGEST_ERROR = 1e-2
"""Largest error of a state in a setting of the features."""


@dataclass(frozen=True, kw_only=True)
class EncodedSite:
    """Where the code of one network lies at its site: `state = centre + scale · basis @ numbers`.

    Args:
        basis: Orthonormal columns: those of the code, then those of numbers that nothing reads.
        columns: Number of columns of the code.
        scale: Factor from numbers to states.
        centre: State of all numbers being zero, in each unit.
    """

    basis: Float[Tensor, "width number"]
    columns: int
    scale: float
    centre: float

    @property
    def code(self) -> Float[Tensor, "width column"]:
        """The directions of the code."""
        return self.basis[:, : self.columns]


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """Weights and biases of the three layers up to a site, and where the code lies there."""

    weights: tuple[Tensor, Tensor, Tensor]
    biases: tuple[Tensor, Tensor, Tensor]
    site: EncodedSite


def site_for(
    numbers: Float[Tensor, "setting column"], width: int, activation: str, generator: torch.Generator
) -> EncodedSite:
    """Draw where a code lies at a site.

    Args:
        numbers: The code in each setting of the features.
        width: Width of the site.
        activation: Activation function of the site; `identity` where none stands before it.
        generator: Draws the directions.

    Raises:
        SpecificationError: The site is too narrow.
    """
    columns = numbers.shape[1]
    if columns + PASSED_ON > width:
        raise SpecificationError(
            f"The site is {width} wide.",
            f"The code has {columns} numbers, and {PASSED_ON} more lie beside it.",
            "Use a wider site.",
        )
    basis = torch.linalg.qr(torch.randn(width, width, generator=generator)).Q[:, : columns + PASSED_ON].contiguous()
    scale = SPREAD[activation] / float(numbers.norm(dim=1).max()) if activation in SPREAD else 1.0
    return EncodedSite(
        basis=basis,
        columns=columns,
        scale=scale,
        centre=CENTRE.get(activation, LINEAR_OFFSET),
    )


def wire_encoder(
    construction: Construction,
    task: AbstractTask,
    *,
    widths: tuple[int, int, int],
    activation: str,
    share: float,
    seed: int,
    network: int,
) -> Encoder:
    """Write the layers up to a site.

    Args:
        construction: The code of the site.
        task: The task that the network solves.
        widths: Widths of the three layers; the last one is the site.
        activation: Activation function of the layers.
        share: Share of the inputs in which the feature `gate` is on.
        seed: Seed of directions and weights.
        network: Number of the network; networks with different numbers have different weights.

    Raises:
        SpecificationError: A layer is too narrow.
    """
    generator = derived_generator(seed, "coded", construction.name, network)
    features = wire_features(
        construction, task, width=widths[0], activation=activation, share=share, generator=generator
    )
    numbers = construction.code(features.settings)
    site = site_for(numbers, widths[2], activation, generator)
    second = _units(features, widths[1], activation, generator)
    function = find_activation(activation).function
    states = function(features.values @ second.weight.T + second.bias)
    target = _before(site.centre + site.scale * numbers @ site.code.T, activation)
    middle, aim = states.mean(0), target.mean(0)
    solved = (torch.linalg.pinv((states - middle).double(), rtol=1e-7) @ (target - aim).double()).float()
    reached = function((states - middle) @ solved + aim)
    if float((reached - function(target)).abs().max()) > LARGEST_ERROR * site.scale:
        raise SpecificationError(
            f"The second layer is {widths[1]} wide.",
            "The code does not follow from its units with the precision that is needed.",
            "Use a wider second layer.",
        )
    beside = site.basis[:, site.columns :] * (site.scale * construction.nuisance)
    slope = {"tanh": 1.0, "sigmoid": 0.25}.get(activation, 1.0)
    read, offset = features.layer.read, features.layer.offset
    m = len(read) - PASSED_ON
    weight = torch.cat([second.weight @ read[:m], second.passed * read[m:]])
    bias = torch.cat([second.weight @ offset[:m] + second.bias, second.passed * offset[m:] + second.lifted])
    back = beside / (slope * second.passed * second.slope)
    site_bias = aim - middle @ solved - back @ second.rest
    return Encoder(
        weights=(features.layer.weight, weight, torch.cat([solved.T, back], 1)),
        biases=(features.layer.bias, bias, site_bias),
        site=site,
    )


@dataclass(frozen=True)
class _SecondLayer:
    """Random units of the discrete features, and units that pass numbers on.

    Args:
        weight: Weights from the discrete features.
        bias: Biases of these units.
        passed: Factor of the numbers that are passed on.
        lifted: Bias of the units that pass them on.
        slope: Slope of the activation there.
        rest: What these units show where the numbers are zero.
    """

    weight: Float[Tensor, "unit number"]
    bias: Float[Tensor, " unit"]
    passed: float
    lifted: Float[Tensor, " passed"]
    slope: float
    rest: Float[Tensor, " passed"]


def _units(features: Features, width: int, activation: str, generator: torch.Generator) -> _SecondLayer:
    random, inputs = width - PASSED_ON, features.values.shape[1]
    weight = torch.randn(random, inputs, generator=generator)
    bias = torch.randn(random, generator=generator)
    function = find_activation(activation).function
    if activation in SATURATED_INPUT:
        lifted, passed, slope = torch.zeros(PASSED_ON), LINEAR_SCALE, {"tanh": 1.0, "sigmoid": 0.25}[activation]
    else:
        lifted, passed, slope = torch.full((PASSED_ON,), LINEAR_OFFSET), 1.0, 1.0
    return _SecondLayer(weight, bias, passed, lifted, slope, function(lifted))


def _before(states: Tensor, activation: str) -> Tensor:
    """Arguments at which an activation has given values."""
    return {"tanh": torch.atanh, "sigmoid": torch.logit}.get(activation, lambda x: x)(states)
