"""Networks of the architecture of others in which the variables certainly are, of several kinds.

What is easy to plant is easy to find, so power is asked of each kind and the hardest counts.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.blocks import blocks
from interlocus.budget import STARTS_BY_DEFAULT, Budget, Phase
from interlocus.errors import SpecificationError
from interlocus.featurizers import Frames
from interlocus.found import search
from interlocus.fresh import fresh_like, quick_rate
from interlocus.levels import floors
from interlocus.networks import Module
from interlocus.planting import Plantable, Planted, plant, random_subspaces
from interlocus.seeds import stream
from interlocus.tasks import AbstractTask

SIZES = (2, 4)
BATCH, STEPS, ROUNDS = 128, 1000, 6
"""Networks learn in rounds of so many steps, and leave once the variables are where they should be."""
ENOUGH = 0.992
"""Planted IIA with which a network leaves: above what it is admitted with."""
SMALLEST = 0.2
"""Share of the bases in which the variables count on the lowest rung: an IIA of .6 where doing nothing scores .5."""
BLURRED = 0.05
"""So much less than it should is enough for such a network: near the plane that parts its bases it is unsure."""
RATE = 1e-2
"""Learning rate of fresh modules."""
GENTLE = 3e-3
"""Learning rate of somebody's own module that is trained on: it should change as little as is needed."""
LOOK = (Phase(steps=300),)
FEW = Budget(pool=16_384, held_out=8_192, test=2_000)
"""A short search for the place in which a variable is to be put."""


Subspaces = Float[Tensor, "network variable feature width"]
Where = Callable[[int, Sequence[int]], Subspaces]
"""Gives the subspaces of some networks, for a size."""


class MakesTwins(Protocol):
    """A kind of planting. Of a module one twin is made at a time, of perceptrons any number; some may be spared.

    Raises `SpecificationError` where variables cannot be planted in this way.
    """

    def __call__(
        self,
        task: AbstractTask,
        *,
        hypothesis: str,
        site: str,
        like: Plantable,
        count: int,
        seed: int,
        spare: int = ...,
        progress: Callable[[float], None] = ...,
    ) -> Planted: ...


def mean_coded(
    task: AbstractTask,
    *,
    hypothesis: str,
    site: str,
    like: Plantable,
    count: int,
    seed: int,
    sizes: Sequence[int] = SIZES,
    spare: int = 0,
    progress: Callable[[float], None] = lambda share: None,
) -> Planted:
    """Fresh networks, trained toward the hypothesis through few random directions: the values are in their means."""
    begin, anywhere = _fresh(task, like, count, seed), _anywhere(task, hypothesis, site, like, seed)
    return _trained(task, hypothesis, site, begin, seed, sizes, spare, progress, anywhere)


def ladder(
    task: AbstractTask,
    *,
    hypothesis: str,
    site: str,
    like: Plantable,
    count: int,
    seed: int,
    sizes: Sequence[int] = SIZES,
    spare: int = 0,
    progress: Callable[[float], None] = lambda share: None,
) -> Planted:
    """Like `mean_coded`, with the variables in nearly all bases of the last network and in fewer of every one before.

    In the other bases exchanging them changes nothing. So the true IIA climbs in equal steps, from .6 where doing
    nothing scores .5, to one.
    """
    begin, anywhere = _fresh(task, like, count, seed), _anywhere(task, hypothesis, site, like, seed)
    offset = torch.rand(1, generator=stream(seed, "rungs"))
    shares = (SMALLEST + (1 - SMALLEST) * (torch.arange(count) + offset) / count).tolist()
    made = _trained(task, hypothesis, site, begin, seed, sizes, spare, progress, anywhere, shares)
    return replace(made, least=_aim(task, hypothesis, SMALLEST))


