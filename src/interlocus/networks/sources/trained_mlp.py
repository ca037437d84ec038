"""The network source `mlp`: perceptrons that this library trains."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from interlocus.core.errors import SpecificationError
from interlocus.core.progress import OnProgress
from interlocus.core.tensor_files import TensorFile
from interlocus.networks import MLP, AbstractNetworks
from interlocus.networks.mlp.activations import find_activation
from interlocus.networks.mlp.training import RECIPES, TRAINING_BATCH, Recipe
from interlocus.networks.site import INPUT_SITE
from interlocus.networks.sources._base import AbstractNetworkSource
from interlocus.tasks import AbstractTask


@dataclass(frozen=True, kw_only=True)
class TrainedMLPs(AbstractNetworkSource):
    """Perceptrons that are trained together as one stack.

    Args:
        activation: The activation between two layers: `relu`, `sigmoid`, `tanh` or `gelu`.
        hidden: Widths of the hidden layers, from the input on.
        weight_decay: Weight decay of AdamW, on weights and biases.
        learning_rate: Initial learning rate; by default that of the activation's recipe.
        steps: Number of training steps; by default that of the activation's recipe.
        until: Return the networks as they are after this many of the steps; by default, after all.
        examples: Size of a fixed training set; by default every batch is new.

    Raises:
        UnknownNameError: There is no such activation.
        SpecificationError: `until` is larger than the number of steps.
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
                f"`until` is {self.until}, but training has {self.recipe.steps} steps.",
                "The networks never reach that step.",
                f"Set `until` to {self.recipe.steps} at most, or raise `steps`.",
            )

    @property
    def recipe(self) -> Recipe:
        """The activation's recipe with the settings of this source."""
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
        return {INPUT_SITE: task.input_width, **hidden}

    def make(
        self, task: AbstractTask, *, count: int, trained: bool, seed: int, on_progress: OnProgress
    ) -> list[AbstractNetworks]:
        if trained:
            networks = MLP.train(
                task,
                hidden=self.hidden,
                activation=self.activation,
                count=count,
                weight_decay=self.weight_decay,
                recipe=self.recipe,
                seed=seed,
                on_progress=on_progress,
            )
        else:
            networks = MLP.untrained(task, hidden=self.hidden, activation=self.activation, count=count, seed=seed)
        return [networks[i] for i in range(count)]

    def load(self, task: AbstractTask, files: Sequence[TensorFile], *, seed: int) -> list[AbstractNetworks]:
        return [MLP.stacked([MLP.load(file) for file in files])]

    def flops_after(self, task: AbstractTask, site: str) -> float:
        widths = (task.input_width, *self.hidden, task.classes)
        remaining = widths[list(self.sites(task)).index(site) :]
        return 2.0 * sum(inputs * outputs for inputs, outputs in itertools.pairwise(remaining))

    def flops_of_training(self, task: AbstractTask) -> float:
        return 3.0 * TRAINING_BATCH * self.recipe.steps * self.flops_after(task, INPUT_SITE)

    @property
    def summary(self) -> str:
        text = f"{self.activation}, {'×'.join(map(str, self.hidden))}, weight decay {self.weight_decay:g}"
        text += "" if self.examples is None else f", {self.examples} examples"
        return text if self.until is None else f"{text}, after {self.until} of {self.recipe.steps} steps"

    @property
    def architecture(self) -> str:
        return f"{self.activation}-{'-'.join(map(str, self.hidden))}"
