"""The examples of a study: drawn once from its seed, and the same for every search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from interlocus.budget import Budget
from interlocus.counterfactuals import Pool
from interlocus.seeds import stream
from interlocus.tasks import AbstractTask, Split


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
    def draw(cls, task: AbstractTask, budget: Budget, *, seed: int, hypotheses: Sequence[str] = ()) -> Data:
        """Draw the pools of a task, with what these hypotheses need beside its own examples."""

        def pool(split: Split) -> Pool:
            count = budget.pool if split == "train" else budget.held_out
            return task.pool(count, split=split, generator=stream(seed, "pool", split), own_of=hypotheses)

        variables = sorted({variable for h in task.hypotheses.values() for variable in h.variables})
        return cls(
            train=pool("train"),
            validation=pool("validation"),
            test=pool("test"),
            pairs=task.pool(
                budget.partners, split="train", generator=stream(seed, "pool", "pairs"), partners_of=variables
            ),
        )
