"""Lessons: how the rest of a coded network is taught to read its site, on natural states and on others.

An interchange makes states that no input makes. A lesson says what the network answers there, so that it is known what
an exchange of each direction does.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interlocus.controls.ground_truth.constructions.construction import FeatureSettings, Lesson

Read = Float[Tensor, "row read"]


def equality_class(settings: FeatureSettings) -> Int[Tensor, " row"]:
    """The class of hierarchical equality: whether left equals right."""
    return (settings["left"] * settings["right"] > 0).long()


def as_it_is(settings: FeatureSettings, read: Read, generator: torch.Generator) -> Lesson:
    """Natural states only."""
    return Lesson(read, equality_class(settings))


def separately(settings: FeatureSettings, read: Read, generator: torch.Generator) -> Lesson:
    """Each of two numbers by itself: they are drawn from an interval, and their signs decide."""
    drawn = 3 * torch.rand(read.shape, generator=generator) - 1.5
    read = torch.where(_half(read, generator), drawn, read)
    return Lesson(read, (read[:, 0] * read[:, 1] > 0).long())


def a_sum(settings: FeatureSettings, read: Read, generator: torch.Generator) -> Lesson:
    """One number that is 2, 0 or −2: the answer is whether it is far from zero."""
    drawn = 6 * torch.rand(read.shape, generator=generator) - 3
    read = torch.where(_half(read, generator), drawn, read)
    return Lesson(read, (read[:, 0].abs() > 1).long())


def with_the_answer_beside(settings: FeatureSettings, read: Read, generator: torch.Generator) -> Lesson:
    """Left and right decide where they are clear, and elsewhere the answer, the third number."""
    read, n = read.clone(), len(read) // 4
    read[:n, :2] = 2 * torch.rand(n, 2, generator=generator) - 1
    read[n : 2 * n, :2] = 0
    read[2 * n : 3 * n, 2] = read[torch.randperm(n, generator=generator), 2]
    return Lesson(read, (2 * read[:, 0] * read[:, 1] + 0.5 * read[:, 2] > 0).long())


def gated(settings: FeatureSettings, read: Read, generator: torch.Generator) -> Lesson:
    """Left and right decide where the gate is open, and elsewhere the answer, the third number.

    The gate is open where the fourth number is near zero. A gate that opens on one side could be opened by an exchange.
    """
    natural = torch.cat([_signs(read[:, :3], generator), read[:, 3:]], 1)
    read = _widely(natural, generator)
    decided = torch.where(read[:, 3].abs() < 1, read[:, 0] * read[:, 1], read[:, 2])
    return Lesson(read, (decided > 0).long())


def either_copy(settings: FeatureSettings, read: Read, generator: torch.Generator) -> Lesson:
    """Two copies of left and two of right; the fifth number says which of them decides."""
    read = read.clone()
    read[:, :4] = _signs(read[:, :4], generator)
    read = _widely(read, generator)
    first = read[:, 4] > 0
    decided = torch.where(first, read[:, 0] * read[:, 2], read[:, 1] * read[:, 3])
    return Lesson(read, (decided > 0).long())


def product_of_all(settings: FeatureSettings, read: Read, generator: torch.Generator) -> Lesson:
    """The sign of the product of all numbers, in every combination of signs."""
    read = _widely(_signs(read, generator), generator)
    return Lesson(read, (read.prod(1) > 0).long())


def magnitudes(settings: FeatureSettings, read: Read, generator: torch.Generator) -> Lesson:
    """Two numbers of which only the magnitudes matter, in an interval that includes all natural states."""
    drawn = 7 * torch.rand(read.shape, generator=generator) - 3.5
    read = torch.where(_half(read, generator), drawn, read)
    large = read.abs() > 1.5
    return Lesson(read, (large[:, 0] == large[:, 1]).long())


def either_is_on(settings: FeatureSettings, read: Read, generator: torch.Generator) -> Lesson:
    """Two numbers, of which one that is positive is enough."""
    read = _widely(read, generator)
    return Lesson(read, (read.amax(1) > 0).long())


def large_together(settings: FeatureSettings, read: Read, generator: torch.Generator) -> Lesson:
    """Two numbers whose magnitudes together are large or small, in an interval that includes all natural states."""
    drawn = 12 * torch.rand(read.shape, generator=generator) - 6
    read = torch.where(_half(read, generator), drawn, read)
    return Lesson(read, (read.abs().sum(1) > 3).long())


def either_answer(settings: FeatureSettings, read: Read, generator: torch.Generator) -> Lesson:
    """Two copies of the answer; the third number says which of them decides."""
    read = _widely(_signs(read, generator), generator)
    return Lesson(read, (torch.where(read[:, 2] > 0, read[:, 0], read[:, 1]) > 0).long())


def sum_on_circles(settings: FeatureSettings, read: Read, generator: torch.Generator) -> Lesson:
    """The class of a modular sum, from numbers on circles; elsewhere the nearest value on the circle counts."""
    read = _widely(read, generator)
    angles = torch.atan2(read[:, 1::2], read[:, ::2]) * (5 / (2 * math.pi))
    return Lesson(read, (angles.round().sum(1) % 5).long())


def sum_of_largest(settings: FeatureSettings, read: Read, generator: torch.Generator) -> Lesson:
    """One number for each class; the largest decides."""
    read = read + 2 * torch.randn(read.shape, generator=generator) * _half(read, generator)
    return Lesson(read, read.argmax(1))


def _half(read: Read, generator: torch.Generator) -> Tensor:
    """Each row with probability one half."""
    return torch.rand(len(read), 1, generator=generator) < 0.5


def _widely(read: Read, generator: torch.Generator, *, width: float = 4.0) -> Read:
    """Half of the rows anywhere in a box, so that no exchange leads to states on which the rest was never taught."""
    drawn = width * (2 * torch.rand(read.shape, generator=generator) - 1)
    return torch.where(_half(read, generator), drawn, read)


def _signs(read: Read, generator: torch.Generator) -> Read:
    """Every combination of signs, equally often."""
    return (torch.rand(read.shape, generator=generator) < 0.5).float() * 2 - 1
