"""The examples of a study: drawn once from its seed, and the same for every search."""

from __future__ import annotations

from dataclasses import dataclass

from interlocus.budget import Budget
from interlocus.counterfactuals import Pool
from interlocus.seeds import stream
from interlocus.tasks import AbstractTask


@dataclass(frozen=True, kw_only=True)
class Data:
    """Pools of one task: `train` to learn from, `validation` to choose by, `test` to measure on.

    `pairs` holds training examples with minimal pairs of every variable that has them, for phases that ask for them.
    """

    train: Pool
    validation: Pool
    test: Pool
    pairs: Pool

    @classmethod
    def draw(cls, task: AbstractTask, budget: Budget, *, seed: int) -> Data:
        """Draw the pools of a task."""
        variables = sorted({variable for h in task.hypotheses.values() for variable in h.variables})
        return cls(
            train=task.pool(budget.pool, split="train", generator=stream(seed, "pool", "train")),
            validation=task.pool(budget.held_out, split="validation", generator=stream(seed, "pool", "validation")),
            test=task.pool(budget.held_out, split="test", generator=stream(seed, "pool", "test")),
            pairs=task.pool(
                budget.partners, split="train", generator=stream(seed, "pool", "pairs"), partners_of=variables
            ),
        )
