"""Perceptrons with a known ground truth at one of their sites: verdicts are checked against them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Literal, Protocol

from interlocus.controls.ground_truth.constructions import CODED, Construction
from interlocus.controls.ground_truth.constructions.perceptrons import CODED_SITE, coded_perceptrons, network_shares
from interlocus.controls.ground_truth.hand_wired import (
    HandWiredNetworks,
    count_only,
    count_with_unused_copies,
    output_only,
)
from interlocus.controls.ground_truth.planting import Planted, PlantingRequest
from interlocus.controls.ground_truth.recipes import PLANTING_RECIPES
from interlocus.core.errors import NetworkError, SpecificationError, UnknownNameError
from interlocus.core.progress import OnProgress
from interlocus.networks import MLP, AbstractNetworks
from interlocus.networks.sources.trained_mlp import TrainedMLPs
from interlocus.tasks import AbstractTask, HierarchicalEquality

Truth = Literal["there", "not there"]
"""Whether the site holds the variables and the rest of the network reads them."""

MAX_NETWORK_ROUNDS = 4
"""Rounds in which networks are made again, in place of those whose ground truth failed its check."""
JOINED = "+"
"""Joins the names of constructions of which one group has networks."""
MIN_NETWORKS_AT_ONCE = 4
"""Smallest number of networks that a round makes."""
SIZED_RECIPES = ("random_subspace", "fine_tuned")
"""Recipes that plant a given number of directions per variable."""


class HandWiring(Protocol):
    """A function that writes the weights of networks of one kind."""

    def __call__(
        self,
        task: HierarchicalEquality,
        *,
        site: str,
        hidden: Sequence[int],
        activation: str,
        count: int,
        seed: int,
    ) -> HandWiredNetworks:
        """Make the networks.

        Args:
            task: The task that they solve.
            site: Name of the site with the known ground truth.
            hidden: Widths of the hidden layers.
            activation: Activation function of the hidden layers.
            count: Number of networks, 1 or more.
            seed: Seed of directions and weights.
        """
        ...


HAND_WIRED: Mapping[str, HandWiring] = MappingProxyType(
    {
        "count_only": count_only,
        "pair_only": partial(count_only, code="pair"),
        "output_only": output_only,
        "unused_copies": count_with_unused_copies,
    }
)
"""Constructions whose site does not hold the variables, or holds copies of them that nothing reads."""
PLANTING_CONSTRUCTIONS = ("random_subspace", "fine_tuned", "neuron_blocks")
"""Constructions whose site holds the variables, read by the rest of the network: names of planting recipes."""
CONSTRUCTIONS = (*PLANTING_CONSTRUCTIONS, *HAND_WIRED, *CODED)


@dataclass(frozen=True, kw_only=True)
class GroundTruthNetworks(TrainedMLPs):
    """Perceptrons of which it is known whether a site holds the variables of a hypothesis.

    Args:
        construction: How the networks are made. With `random_subspace`, `fine_tuned` and `neuron_blocks` the site
            holds the variables; with `count_only`, `pair_only` (the count as two numbers), `output_only` and
            `unused_copies` it does not, or nothing reads them. The others are those of `constructions`; several of
            them, joined by `+`, make equally many networks each, in this order.
        site: Name of the hidden layer with the known ground truth.
        size: Features per variable, with `random_subspace` and `fine_tuned`; the other constructions ignore it.
        hypothesis: Name of the hypothesis whose variables are planted.

    Raises:
        UnknownNameError: There is no such construction.
    """

    construction: str
    site: str
    size: int = 2
    hypothesis: str = "both"

    def __post_init__(self) -> None:
        super().__post_init__()
        known = CODED if len(self.constructions) > 1 else CONSTRUCTIONS
        for name in self.constructions:
            if name not in known:
                raise UnknownNameError("construction", name, known)

    @property
    def constructions(self) -> tuple[str, ...]:
        """The names of its constructions; several only if all of them have a code."""
        return tuple(self.construction.split(JOINED))

    @property
    def truth(self) -> Truth:
        """Whether the variables are at the site."""
        if self.constructions[0] in CODED:
            return "there" if all(CODED[name].is_there() for name in self.constructions) else "not there"
        return "there" if self.construction in PLANTING_CONSTRUCTIONS else "not there"

    def make(
        self, task: AbstractTask, *, count: int, trained: bool, seed: int, on_progress: OnProgress
    ) -> list[AbstractNetworks]:
        """Make networks, and keep those whose ground truth passes its check.

        Raises:
            NetworkError: Too few networks pass.
        """
        if not trained:
            return super().make(task, count=count, trained=trained, seed=seed, on_progress=on_progress)
        if self.constructions[0] in CODED:
            each = count // len(self.constructions)
            return [
                one for name in self.constructions for one in self._coded(CODED[name], task, each, seed, on_progress)
            ]
        kept: list[AbstractNetworks] = []
        for number in range(MAX_NETWORK_ROUNDS):
            missing, round_seed = count - len(kept), seed + 1000 * number
            made = self._construct(task, max(missing, MIN_NETWORKS_AT_ONCE), round_seed)
            kept += [made.networks[i] for i in made.admitted][:missing]
            on_progress(len(kept) / count)
            if len(kept) == count:
                break
        return self._complete(kept, count)

    @property
    def summary(self) -> str:
        size = f" of size {self.size}" if self.construction in SIZED_RECIPES else ""
        return f"{self.construction}{size} at {self.site}, {self.activation}, {'×'.join(map(str, self.hidden))}"

    def _construct(self, task: AbstractTask, count: int, seed: int) -> Planted | HandWiredNetworks:
        if self.construction in HAND_WIRED:
            if not isinstance(task, HierarchicalEquality):
                raise SpecificationError(
                    f"The construction {self.construction!r} is used with the task {task.name!r}.",
                    "Its weights are written by hand for hierarchical equality.",
                    "Use that task, or a construction that plants variables.",
                )
            make = HAND_WIRED[self.construction]
            return make(task, site=self.site, hidden=self.hidden, activation=self.activation, count=count, seed=seed)
        request = PlantingRequest(
            task=task,
            hypothesis=self.hypothesis,
            site=self.site,
            like=self._initial(task, count, seed),
            count=count,
            seed=seed,
            sizes=(self.size,),
        )
        return PLANTING_RECIPES[self.construction].plant(request)

    def _coded(
        self, construction: Construction, task: AbstractTask, count: int, seed: int, on_progress: OnProgress
    ) -> list[AbstractNetworks]:
        """Coded networks; one that fails its check is made again, with the same share of inputs."""
        if self.site != CODED_SITE:
            raise UnknownNameError("site", self.site, [CODED_SITE], f"networks of {self.construction}")
        shares, kept = network_shares(construction, count, seed), dict[int, AbstractNetworks]()
        for number in range(MAX_NETWORK_ROUNDS):
            missing = [i for i in range(count) if i not in kept]
            made = coded_perceptrons(
                construction,
                task,
                hidden=self.hidden,
                activation=self.activation,
                shares=[shares[i] for i in missing],
                seed=seed + 1000 * number,
            )
            kept |= {missing[place]: made.networks[place] for place in made.admitted}
            on_progress(len(kept) / count)
            if len(kept) == count:
                break
        return self._complete([kept[i] for i in sorted(kept)], count)

    def _complete(self, kept: list[AbstractNetworks], count: int) -> list[AbstractNetworks]:
        if len(kept) == count:
            return kept
        raise NetworkError(
            f"Of {count} networks ({self.summary}) only {len(kept)} passed the check of their ground truth.",
            "A network whose ground truth is not known says nothing about a verdict.",
            "Use fewer networks, another size or another architecture.",
        )

    def _initial(self, task: AbstractTask, count: int, seed: int) -> MLP:
        """The networks that a recipe changes, or fresh ones where it needs the architecture only."""
        if PLANTING_RECIPES[self.construction].changes_studied_networks:
            return MLP.train(
                task,
                hidden=self.hidden,
                activation=self.activation,
                count=count,
                seed=seed,
                weight_decay=self.weight_decay,
                recipe=self.recipe,
            )
        return MLP.untrained(task, hidden=self.hidden, activation=self.activation, count=count, seed=seed)
