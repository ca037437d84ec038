"""Codes: the numbers that a site holds, as functions of the features of an input. Bits are −1 and 1."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.controls.ground_truth.constructions.construction import CodeFunction, FeatureSettings

Column = Float[Tensor, " row"]


def left(settings: FeatureSettings) -> Column:
    """Whether the first pair is equal."""
    return settings["left"]


def right(settings: FeatureSettings) -> Column:
    """Whether the second pair is equal."""
    return settings["right"]


def equal(settings: FeatureSettings) -> Column:
    """The answer: whether left equals right."""
    return settings["left"] * settings["right"]


def gate(settings: FeatureSettings) -> Column:
    """Zero where a feature of the input is on, which is so in a known share of the inputs, and 2 or −2 elsewhere."""
    return settings["u"] * (1 - settings["gate"])


def u(settings: FeatureSettings) -> Column:
    """The sign of a projection of the third item."""
    return settings["u"]


def w(settings: FeatureSettings) -> Column:
    """The sign of a projection of the first item."""
    return settings["w"]


def u_left(settings: FeatureSettings) -> Column:
    """Left in exclusive or with the sign `u`."""
    return settings["u"] * settings["left"]


def w_right(settings: FeatureSettings) -> Column:
    """Right in exclusive or with the sign `w`."""
    return settings["w"] * settings["right"]


def u_equal(settings: FeatureSettings) -> Column:
    """The answer in exclusive or with the sign `u`."""
    return settings["u"] * equal(settings)


def left_size(settings: FeatureSettings) -> Column:
    """Left as a magnitude, .5 or 2.5, with the sign `u`."""
    return settings["u"] * (1.5 + settings["left"])


def right_size(settings: FeatureSettings) -> Column:
    """Right as a magnitude, .5 or 2.5, with the sign `w`."""
    return settings["w"] * (1.5 + settings["right"])


def both_equal(settings: FeatureSettings) -> Column:
    """Whether both pairs are equal."""
    return torch.minimum(settings["left"], settings["right"])


def none_equal(settings: FeatureSettings) -> Column:
    """Whether no pair is equal."""
    return torch.minimum(-settings["left"], -settings["right"])


def u_w_equal(settings: FeatureSettings) -> Column:
    """The answer in exclusive or with the signs `u` and `w`."""
    return settings["w"] * u_equal(settings)


def answer_as_size(settings: FeatureSettings) -> Column:
    """The answer as a magnitude, .5 or 2.5, with the sign `u`."""
    return settings["u"] * (1.5 + equal(settings))


def answer_as_size_again(settings: FeatureSettings) -> Column:
    """The answer as a magnitude, .5 or 2.5, with the sign `w`."""
    return settings["w"] * (1.5 + equal(settings))


def columns(*parts: CodeFunction, scale: float = 1.0) -> CodeFunction:
    """A code with one column for each part.

    Args:
        parts: Functions that give the columns.
        scale: Factor on all columns.
    """
    return lambda settings: scale * torch.stack([part(settings) for part in parts], 1)


def one_hot(name: str) -> CodeFunction:
    """A sum modulo 5, one number for each value.

    Args:
        name: The letters of the numbers that are added, for instance `ab`.
    """

    def code(settings: FeatureSettings) -> Float[Tensor, "row column"]:
        total = torch.stack([settings[letter] for letter in name]).sum(0) % 5
        return torch.nn.functional.one_hot(total.long(), 5).float()

    return code


def circles(*names: str) -> CodeFunction:
    """Sums modulo 5 on circles, two columns each.

    Args:
        names: The letters of the numbers that are added, for instance `ab`.
    """

    def code(settings: FeatureSettings) -> Float[Tensor, "row column"]:
        angles = [2 * math.pi / 5 * sum(settings[letter] for letter in name) for name in names]
        return torch.cat([torch.stack([torch.cos(a), torch.sin(a)], 1) for a in map(torch.as_tensor, angles)], 1)

    return code