def fine_tuned(
    task: AbstractTask,
    *,
    hypothesis: str,
    site: str,
    like: Plantable,
    count: int,
    seed: int,
    sizes: Sequence[int] = SIZES,
    spare: int = 0,
    progress: Callable[[float], None] = lambda share: None,
) -> Planted:
    """The studied networks themselves, changed until the variables are where a search already came nearest to them.

    Of a network that is taken several times every copy has a place of its own, from another random start; otherwise
    they would be one and the same twin. A module is taken once for each seed.
    """
    begin = like.only([i % len(like) for i in range(count)])

    def nearest(size: int, networks: Sequence[int]) -> Subspaces:
        maps: list[Tensor] = []
        for number, own in itertools.groupby(networks, key=lambda i: i // len(like)):
            found = search(
                begin.only(list(own)),
                task,
                hypothesis=hypothesis,
                site=site,
                sizes=(size,),
                starts={"random": 1} if number or isinstance(like, Module) else STARTS_BY_DEFAULT,
                phases=LOOK,
                budget=FEW,
                seed=seed + number,
            )
            frames = (finding.frames[0] for finding in found.findings)
            maps += [rotation.read for rotation in frames if isinstance(rotation, Frames)]
        return torch.stack(maps)

    return _trained(task, hypothesis, site, begin, seed, sizes, spare, progress, nearest, gentle=GENTLE)


def _fresh(task: AbstractTask, like: Plantable, count: int, seed: int) -> Plantable:
    """Networks built alike that have learned nothing, and can."""
    if not isinstance(like, Module):
        return fresh_like(task, like, count, seed)
    fresh = like.afresh(seed)
    if fresh is None:
        raise SpecificationError(
            "A module is to be made anew, and one of its parts has parameters and no `reset_parameters`.",
            "It is not known how it begins.",
            "Use a kind of planting that begins with the studied network.",
        )
    return fresh


def _anywhere(task: AbstractTask, hypothesis: str, site: str, like: Plantable, seed: int) -> Where:
    """Subspaces drawn at random."""
    variables, width = len(task.hypothesis(hypothesis).variables), like.width(site)
    return lambda size, networks: random_subspaces(len(networks), width, variables, size, seed + size)


def _trained(
    task: AbstractTask,
    hypothesis: str,
    site: str,
    begin: Plantable,
    seed: int,
    sizes: Sequence[int],
    spare: int,
    progress: Callable[[float], None],
    where: Where,
    shares: Sequence[float] = (),
    gentle: float = RATE,
) -> Planted:
    """Networks that go on learning, toward the hypothesis, in equal shares of some sizes as far as they fit.

    Args:
        task: what they learn.
        hypothesis: toward which.
        site: where.
        begin: the networks as they are.
        seed: decides on examples.
        sizes: of which each network gets one.
        spare: so many of them need not get there.
        progress: is told the share that is done.
        where: gives the subspaces of some networks, for one of the sizes.
        shares: for each the share of bases in which the variables are to count, by default all.
        gentle: learning rate of modules.
    """
    shares = shares or [1.0] * len(begin)
    rate = gentle if isinstance(begin, Module) else quick_rate(begin.activation)
    enough = [ENOUGH if share == 1 else _aim(task, hypothesis, share) for share in shares]
    variables, width = len(task.hypothesis(hypothesis).variables), begin.width(site)
    sizes = [size for size in sizes if size * variables <= width] or [max(width // variables, 1)]
    rows = torch.zeros(len(begin), variables, max(sizes), width)  # smaller ones are filled up with nothing
    for number, size in enumerate(sizes):
        own = range(len(begin))[number :: len(sizes)]
        if own:
            rows[number :: len(sizes), :, :size] = where(size, own)
    learned: dict[int, Planted] = {}
    learning = list(range(len(begin)))
    networks = begin
    for number in range(ROUNDS):
        planted = plant(
            task,
            hypothesis=hypothesis,
            site=site,
            size=max(sizes),
            begin=networks,
            subspaces=rows[learning],
            shares=[shares[i] for i in learning],
            steps=STEPS,
            batch=BATCH,
            learning_rate=rate,
            weight_decay=0.0,
            seed=seed + number,
            progress=lambda part, number=number: progress((number + part) / ROUNDS),
        )
        learned |= {i: planted.only(place) for place, i in enumerate(learning)}
        rest = [place for place, i in enumerate(learning) if planted.scores[place].iia < enough[i]]
        if len(rest) <= spare:
            break
        networks, learning = planted.networks.only(rest), [learning[place] for place in rest]
    return Planted.together([learned[i] for i in range(len(begin))])


def _aim(task: AbstractTask, hypothesis: str, share: float) -> float:
    """The IIA of a network in which the variables count in a share of the bases, as far as that is sharp."""
    floor = floors(task, task.hypothesis(hypothesis)).floor
    return floor + (1 - floor) * share - BLURRED


KINDS: MappingProxyType[str, MakesTwins] = MappingProxyType(
    {"blocks": blocks, "fine_tuned": fine_tuned, "ladder": ladder, "mean_coded": mean_coded}
)
"""Ways of planting, by name; the hardest to find first."""
