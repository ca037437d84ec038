"""A task checked against itself: sampler, encoder, causal models, and which hypotheses can be told apart."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from interlocus.causal.examples import Examples
from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.interventions import counterfactual_labels, draw
from interlocus.causal.model import Values
from interlocus.core.errors import CausalModelError
from interlocus.core.random import derived_generator
from interlocus.tasks import AbstractTask

CHECKED_EXAMPLES = 256
"""On which sampler, causal model and network are held against each other."""

EXAMPLES_FOR_VALUES = 16_384
"""In so many examples a value occurs, or it is said never to be drawn."""

COMPARED_INTERVENTIONS = 4_096
"""Interventions on which hypotheses are held against each other."""

MIN_LABEL_DIFFERENCE = 0.01
"""Hypotheses whose labels differ in a smaller share of interventions cannot be told apart."""


@dataclass(frozen=True, kw_only=True)
class LabelDifference:
    """How far two hypotheses can be told apart.

    Args:
        one: a hypothesis.
        other: another with as many variables.
        share: of interventions in which they ask for different labels; of the two ways of drawing, the larger.
        nested: whether the variables of one lie on the way from those of the other to the class. Then a share of zero
            is no mistake: the two differ in what the features are said to hold, not in what they do.
    """

    one: str
    other: str
    share: float
    nested: bool


def check_sampler(task: AbstractTask, drawn: Values) -> None:
    """Whether the sampler draws all inputs, and what else it draws is what the model computes."""
    task.model.check_names(drawn)
    missing = [name for name in task.model.inputs if name not in drawn]
    lengths = {name: len(value) for name, value in drawn.items()}
    if missing or set(lengths.values()) != {CHECKED_EXAMPLES}:
        found = f"no {missing[0]!r}" if missing else f"{lengths}"
        raise CausalModelError(
            f"Asked for {CHECKED_EXAMPLES} examples, the sampler of {task.name} gives {found}.",
            "An example has one value of each input of the causal model.",
            "Mend the sampler, or take the input out of the model.",
        )
    computed = task.model.run({name: drawn[name] for name in task.model.inputs})
    for name in set(drawn) - set(task.model.inputs):
        wrong = int((drawn[name] != computed[name]).reshape(CHECKED_EXAMPLES, -1).any(1).sum())
        if wrong:
            raise CausalModelError(
                f"In {wrong} of {CHECKED_EXAMPLES} examples the sampler of {task.name} gives another {name!r} than the model.",
                "The labels that networks learn would not be those that interventions are held against.",
                f"Mend the mechanism of {name!r}, or let the sampler draw the inputs only.",
            )


def check_encoder(task: AbstractTask, drawn: Values) -> None:
    inputs = task.encode(drawn)
    if inputs.shape != (CHECKED_EXAMPLES, task.input_width) or not torch.isfinite(inputs).all():
        numbers = "finite" if torch.isfinite(inputs).all() else "not all finite"
        raise CausalModelError(
            f"The encoder of {task.name} gives {list(inputs.shape)} numbers for {CHECKED_EXAMPLES} examples, {numbers}.",
            f"A network is to be shown {task.input_width} finite numbers an example.",
            "Mend encode or input_width.",
        )


def check_hypothesis(task: AbstractTask, hypothesis: Hypothesis, seed: int) -> None:
    """Whether its model gives the classes, and its variables take their values."""
    generator = derived_generator(seed, "check", "many")
    if hypothesis.sampled == "apart":
        drawn = task.apart(hypothesis.name, EXAMPLES_FOR_VALUES, split="train", generator=generator)
    else:
        drawn = task.sample(EXAMPLES_FOR_VALUES, split="train", generator=generator)
    model, output = hypothesis.model, hypothesis.model.output
    values = model.run({name: drawn[name] for name in model.inputs})
    known = task.model.run({name: drawn[name] for name in task.model.inputs})
    for name in (*model.discrete, output):
        meant = task.model.output if name == output else name
        wrong = float((values[name] != known[meant]).double().mean()) if meant in known else 0.0
        if wrong:
            raise CausalModelError(
                f"The model of {hypothesis.name!r} gives another {name!r} than the task in {wrong:.1%} of examples.",
                "A network that solves the task cannot compute it, and a name stands for one variable.",
                "Mend a mechanism, or give the hypothesis examples of its own (sampled='apart').",
            )
    for name in dict.fromkeys([*hypothesis.variables, output]):
        declared = model.variables[name].values
        never = [value for value in declared or () if not (values[name] == value).any()]
        if never or (declared is None and (values[name] == values[name][:1]).all()):
            raise CausalModelError(
                f"In {EXAMPLES_FOR_VALUES} examples the variable {name!r} "
                + (f"never takes its value {never[0]}." if never else "takes one value only."),
                "What does not vary cannot be exchanged, and no label would depend on it.",
                "Let the sampler draw such examples, or declare only values that occur.",
            )


def class_agreement(answers: Int[Tensor, " batch"], classes: Int[Tensor, " batch"], count: int) -> tuple[float, float]:
    """Share of right answers, and the best share if classes may be renamed."""
    confusion = torch.zeros(count, count).index_put_((answers, classes), torch.ones(len(classes)), accumulate=True)
    best = linear_sum_assignment(confusion.numpy(), maximize=True)
    total = len(classes)
    return float(confusion.trace()) / total, float(confusion.numpy()[best].sum()) / total


def label_differences(pool: Examples, asked: Sequence[Hypothesis], seed: int) -> list[LabelDifference]:
    """How far each two hypotheses can be told apart."""
    found = []
    for one, other in itertools.combinations(asked, 2):
        if len(one.variables) != len(other.variables):
            continue
        share = max(_share(pool, one, other, seed), _share(pool, other, one, seed))
        pair = LabelDifference(one=one.name, other=other.name, share=share, nested=_nested(one, other))
        if share < MIN_LABEL_DIFFERENCE and not pair.nested:
            raise CausalModelError(
                f"Hypotheses {one.name!r} and {other.name!r} ask for different labels in {share:.1%} of interventions.",
                "No score could speak for one and against the other.",
                "Leave one of them out, or give one examples on which they differ (sampled='matched' or 'apart').",
            )
        found.append(pair)
    return found


def _share(pool: Examples, one: Hypothesis, other: Hypothesis, seed: int) -> float:
    """Of interventions as they are drawn for one hypothesis, the share in which the other asks for another label."""
    asked = draw(
        pool, one, shape=(COMPARED_INTERVENTIONS,), generator=derived_generator(seed, "check", one.name, other.name)
    )
    return float((asked.labels != counterfactual_labels(pool, other, asked.base, asked.sources)).double().mean())


def _nested(one: Hypothesis, other: Hypothesis) -> bool:
    """Whether each variable of one is, or lies before or behind, that of the other."""
    below: dict[str, set[str]] = {}
    for model in (one.model, other.model):
        for name, names in model.descendants.items():
            below.setdefault(name, set()).update(names)
    pairs = zip(one.variables, other.variables, strict=True)
    return all(v == w or w in below.get(v, ()) or v in below.get(w, ()) for v, w in pairs)
