"""Perceptrons of which it is known what one of their sites carries: what a verdict is tried on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Literal, Protocol

from interlocus.controls.ground_truth.hand_wired import Decoys, count_only, dormant, output_only
from interlocus.controls.ground_truth.neuron_blocks import neuron_blocks
from interlocus.controls.ground_truth.planting import Planted
from interlocus.controls.ground_truth.recipes import fine_tuned, random_subspace
from interlocus.core.errors import NetworkError, SpecificationError, UnknownNameError
from interlocus.core.progress import OnProgress
from interlocus.networks import MLP, AbstractNetworks
from interlocus.networks.sources.trained_mlp import TrainedMLPs
from interlocus.tasks import AbstractTask, HierarchicalEquality

Truth = Literal["there", "not there"]
"""Whether the rest of the network reads the variables at the site."""

MAX_NETWORK_ROUNDS = 4
"""So often networks are made anew where some did not become what they should."""
MIN_NETWORKS_AT_ONCE = 4
"""Fewer are not made at once."""


class _Makes(Protocol):
    def __call__(
        self, known: GroundTruthNetworks, task: AbstractTask, begin: MLP, count: int, seed: int
    ) -> Planted | Decoys: ...


@dataclass(frozen=True, kw_only=True)
class GroundTruthNetworks(TrainedMLPs):
    """Perceptrons with a variable planted at a site, or certainly without it.

    Args:
        what: how they are made: `mean_coded`, `fine_tuned`, `blocks` (the variables are there), `count_only`,
            `pair_only` (the count as two numbers), `output_only` or `dormant` (they are not).
        site: a hidden layer.
        size: directions a variable, of `mean_coded` and `fine_tuned` ones.
        hypothesis: what is planted.

    Raises:
        UnknownNameError: no such way.
    """

    what: str
    site: str
    size: int = 2
    hypothesis: str = "both"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.what not in CONSTRUCTIONS:
            raise UnknownNameError("way of planting", self.what, CONSTRUCTIONS)

    @property
    def truth(self) -> Truth:
        """Whether the variables are there."""
        return "there" if self.what in PRESENT else "not there"

    def make(
        self, task: AbstractTask, *, count: int, trained: bool, seed: int, on_progress: OnProgress
    ) -> list[AbstractNetworks]:
        """Only networks that measurably are what they should be.

        Raises:
            NetworkError: too few become so.
        """
        if not trained:
            return super().make(task, count=count, trained=trained, seed=seed, on_progress=on_progress)
        kept: list[AbstractNetworks] = []
        for number in range(MAX_NETWORK_ROUNDS):
            missing, own = count - len(kept), seed + 1000 * number
            begin = self._begin(task, max(missing, MIN_NETWORKS_AT_ONCE), own)
            made = CONSTRUCTIONS[self.what](self, task, begin, len(begin), own)
            kept += [made.networks[i] for i in made.admitted][:missing]
            on_progress(len(kept) / count)
            if len(kept) == count:
                return kept
        raise NetworkError(
            f"Of {count} networks ({self.summary}) {len(kept)} became what they should.",
            "Others would say nothing about a verdict, since their truth is not known.",
            "Ask for fewer, another size or another architecture.",
        )

    @property
    def summary(self) -> str:
        size = f" of size {self.size}" if self.what in {"mean_coded", "fine_tuned"} else ""
        return f"{self.what}{size} at {self.site}, {self.activation}, {'×'.join(map(str, self.hidden))}"

    def _begin(self, task: AbstractTask, count: int, seed: int) -> MLP:
        """What is changed until the variables are there: trained networks, or fresh ones."""
        about = {"hidden": self.hidden, "activation": self.activation, "count": count, "seed": seed}
        if self.what == "fine_tuned":
            return MLP.train(task, **about, weight_decay=self.weight_decay, recipe=self.recipe)
        return MLP.untrained(task, **about)


def _twins(known: GroundTruthNetworks, task: AbstractTask, begin: MLP, count: int, seed: int) -> Planted:
    way = random_subspace if known.what == "mean_coded" else fine_tuned
    about = {"hypothesis": known.hypothesis, "site": known.site, "count": count, "seed": seed}
    return way(task, like=begin, sizes=(known.size,), **about)


def _blocks(known: GroundTruthNetworks, task: AbstractTask, begin: MLP, count: int, seed: int) -> Planted:
    return neuron_blocks(task, hypothesis=known.hypothesis, site=known.site, like=begin, count=count, seed=seed)


def _decoys(known: GroundTruthNetworks, task: AbstractTask, begin: MLP, count: int, seed: int) -> Decoys:
    if not isinstance(task, HierarchicalEquality):
        raise SpecificationError(
            f"Networks of kind {known.what!r} are asked for in the task {task.name!r}.",
            "They are written down by hand, for hierarchical equality.",
            "Use that task, or plant variables.",
        )
    way = HAND_WIRED[known.what]
    return way(task, site=known.site, hidden=known.hidden, activation=known.activation, count=count, seed=seed)


HAND_WIRED: Mapping[str, Callable[..., Decoys]] = MappingProxyType(
    {
        "count_only": count_only,
        "pair_only": partial(count_only, code="pair"),
        "output_only": output_only,
        "dormant": dormant,
    }
)
"""Ways that leave something else where the variables could be."""
PRESENT: Mapping[str, _Makes] = MappingProxyType({"mean_coded": _twins, "fine_tuned": _twins, "blocks": _blocks})
"""Ways that leave the variables where the rest of the network reads them."""
CONSTRUCTIONS: Mapping[str, _Makes] = MappingProxyType({**PRESENT, **dict.fromkeys(HAND_WIRED, _decoys)})
"""All ways."""
