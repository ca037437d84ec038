"""Recipes that plant variables in networks of a given architecture.

What is easy to plant is easy to find, so power is measured with every recipe, and the hardest one counts.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.controls.ground_truth.neuron_blocks import neuron_blocks
from interlocus.controls.ground_truth.planting import (
    Plantable,
    Planted,
    PlantingRequest,
    check_planting,
    plant,
    random_planting_subspaces,
)
from interlocus.controls.ground_truth.training_batches import TrainingConfig
from interlocus.core.errors import SpecificationError
from interlocus.core.random import derived_generator
from interlocus.featurizers import Frames
from interlocus.networks import Module
from interlocus.networks.mlp.fast_training import fast_learning_rate, untrained_perceptrons_like
from interlocus.searches.api import search
from interlocus.searches.budget import STARTS_BY_DEFAULT, Budget, Phase
from interlocus.tasks import AbstractTask
from interlocus.tasks.chance_levels import chance_levels

ROUND_BATCH, STEPS_PER_ROUND, PLANTING_ROUNDS = 128, 1000, 6
"""Networks are trained in rounds, and leave training after the round in which their IIA reaches its target."""
TARGET_IIA = 0.992
"""Planted IIA at which a network leaves training; it is above `ADMITTED_IIA`, since that is measured again."""
LOWEST_GRADED_IIA = 0.80
"""True IIA of the lowest grade: an absence is claimed of what would score more than that."""
LOWEST_GRADED_SHARE = 0.2
"""Smallest share of the bases in which the variables count, where no effect scores nearly `LOWEST_GRADED_IIA`."""
GRADED_TOLERANCE = 0.05
"""A graded network may stay this far below its true IIA, since it is unsure near the plane that parts its bases."""
NEW_MODULE_RATE = 1e-2
"""Learning rate of modules with fresh parameters."""
FINE_TUNING_RATE = 3e-3
"""Learning rate of a user's module that is trained further; a low rate changes it as little as needed."""
SITE_SEARCH_PHASES = (Phase(steps=300),)
SITE_SEARCH_BUDGET = Budget(pool=16_384, held_out=8_192, test=2_000)
"""A short search for the subspace in which a variable is to be planted."""


Subspaces = Float[Tensor, "network variable feature width"]
ChooseSubspaces = Callable[[int, Sequence[int]], Subspaces]
"""Chooses, for a size and the indices of some networks, the subspaces in which they are planted."""


@dataclass(frozen=True, kw_only=True)
class PlantingRecipe:
    """One way of planting variables.

    Args:
        plant: Makes the planted networks of a request. It raises `SpecificationError` where it cannot plant the
            variables of the request.
        random_stream: Name of the random streams of this recipe. It stays what it is when the recipe is renamed, so
            that equal seeds give equal networks.
        changes_studied_networks: Whether the recipe starts from the studied networks. If not, its networks depend on
            the architecture only.
    """

    plant: Callable[[PlantingRequest], Planted]
    random_stream: str
    changes_studied_networks: bool = False


def random_subspace(request: PlantingRequest) -> Planted:
    """Plant variables in fresh networks, in few random directions; the values lie in the means of the states."""
    initial = _fresh(request)
    return _in_rounds(request, _RoundPlan(initial, random_subspaces(request), (1.0,) * len(initial)))


def graded(request: PlantingRequest) -> Planted:
    """Plant as `random_subspace` does, but so that the variables count in a share of the bases.

    In the other bases an interchange changes nothing. The share rises in equal steps from network to network, so that
    the true IIA rises from .80 to one.
    """
    initial = _fresh(request)
    offset = torch.rand(1, generator=derived_generator(request.seed, "rungs"))
    count = request.count
    no_effect = chance_levels(request.task, request.target).no_effect
    lowest = max((LOWEST_GRADED_IIA - no_effect) / (1 - no_effect), LOWEST_GRADED_SHARE)
    shares = (lowest + (1 - lowest) * (torch.arange(count) + offset) / count).tolist()
    planted = _in_rounds(request, _RoundPlan(initial, random_subspaces(request), tuple(shares)))
    return replace(planted, admission_iia=target_iia(request.task, request.hypothesis, lowest))


