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

from interlocus.controls.ground_truth.neuron_blocks import neuron_blocks
from interlocus.controls.ground_truth.planting import Plantable, Planted, plant, random_planting_subspaces
from interlocus.core.errors import SpecificationError
from interlocus.core.random import derived_generator
from interlocus.featurizers import Frames
from interlocus.networks import Module
from interlocus.networks.mlp.untrained import quick_rate, untrained_perceptrons_like
from interlocus.searches.api import search
from interlocus.searches.budget import STARTS_BY_DEFAULT, Budget, Phase
from interlocus.tasks import AbstractTask
from interlocus.tasks.chance_levels import chance_levels

SITE_SEARCH_SIZES = (2, 4)
PLANTING_BATCH, STEPS_PER_ROUND, PLANTING_ROUNDS = 128, 1000, 6
"""Networks learn in rounds of so many steps, and leave once the variables are where they should be."""
TARGET_IIA = 0.992
"""Planted IIA with which a network leaves: above what it is admitted with."""
LOWEST_GRADED_SHARE = 0.2
"""Share of the bases in which the variables count on the lowest rung: an IIA of .6 where doing nothing scores .5."""
GRADED_TOLERANCE = 0.05
"""So much less than it should is enough for such a network: near the plane that parts its bases it is unsure."""
NEW_MODULE_RATE = 1e-2
"""Learning rate of fresh modules."""
FINE_TUNING_RATE = 3e-3
"""Learning rate of somebody's own module that is trained on: it should change as little as is needed."""
SITE_SEARCH_PHASES = (Phase(steps=300),)
SITE_SEARCH_BUDGET = Budget(pool=16_384, held_out=8_192, test=2_000)
"""A short search for the place in which a variable is to be put."""


Subspaces = Float[Tensor, "network variable feature width"]
Where = Callable[[int, Sequence[int]], Subspaces]
"""Gives the subspaces of some networks, for a size."""


class PlantingRecipe(Protocol):
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
        allowed_failures: int = ...,
        progress: Callable[[float], None] = ...,
    ) -> Planted: ...


def random_subspace(
    task: AbstractTask,
    *,
    hypothesis: str,
    site: str,
    like: Plantable,
    count: int,
    seed: int,
    sizes: Sequence[int] = SITE_SEARCH_SIZES,
    allowed_failures: int = 0,
    progress: Callable[[float], None] = lambda share: None,
) -> Planted:
    """Fresh networks, trained toward the hypothesis through few random directions: the values are in their means."""
    begin, anywhere = _fresh(task, like, count, seed), _anywhere(task, hypothesis, site, like, seed)
    return _trained(task, hypothesis, site, begin, seed, sizes, allowed_failures, progress, anywhere)


def graded(
    task: AbstractTask,
    *,
    hypothesis: str,
    site: str,
    like: Plantable,
    count: int,
    seed: int,
    sizes: Sequence[int] = SITE_SEARCH_SIZES,
    allowed_failures: int = 0,
    progress: Callable[[float], None] = lambda share: None,
) -> Planted:
    """Like `mean_coded`, with the variables in nearly all bases of the last network and in fewer of every one before.

    In the other bases exchanging them changes nothing. So the true IIA climbs in equal steps, from .6 where doing
    nothing scores .5, to one.
    """
    begin, anywhere = _fresh(task, like, count, seed), _anywhere(task, hypothesis, site, like, seed)
    offset = torch.rand(1, generator=derived_generator(seed, "rungs"))
    shares = (LOWEST_GRADED_SHARE + (1 - LOWEST_GRADED_SHARE) * (torch.arange(count) + offset) / count).tolist()
    made = _trained(task, hypothesis, site, begin, seed, sizes, allowed_failures, progress, anywhere, shares)
    return replace(made, least=_aim(task, hypothesis, LOWEST_GRADED_SHARE))


