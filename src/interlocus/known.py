"""Perceptrons of which it is known what one of their sites carries: what a verdict is tried on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Literal, Protocol

from interlocus.blocks import blocks
from interlocus.decoys import Decoys, count_only, dormant, output_only
from interlocus.errors import NetworkError, SpecificationError, UnknownNameError
from interlocus.kinds import Done, Perceptrons
from interlocus.networks import MLP, AbstractNetworks
from interlocus.planting import Planted
from interlocus.tasks import AbstractTask, HierarchicalEquality
from interlocus.twins import fine_tuned, mean_coded

Truth = Literal["there", "not there"]
"""Whether the rest of the network reads the variables at the site."""

ROUNDS = 4
"""So often networks are made anew where some did not become what they should."""
FEWEST = 4
"""Fewer are not made at once."""


class _Makes(Protocol):
    def __call__(self, known: Known, task: AbstractTask, begin: MLP, count: int, seed: int) -> Planted | Decoys: ...


@dataclass(frozen=True, kw_only=True)
class Known(Perceptrons):
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
        if self.what not in WAYS:
            raise UnknownNameError("way of planting", self.what, WAYS)

    @property
    def truth(self) -> Truth:
        """Whether the variables are there."""
        return "there" if self.what in PRESENT else "not there"

    def make(self, task: AbstractTask, *, count: int, trained: bool, seed: int, done: Done) -> list[AbstractNetworks]:
        """Only networks that measurably are what they should be.

        Raises:
            NetworkError: too few become so.
        """
        if not trained:
            return super().make(task, count=count, trained=trained, seed=seed, done=done)
        kept: list[AbstractNetworks] = []
        for number in range(ROUNDS):
            missing, own = count - len(kept), seed + 1000 * number
            begin = self._begin(task, max(missing, FEWEST), own)
            made = WAYS[self.what](self, task, begin, len(begin), own)
            kept += [made.networks[i] for i in made.admitted][:missing]
            done(len(kept) / count)
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


def _twins(known: Known, task: AbstractTask, begin: MLP, count: int, seed: int) -> Planted:
    way = mean_coded if known.what == "mean_coded" else fine_tuned
    about = {"hypothesis": known.hypothesis, "site": known.site, "count": count, "seed": seed}
    return way(task, like=begin, sizes=(known.size,), **about)


def _blocks(known: Known, task: AbstractTask, begin: MLP, count: int, seed: int) -> Planted:
    return blocks(task, hypothesis=known.hypothesis, site=known.site, like=begin, count=count, seed=seed)


def _decoys(known: Known, task: AbstractTask, begin: MLP, count: int, seed: int) -> Decoys:
    if not isinstance(task, HierarchicalEquality):
        raise SpecificationError(
            f"Networks of kind {known.what!r} are asked for in the task {task.name!r}.",
            "They are written down by hand, for hierarchical equality.",
            "Use that task, or plant variables.",
        )
    way = DECOYS[known.what]
    return way(task, site=known.site, hidden=known.hidden, activation=known.activation, count=count, seed=seed)


DECOYS: Mapping[str, Callable[..., Decoys]] = MappingProxyType(
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
WAYS: Mapping[str, _Makes] = MappingProxyType({**PRESENT, **dict.fromkeys(DECOYS, _decoys)})
"""All ways."""
