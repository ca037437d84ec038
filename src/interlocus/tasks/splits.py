"""The examples of a study: drawn once from its seed, and the same for every search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from interlocus.causal.examples import Examples
from interlocus.core.random import derived_generator
from interlocus.core.spec import Count, Spec
from interlocus.tasks import AbstractTask, Split


class SampleSizes(Spec):
    """How many examples are drawn, and how many interventions are tested.

    Args:
        pool: inputs whose activations training draws from.
        held_out: inputs of the validation pool and of the test pool, each.
        partners: inputs with minimal pairs, for phases that ask for them.
        batch: interventions a step.
        test: interventions of the score; nothing is chosen by them.
    """

    pool: Count = 65_536
    held_out: Count = 16_384
    partners: Count = 16_384
    batch: Count = 512
    test: Count = 10_000


@dataclass(frozen=True, kw_only=True)
class DataSplits:
    """Pools of one task: `train` to learn from, `validation` to choose by, `test` to measure on.

    `pairs` holds training examples with minimal pairs of every variable that has them, for phases that ask for them.
    """

    train: Examples
    validation: Examples
    test: Examples
    pairs: Examples

    @classmethod
    def draw(cls, task: AbstractTask, sizes: SampleSizes, *, seed: int, hypotheses: Sequence[str] = ()) -> DataSplits:
        """Draw the pools of a task, with what these hypotheses need beside its own examples."""

        def pool(split: Split) -> Examples:
            count = sizes.pool if split == "train" else sizes.held_out
            return task.draw_examples(
                count, split=split, generator=derived_generator(seed, "pool", split), for_hypotheses=hypotheses
            )

        variables = sorted({variable for h in task.hypotheses.values() for variable in h.variables})
        return cls(
            train=pool("train"),
            validation=pool("validation"),
            test=pool("test"),
            pairs=task.draw_examples(
                sizes.partners,
                split="train",
                generator=derived_generator(seed, "pool", "pairs"),
                partners_of=variables,
            ),
        )