def fine_tuned(
    task: AbstractTask,
    *,
    hypothesis: str,
    site: str,
    like: Plantable,
    count: int,
    seed: int,
    sizes: Sequence[int] = SITE_SEARCH_SIZES,
    allowed_failures: int = 0,
    progress: Callable[[float], None] = lambda share: None,
) -> Planted:
    """The studied networks themselves, changed until the variables are where a search already came nearest to them.

    Of a network that is taken several times every copy has a place of its own, from another random start; otherwise
    they would be one and the same twin. A module is taken once for each seed.
    """
    begin = like.select([i % len(like) for i in range(count)])

    def nearest(size: int, networks: Sequence[int]) -> Subspaces:
        maps: list[Tensor] = []
        for number, own in itertools.groupby(networks, key=lambda i: i // len(like)):
            found = search(
                begin.select(list(own)),
                task,
                hypothesis=hypothesis,
                site=site,
                sizes=(size,),
                starts={"random": 1} if number or isinstance(like, Module) else STARTS_BY_DEFAULT,
                phases=SITE_SEARCH_PHASES,
                budget=SITE_SEARCH_BUDGET,
                seed=seed + number,
            )
            frames = (finding.frames[0] for finding in found.results)
            maps += [rotation.read for rotation in frames if isinstance(rotation, Frames)]
        return torch.stack(maps)

    return _trained(
        task,
        hypothesis,
        site,
        begin,
        seed,
        sizes,
        allowed_failures,
        progress,
        nearest,
        module_learning_rate=FINE_TUNING_RATE,
    )


def _fresh(task: AbstractTask, like: Plantable, count: int, seed: int) -> Plantable:
    """Networks built alike that have learned nothing, and can."""
    if not isinstance(like, Module):
        return untrained_perceptrons_like(task, like, count, seed)
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
    return lambda size, networks: random_planting_subspaces(len(networks), width, variables, size, seed + size)


def _trained(
    task: AbstractTask,
    hypothesis: str,
    site: str,
    begin: Plantable,
    seed: int,
    sizes: Sequence[int],
    allowed_failures: int,
    progress: Callable[[float], None],
    where: Where,
    shares: Sequence[float] = (),
    module_learning_rate: float = NEW_MODULE_RATE,
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
    rate = module_learning_rate if isinstance(begin, Module) else quick_rate(begin.activation)
    enough = [TARGET_IIA if share == 1 else _aim(task, hypothesis, share) for share in shares]
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
    for number in range(PLANTING_ROUNDS):
        planted = plant(
            task,
            hypothesis=hypothesis,
            site=site,
            size=max(sizes),
            begin=networks,
            subspaces=rows[learning],
            shares=[shares[i] for i in learning],
            steps=STEPS_PER_ROUND,
            batch=PLANTING_BATCH,
            learning_rate=rate,
            weight_decay=0.0,
            seed=seed + number,
            progress=lambda part, number=number: progress((number + part) / PLANTING_ROUNDS),
        )
        learned |= {i: planted.select(place) for place, i in enumerate(learning)}
        rest = [place for place, i in enumerate(learning) if planted.scores[place].iia < enough[i]]
        if len(rest) <= allowed_failures:
            break
        networks, learning = planted.networks.select(rest), [learning[place] for place in rest]
    return Planted.together([learned[i] for i in range(len(begin))])


def _aim(task: AbstractTask, hypothesis: str, share: float) -> float:
    """The IIA of a network in which the variables count in a share of the bases, as far as that is sharp."""
    no_effect = chance_levels(task, task.hypothesis(hypothesis)).no_effect
    return no_effect + (1 - no_effect) * share - GRADED_TOLERANCE


PLANTING_RECIPES: MappingProxyType[str, PlantingRecipe] = MappingProxyType(
    {"blocks": neuron_blocks, "fine_tuned": fine_tuned, "ladder": graded, "mean_coded": random_subspace}
)
"""Ways of planting, by name; the hardest to find first."""
