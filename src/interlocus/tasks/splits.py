"""The examples of a study by split: drawn once from its seed, and the same for every search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from interlocus.causal.examples import Examples
from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.model import Values
from interlocus.causal.single_use import Transition, batch_shape, examples_by_value, examples_for, rare_transitions
from interlocus.core.random import derived_generator
from interlocus.core.spec import Count, Spec
from interlocus.tasks._base import AbstractTask, Split

MAX_ROUNDS = 16
"""Rounds of drawing, of as many examples as the natural interventions need, in which rare values are looked for. With
the usual sizes enough are found of a value that occurs in .5 % of the examples."""


class SampleSizes(Spec):
    """How many examples are drawn, and how many interventions they are used in.

    Args:
        pool: Training examples, from which bases and sources are drawn.
        held_out: Examples of the validation split.
        partners: Training examples that have minimal pairs, for phases with `sampling: minimal_pairs`.
        batch: Interventions in each training step of a search.
        test: Interventions that a final score is measured on. They decide nothing else. Each test example is used in
            one intervention, so about 2.3 times as many examples are drawn, and more for rare values of a variable.
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

        def draw_split(split: Split, count: int) -> Examples:
            return task.draw_examples(
                count, split=split, generator=derived_generator(seed, "pool", split), for_hypotheses=hypotheses
            )

        variables = sorted({variable for h in task.hypotheses.values() for variable in h.variables})
        return cls(
            train=draw_split("train", sizes.pool),
            validation=draw_split("validation", sizes.held_out),
            test=draw_test_examples(task, sizes, seed=seed, hypotheses=hypotheses),
            pairs=task.draw_examples(
                sizes.partners,
                split="train",
                generator=derived_generator(seed, "pool", "pairs"),
                partners_of=variables,
            ),
        )


def draw_test_examples(task: AbstractTask, sizes: SampleSizes, *, seed: int, hypotheses: Sequence[str]) -> Examples:
    """The test examples of a search: as many as its interventions need, and more of those with rare values.

    Args:
        task: The task to draw from.
        sizes: The number of test interventions, and the size of a batch.
        seed: Seed of the search.
        hypotheses: Names of hypotheses whose special examples and rare transitions are drawn as well.
    """
    shape = batch_shape(sizes.test, sizes.batch)
    pool = task.draw_examples(
        max(examples_for(hypothesis, shape) for hypothesis in task.hypotheses.values()),
        split="test",
        generator=derived_generator(seed, "pool", "test"),
        for_hypotheses=hypotheses,
    )
    for name in hypotheses:
        hypothesis = task.hypothesis(name)
        for variable, lacking in rare_transitions(pool, hypothesis, sizes.test).items():
            pool = _with_transitions(task, pool, hypothesis, variable, lacking, seed=seed)
    return pool


def _with_transitions(
    task: AbstractTask,
    pool: Examples,
    hypothesis: Hypothesis,
    variable: str,
    lacking: Mapping[Transition, int],
    *,
    seed: int,
) -> Examples:
    """The pool with further examples, which are chosen by the value of a variable and by nothing else."""
    generator = derived_generator(seed, "pool", "transitions", hypothesis.name, variable)
    needed, kept = examples_by_value(lacking), list[Values]()
    for _ in range(MAX_ROUNDS):
        drawn = task.sample(pool.count, split="test", generator=generator)
        values = task.values(drawn)[variable]
        for value, count in needed.items():
            rows = (values == value).nonzero().squeeze(1)[:count]
            kept.append({name: part[rows] for name, part in drawn.items()})
            needed[value] = count - len(rows)
        if not any(needed.values()):
            break
    chosen = {name: torch.cat([part[name] for part in kept]) for name in kept[0]}
    added = task.values(chosen)
    first, count = len(pool.inputs), len(added[variable])
    return replace(
        pool,
        inputs=torch.cat([pool.inputs, task.encode(chosen)]),
        values={name: torch.cat([part, added[name]]) for name, part in pool.values.items()},
        transitions={**pool.transitions, (hypothesis.name, variable): slice(first, first + count)},
    )
