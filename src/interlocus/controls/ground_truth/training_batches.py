"""What networks learn in interchange intervention training: settings, batches of interventions, learning rates."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.interventions import draw
from interlocus.core.progress import OnProgress, ignore_progress
from interlocus.core.random import derived_generator
from interlocus.networks import MLP, Module
from interlocus.networks.mlp.training import RECIPES
from interlocus.tasks import AbstractTask

PLANTING_STEPS = 6000
PLANTING_BATCH = 512
MODULE_PLANTING_RATE = 3e-3
"""Default learning rate of a module, whose best rate is not known."""
STEPS_PER_DRAW = 32
"""Steps whose examples are drawn together, which is faster than one draw a step."""


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """What networks learn, and how.

    Args:
        task: The task that the networks learn to solve.
        hypothesis: The hypothesis whose variables the networks learn to hold at the site.
        site: Name of the site where the variables are exchanged, a key of `networks.sites`.
        steps: Number of steps of AdamW, 1 or more. The learning rate falls to zero along a cosine.
        batch: Number of examples in each step, and the number of interventions.
        learning_rate: Initial learning rate of AdamW. `None` means half the usual rate of the activation for
            perceptrons, and 0.003 for a module.
        weight_decay: Weight decay of AdamW, 0 or more; it applies to every parameter.
        seed: Seed of the examples.
        on_progress: Called with the share of the steps that are done, from 0 to 1.
    """

    task: AbstractTask
    hypothesis: Hypothesis
    site: str
    steps: int = PLANTING_STEPS
    batch: int = PLANTING_BATCH
    learning_rate: float | None = None
    weight_decay: float = 0.01
    seed: int = 0
    on_progress: OnProgress = ignore_progress

    def rate_for(self, networks: MLP | Module) -> float:
        """The initial learning rate for some networks."""
        if self.learning_rate is not None:
            return self.learning_rate
        if isinstance(networks, Module):
            return MODULE_PLANTING_RATE
        return RECIPES[networks.activation].learning_rate / 2


@dataclass(frozen=True, kw_only=True)
class TrainingBatch:
    """The examples and interventions of one step.

    Args:
        inputs: The bases, followed by the sources of each variable, one row each.
        block_sizes: Number of rows of each block of `inputs`: of the bases, then of each variable's sources.
        swapped: For each variable the range of bases in which it is exchanged.
        labels: The class of each base, followed by the label of the same base after the interchange. Networks differ
            in them where the variables count in a share of the bases only.
        value_indices: For each variable with declared values, the index of its value on each base.
    """

    inputs: Float[Tensor, "row ..."]
    block_sizes: list[int]
    swapped: tuple[slice, ...]
    labels: Int[Tensor, "network label"]
    value_indices: tuple[Int[Tensor, " base"], ...]

    @property
    def bases(self) -> int:
        """Number of bases."""
        return self.block_sizes[0]

    def interchange(
        self, states: Float[Tensor, "network row width"], projections: Float[Tensor, "network variable width width"]
    ) -> Float[Tensor, "network label width"]:
        """States of the bases, followed by the same states after the interchange.

        For a base `b`, a source `s` and the projection `P` of a variable, the state becomes `b + P (s − b)`.

        Args:
            states: States of all rows of `inputs` at the site.
            projections: For each network and variable the projection onto its subspace.
        """
        base, *sources = states.split(self.block_sizes, 1)
        after = base
        for variable, (source, rows) in enumerate(zip(sources, self.swapped, strict=True)):
            change = torch.bmm(source - base[:, rows], projections[:, variable])
            after = after + F.pad(change, (0, 0, rows.start, base.shape[1] - rows.stop))
        return torch.cat([base, after], 1)

    def loss(self, logits: Float[Tensor, "network label class"]) -> Tensor:
        """Cross-entropy: the mean over rows and the sum over networks, so that networks do not affect each other."""
        labels = self.labels.to(logits.device)
        return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum") / labels.shape[1]


@dataclass(frozen=True)
class TrainingSteps:
    """The batches of a training and their learning rates.

    Args:
        config: The settings of training.
        rate: Learning rate of the first step.
        shares: For each network the share of bases in which an interchange changes the label.
    """

    config: TrainingConfig
    rate: float
    shares: Float[Tensor, " network"]

    def __iter__(self) -> Iterator[tuple[TrainingBatch, float]]:
        """Each batch, of fresh examples, with its learning rate."""
        for step, batch in enumerate(self._batches()):
            yield batch, self.rate * (1 + math.cos(math.pi * step / self.config.steps)) / 2

    def _batches(self) -> Iterator[TrainingBatch]:
        config, hypothesis = self.config, self.config.hypothesis
        generator = derived_generator(config.seed, "planting examples")
        for first in range(0, config.steps, STEPS_PER_DRAW):
            config.on_progress(first / config.steps)
            examples = config.task.draw_examples(
                config.batch * STEPS_PER_DRAW, split="train", generator=generator, for_hypotheses=(hypothesis.name,)
            )
            drawn = draw(examples, hypothesis, shape=(STEPS_PER_DRAW, config.batch), generator=generator)
            classes = examples.values[config.task.model.output]
            declared = [
                (examples.values[name], hypothesis.model.variables[name].values) for name in hypothesis.variables
            ]
            indices = [
                (column.unsqueeze(1) == torch.tensor(values)).int().argmax(1) for column, values in declared if values
            ]
            counts = _rank(examples.inputs)[drawn.base] < self.shares[:, None, None]
            labels = torch.where(counts, drawn.labels, classes[drawn.base])
            for step in range(min(STEPS_PER_DRAW, config.steps - first)):
                now = drawn[step]
                rows = [now.base, *(source[place] for source, place in zip(now.sources, now.places, strict=True))]
                yield TrainingBatch(
                    inputs=examples.inputs[torch.cat(rows)],
                    block_sizes=[len(block) for block in rows],
                    swapped=now.places,
                    labels=torch.cat([classes[now.base].expand(len(self.shares), -1), labels[:, step]], 1),
                    value_indices=tuple(column[now.base] for column in indices),
                )


def _rank(inputs: Float[Tensor, "row ..."]) -> Float[Tensor, " row"]:
    """Rank of each example along a direction of the inputs, from 0 to 1; it is the same direction for all networks."""
    rows = inputs.flatten(1)
    along = rows @ torch.randn(rows.shape[1], generator=derived_generator(0, "counts"))
    return along.argsort().argsort() / len(rows)