def fine_tuned(request: PlantingRequest) -> Planted:
    """Train the studied networks further until the variables lie where a short search came nearest to them.

    If a network is used several times, every copy gets another subspace, from another random start; otherwise the
    copies would be the same network. A module is used once for each seed.
    """
    like = request.like
    initial = like.select([i % len(like) for i in range(request.count)])

    def nearest(size: int, networks: Sequence[int]) -> Subspaces:
        rows: list[Tensor] = []
        for repeat, copies in itertools.groupby(networks, key=lambda i: i // len(like)):
            result = search(
                initial.select(list(copies)),
                request.task,
                hypothesis=request.hypothesis,
                site=request.site,
                sizes=(size,),
                starts={"random": 1} if repeat or isinstance(like, Module) else STARTS_BY_DEFAULT,
                phases=SITE_SEARCH_PHASES,
                budget=SITE_SEARCH_BUDGET,
                seed=request.seed + repeat,
            )
            frames = (finding.frames[0] for finding in result.results)
            rows += [rotation.read for rotation in frames if isinstance(rotation, Frames)]
        return torch.stack(rows)

    plan = _RoundPlan(initial, nearest, (1.0,) * len(initial), module_learning_rate=FINE_TUNING_RATE)
    return _in_rounds(request, plan)


def _fresh(request: PlantingRequest) -> Plantable:
    """Networks of the same architecture with fresh parameters."""
    if not isinstance(request.like, Module):
        return untrained_perceptrons_like(request.task, request.like, request.count, request.seed)
    fresh = request.like.reinitialised(request.seed)
    if fresh is None:
        raise SpecificationError(
            "The module has a part with parameters and without a method `reset_parameters`.",
            "So its initial parameters cannot be drawn again, and no fresh copy of it can be planted.",
            "Give that part a `reset_parameters`, or use a recipe that starts from the studied network.",
        )
    return fresh


def random_subspaces(request: PlantingRequest) -> ChooseSubspaces:
    """Random subspaces for the networks of a request."""
    variables, width = len(request.target.variables), request.width

    def choose(size: int, networks: Sequence[int]) -> Subspaces:
        check_planting(request.site, variables=variables, size=size, width=width)
        return random_planting_subspaces(len(networks), width, variables, size, request.seed + size)

    return choose


@dataclass(frozen=True)
class _RoundPlan:
    """How the networks of a request are trained.

    Args:
        initial: The networks that training starts from.
        choose_subspaces: Chooses the subspaces of some of them.
        shares: For each network the share of bases in which the variables count.
        module_learning_rate: Learning rate of a module; perceptrons have that of their activation.
    """

    initial: Plantable
    choose_subspaces: ChooseSubspaces
    shares: tuple[float, ...]
    module_learning_rate: float = NEW_MODULE_RATE

    @property
    def learning_rate(self) -> float:
        """Learning rate of the first step of each round."""
        return (
            self.module_learning_rate
            if isinstance(self.initial, Module)
            else fast_learning_rate(self.initial.activation)
        )

    def subspaces(self, request: PlantingRequest) -> Subspaces:
        """The subspaces of all networks, with sizes in turn; smaller ones are filled up with zeros."""
        count, variables, width = len(self.initial), len(request.target.variables), self.initial.width(request.site)
        sizes = [size for size in request.sizes if size * variables <= width] or [max(width // variables, 1)]
        rows = torch.zeros(count, variables, max(sizes), width)
        for number, size in enumerate(sizes):
            networks = range(count)[number :: len(sizes)]
            if networks:
                rows[number :: len(sizes), :, :size] = self.choose_subspaces(size, networks)
        return rows


def _in_rounds(request: PlantingRequest, plan: _RoundPlan) -> Planted:
    """Train the networks of a request in rounds; a network leaves when its variables are where they should be."""
    rows, networks = plan.subspaces(request), plan.initial
    targets = [
        TARGET_IIA if share == 1 else target_iia(request.task, request.hypothesis, share) for share in plan.shares
    ]
    latest: dict[int, Planted] = {}
    learning = list(range(len(networks)))
    for number in range(PLANTING_ROUNDS):
        config = TrainingConfig(
            task=request.task,
            hypothesis=request.target,
            site=request.site,
            steps=STEPS_PER_ROUND,
            batch=ROUND_BATCH,
            learning_rate=plan.learning_rate,
            weight_decay=0.0,
            seed=request.seed + number,
            on_progress=lambda share, number=number: request.on_progress((number + share) / PLANTING_ROUNDS),
        )
        planted = plant(networks, config, subspaces=rows[learning], shares=[plan.shares[i] for i in learning])
        latest |= {i: planted.select(place) for place, i in enumerate(learning)}
        rest = [place for place, i in enumerate(learning) if planted.scores[place].iia < targets[i]]
        if len(rest) <= request.allowed_failures:
            break
        networks, learning = planted.networks.select(rest), [learning[place] for place in rest]
    return Planted.concatenate([latest[i] for i in range(len(plan.initial))])


def target_iia(task: AbstractTask, hypothesis: str, share: float) -> float:
    """The IIA at which a graded network leaves training: `n + (1 − n) · share − tolerance`, `n` the IIA of no effect.

    Args:
        task: The task of the network.
        hypothesis: Name of the hypothesis whose variables are planted.
        share: Share of the bases in which the variables count, from 0 to 1.
    """
    no_effect = chance_levels(task, task.hypothesis(hypothesis)).no_effect
    return no_effect + (1 - no_effect) * share - GRADED_TOLERANCE


PLANTING_RECIPES: MappingProxyType[str, PlantingRecipe] = MappingProxyType(
    {
        "neuron_blocks": PlantingRecipe(plant=neuron_blocks, random_stream="blocks"),
        "fine_tuned": PlantingRecipe(plant=fine_tuned, random_stream="fine_tuned", changes_studied_networks=True),
        "graded": PlantingRecipe(plant=graded, random_stream="ladder"),
        "random_subspace": PlantingRecipe(plant=random_subspace, random_stream="mean_coded"),
    }
)
"""The recipes by name; those whose networks are hardest to search come first."""
