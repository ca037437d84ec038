"""Kinds of networks that a family can be of: how they are made, kept and fetched again."""

from __future__ import annotations

import abc
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlocus.errors import SpecificationError
from interlocus.networks import MLP, AbstractNetworks
from interlocus.networks.activations import find_activation
from interlocus.networks.training import BATCH, RECIPES, Recipe
from interlocus.tasks import AbstractTask

Done = Callable[[float], None]
"""Is told the share that is done."""


class AbstractKind(abc.ABC):
    """Networks of one kind; its settings are its constructor's."""

    @abc.abstractmethod
    def sites(self, task: AbstractTask) -> Mapping[str, int]:
        """The places in such networks, with their widths, before any is trained."""

    @abc.abstractmethod
    def make(self, task: AbstractTask, *, count: int, trained: bool, seed: int, done: Done) -> list[AbstractNetworks]:
        """That many networks, each by itself."""

    @abc.abstractmethod
    def load(self, task: AbstractTask, paths: Sequence[Path], *, seed: int) -> list[AbstractNetworks]:
        """Kept networks, in order; those that can be searched at once in one."""

    @abc.abstractmethod
    def flops_behind(self, task: AbstractTask, site: str) -> float:
        """Operations of the part behind a site for one example, roughly."""

    @abc.abstractmethod
    def flops_of_training(self, task: AbstractTask) -> float:
        """Operations of making one, roughly."""

    @property
    @abc.abstractmethod
    def summary(self) -> str:
        """In a few words for people."""

    @property
    @abc.abstractmethod
    def architecture(self) -> str:
        """Equal for networks that differ in their parameters only: what an untrained one is held against."""

    def plantable(self, task: AbstractTask) -> bool:
        """Whether twins of them with a planted variable can be made."""
        return True


@dataclass(frozen=True, kw_only=True)
class Perceptrons(AbstractKind):
    """Perceptrons that we train, many at once.

    Args:
        activation: `relu`, `sigmoid`, `tanh` or `gelu`.
        hidden: widths of the hidden layers.
        weight_decay: of AdamW.
        learning_rate: by default what works for the activation.
        steps: likewise.
        until: the networks as they are after so many of the steps; by default after all.
        examples: so many are drawn once and learned from again and again; by default all are new.

    Raises:
        SpecificationError: a point behind the last step.
    """

    activation: str = "relu"
    hidden: tuple[int, ...] = (16, 16, 16)
    weight_decay: float = 0.01
    learning_rate: float | None = None
    steps: int | None = None
    until: int | None = None
    examples: int | None = None

    def __post_init__(self) -> None:
        find_activation(self.activation)
        if self.until is not None and self.until > self.recipe.steps:
            raise SpecificationError(
                f"Networks are asked for as they are after {self.until} steps.",
                f"They are trained for {self.recipe.steps}.",
                "Give an earlier point, or more steps.",
            )

    @property
    def recipe(self) -> Recipe:
        """How they are trained."""
        usual = RECIPES[self.activation]
        return Recipe(
            learning_rate=self.learning_rate or usual.learning_rate,
            steps=self.steps or usual.steps,
            gain=usual.gain,
            until=self.until,
            examples=self.examples,
        )

    def sites(self, task: AbstractTask) -> Mapping[str, int]:
        hidden = {f"layer{i}": width for i, width in enumerate(self.hidden, start=1)}
        return {"input": task.input_width, **hidden}

    def make(self, task: AbstractTask, *, count: int, trained: bool, seed: int, done: Done) -> list[AbstractNetworks]:
        about: dict[str, Any] = {"hidden": self.hidden, "activation": self.activation, "count": count, "seed": seed}
        if trained:
            networks = MLP.train(
                task,
                **about,
                weight_decay=self.weight_decay,
                recipe=self.recipe,
                progress=lambda step, steps: done(step / steps),
            )
        else:
            networks = MLP.untrained(task, **about)
        return [networks[i] for i in range(count)]

    def load(self, task: AbstractTask, paths: Sequence[Path], *, seed: int) -> list[AbstractNetworks]:
        return [MLP.stacked([MLP.load(path) for path in paths])]

    def flops_behind(self, task: AbstractTask, site: str) -> float:
        widths = self._widths(task)[list(self.sites(task)).index(site) :]
        return 2.0 * sum(one * other for one, other in itertools.pairwise(widths))

    def flops_of_training(self, task: AbstractTask) -> float:
        return 3.0 * BATCH * self.recipe.steps * self.flops_behind(task, "input")

    @property
    def summary(self) -> str:
        about = f"{self.activation}, {'×'.join(map(str, self.hidden))}, weight decay {self.weight_decay:g}"
        about += "" if self.examples is None else f", {self.examples} examples"
        return about if self.until is None else f"{about}, after {self.until} of {self.recipe.steps} steps"

    @property
    def architecture(self) -> str:
        return f"{self.activation}-{'-'.join(map(str, self.hidden))}"

    def _widths(self, task: AbstractTask) -> tuple[int, ...]:
        return (task.input_width, *self.hidden, task.classes)
