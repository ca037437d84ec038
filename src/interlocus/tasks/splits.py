"""The examples of a study by split: drawn once from its seed, and the same for every search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from interlocus.causal.examples import Examples
from interlocus.core.random import derived_generator
from interlocus.core.spec import Count, Spec
from interlocus.tasks._base import AbstractTask, Split


class SampleSizes(Spec):
    """How many examples are drawn, and how many interventions they are used in.

    Args:
        pool: Training examples, from which bases and sources are drawn.
        held_out: Examples of the validation split, and of the test split.
        partners: Training examples that have minimal pairs, for phases with `sampling: minimal_pairs`.
        batch: Interventions in each training step of a search.
        test: Interventions that a final score is measured on. They decide nothing else.
    """

    pool: Count = 65_536
    held_out: Count = 16_384
    partners: Count = 16_384
    batch: Count = 512
    test: Count = 10_000


@dataclass(frozen=True, kw_only=True)
class DataSplits:
    """The examples of one task, by what they are used for.

    Args:
        train: Examples that searches learn from.
        validation: Examples that restarts and steps are chosen by.
        test: Examples that scores are measured on.
        pairs: Training examples with minimal pairs of every variable that has them.
    """

    train: Examples
    validation: Examples
    test: Examples
    pairs: Examples

    @classmethod
    def draw(cls, task: AbstractTask, sizes: SampleSizes, *, seed: int, hypotheses: Sequence[str] = ()) -> DataSplits:
        """Draw the examples of a task.

        Args:
            task: The task to draw from.
            sizes: How many examples to draw for each split.
            seed: Seed of all splits; each has a random stream of its own.
            hypotheses: Names of hypotheses whose special examples are drawn as well, where they need any.
        """

        def draw_split(split: Split) -> Examples:
            count = sizes.pool if split == "train" else sizes.held_out
            return task.draw_examples(
                count, split=split, generator=derived_generator(seed, "pool", split), for_hypotheses=hypotheses
            )

        variables = sorted({variable for h in task.hypotheses.values() for variable in h.variables})
        return cls(
            train=draw_split("train"),
            validation=draw_split("validation"),
            test=draw_split("test"),
            pairs=task.draw_examples(
                sizes.partners,
                split="train",
                generator=derived_generator(seed, "pool", "pairs"),
                partners_of=variables,
            ),
        )
