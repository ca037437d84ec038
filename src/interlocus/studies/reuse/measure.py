"""Measure re-use: a new question about variables that a network computes already, answered from a few labels.

Several learners get the same labels and see something else of the network (see `Way`). Their accuracies say what it is
worth to know where the variables are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from interlocus.alignment.alignment import Alignment
from interlocus.causal.model import Variable
from interlocus.core.errors import SpecificationError, UnknownNameError
from interlocus.core.json_record import JsonRecord
from interlocus.core.progress import OnProgress, ignore_progress
from interlocus.core.threads import one_thread
from interlocus.networks import AbstractNetworks
from interlocus.studies.reuse.learners import REUSE_WAYS, Learners, Way
from interlocus.studies.spec.reuse import LABEL_COUNTS, QuestionRule
from interlocus.tasks import AbstractTask

MIN_LABELS = 5
COMBINE: Mapping[QuestionRule, Callable[[Tensor], Tensor]] = {
    "any": lambda truths: truths.any(0),
    "all": lambda truths: truths.all(0),
    "odd": lambda truths: truths.sum(0) % 2 == 1,
}
"""New questions about truth values `[variable, example]`, by name."""


def new_question(rule: QuestionRule, variables: Sequence[str]) -> Variable:
    """A question about variables, each of which is false where it is zero and true otherwise.

    Args:
        rule: Whether `any`, `all` or an `odd` number of them are true.
        variables: Names of the variables, the parents of the question.

    Raises:
        UnknownNameError: There is no such rule.
    """
    if rule not in COMBINE:
        raise UnknownNameError("question", rule, COMBINE)
    return Variable(
        name=f"{rule} of {', '.join(variables)}",
        parents=tuple(variables),
        mechanism=lambda *values: COMBINE[rule](torch.stack(values) != 0).long(),
        values=(0, 1),
    )


@dataclass(frozen=True, kw_only=True)
class LabelDraws:
    """How many labels are given, and how often they are drawn.

    Args:
        counts: Numbers of labels, 5 or more each.
        draws: Number of times that other labels are drawn, 1 or more, for each number of labels.
    """

    counts: Sequence[int] = LABEL_COUNTS
    draws: int = 2


class ReuseRow(TypedDict):
    """One row of the table of re-use: the accuracy of one way, for one draw of labels."""

    question: str
    way: str
    labels: int
    draw: int
    accuracy: float


@dataclass(frozen=True, kw_only=True)
class Reuse(JsonRecord):
    """How well a new question is answered about one network.

    Args:
        question: Name of the question.
        commonest: Share of the test examples that have the commonest label: the accuracy of an answer without looking.
        labels: Numbers of labels that were given.
        accuracy: For each way and number of labels the accuracy on fresh examples, for each draw of labels.
    """

    question: str
    commonest: float
    labels: tuple[int, ...]
    accuracy: Mapping[str, tuple[tuple[float, ...], ...]]

    def mean(self, way: str) -> tuple[float, ...]:
        """For each number of labels the mean accuracy over draws.

        Args:
            way: What the question is answered from, a key of `accuracy`.
        """
        return tuple(float(np.mean(draws)) for draws in self.accuracy[way])

    def to_rows(self) -> list[ReuseRow]:
        """One row for each way, number of labels and draw, for a table."""
        return [
            ReuseRow(question=self.question, way=way, labels=count, draw=draw, accuracy=accuracy)
            for way, by_count in self.accuracy.items()
            for count, draws in zip(self.labels, by_count, strict=True)
            for draw, accuracy in enumerate(draws)
        ]


def measure_reuse(
    alignment: Alignment,
    network: AbstractNetworks,
    task: AbstractTask,
    question: Variable,
    *,
    labels: LabelDraws = LabelDraws(),
    ways: Sequence[Way] = REUSE_WAYS,
    seed: int = 0,
    on_progress: OnProgress = ignore_progress,
) -> Reuse:
    """Answer a new question about the variables of an alignment from a few labels, in several ways.

    Labelled examples come from the training split, read-outs from the validation split, and the accuracy is measured on
    the test split. A classifier chooses its settings by cross-validation on its own labels.

    Args:
        alignment: The alignment with the variables.
        network: The network of the alignment.
        task: The task of the network.
        question: A variable whose parents are variables of the alignment; its values count from 0. For instance
            `Variable(name="left or right", parents=("left", "right"), mechanism=torch.bitwise_or, values=(0, 1))`.
        labels: How many labels are given, and how often they are drawn.
        ways: What the question is answered from; by default all ways.
        seed: Seed of everything that is drawn.
        on_progress: Called with the share of the work that is done, from 0 to 1.

    Raises:
        AlignmentError: The alignment belongs to another network, or its variables cannot be read.
        SpecificationError: The question has no declared values or is about other variables, or there are too few
            labels.
        NetworkError: The network cannot be trained further.
    """
    _check_question(alignment, question)
    _check_labels(labels)
    accuracy: dict[str, list[tuple[float, ...]]] = {way: [] for way in ways}
    done, steps = 0, len(ways) * len(labels.counts)
    with one_thread(), threadpool_limits(1):  # the products are small, so threads of scikit-learn would only wait
        learners = Learners(alignment=alignment, network=network, task=task, question=question, seed=seed)
        for count in labels.counts:
            draws = learners.draw(count, labels.draws)
            for way in ways:
                accuracy[way].append(learners.accuracy(way, draws))
                done += 1
                on_progress(done / steps)
    commonest = learners.test.labels.bincount().max() / len(learners.test.labels)
    return Reuse(
        question=question.name,
        commonest=float(commonest),
        labels=tuple(labels.counts),
        accuracy={way: tuple(by_count) for way, by_count in accuracy.items()},
    )


def _check_question(alignment: Alignment, question: Variable) -> None:
    located = ", ".join(alignment.variables)
    other = sorted(set(question.parents) - set(alignment.variables))
    if other:
        raise SpecificationError(
            f"The question {question.name!r} is about {', '.join(question.parents)}.",
            f"The alignment has the variables {located}, and not {other[0]!r}.",
            f"Pass a `Variable` whose parents are among {located}.",
        )
    if question.values is None or question.mechanism is None:
        missing = "values" if question.values is None else "mechanism"
        raise SpecificationError(
            f"The question {question.name!r} has no {missing}.",
            "Labels are computed by its mechanism, and are its values.",
            "Pass a `Variable` with a mechanism, and with values that count from 0.",
        )


def _check_labels(labels: LabelDraws) -> None:
    fewest = min(labels.counts, default=0)
    if fewest < MIN_LABELS or labels.draws < 1:
        raise SpecificationError(
            f"The smallest number of labels is {fewest}, in {labels.draws} draws.",
            f"From fewer than {MIN_LABELS} labels none can be held out, and without a draw there are none.",
            f"Pass {MIN_LABELS} labels or more, and 1 draw or more.",
        )
