"""Kinds of networks that a family can be of: how they are made, kept and fetched again."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interlocus.core.errors import SpecificationError
from interlocus.core.tensor_files import TensorFile
from interlocus.networks import MLP, AbstractNetworks
from interlocus.networks.mlp.activations import find_activation
from interlocus.networks.mlp.training import RECIPES, TRAINING_BATCH, Recipe
from interlocus.networks.sources._base import AbstractNetworkSource, OnProgress
from interlocus.tasks import AbstractTask


@dataclass(frozen=True, kw_only=True)
class TrainedMLPs(AbstractNetworkSource):
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

    def make(
        self, task: AbstractTask, *, count: int, trained: bool, seed: int, done: OnProgress
    ) -> list[AbstractNetworks]:
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

    def load(self, task: AbstractTask, files: Sequence[TensorFile], *, seed: int) -> list[AbstractNetworks]:
        return [MLP.stacked([MLP.load(file) for file in files])]

    def flops_behind(self, task: AbstractTask, site: str) -> float:
        widths = self._widths(task)[list(self.sites(task)).index(site) :]
        return 2.0 * sum(one * other for one, other in itertools.pairwise(widths))

    def flops_of_training(self, task: AbstractTask) -> float:
        return 3.0 * TRAINING_BATCH * self.recipe.steps * self.flops_behind(task, "input")

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
