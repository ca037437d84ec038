"""Checks of a task before anything is searched: sampler, encoder, causal models, and whether its hypotheses differ."""

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
from interlocus.tasks._base import AbstractTask

CHECKED_EXAMPLES = 256
"""Examples on which sampler, causal model and network are compared."""

EXAMPLES_FOR_VALUES = 16_384
"""Examples in which each declared value of a variable must occur at least once."""

COMPARED_INTERVENTIONS = 4_096
"""Interventions on which the labels of two hypotheses are compared."""

MIN_LABEL_DIFFERENCE = 0.01
"""Hypotheses whose labels differ in a smaller fraction of interventions cannot be distinguished by any score."""


@dataclass(frozen=True, kw_only=True)
class LabelDifference:
    """How often two hypotheses give different labels.

    Args:
        one: Name of the first hypothesis.
        other: Name of the second hypothesis, which has as many variables.
        share: Fraction of interventions with different labels; interventions are drawn for either hypothesis, and the
            larger fraction counts.
        nested: Whether each variable of one hypothesis equals, precedes or follows that of the other in a causal
            model. A share of zero is then no mistake: the hypotheses differ in what the features hold, not in labels.
    """

    one: str
    other: str
    share: float
    nested: bool


def check_sampler(task: AbstractTask, drawn: Values) -> None:
    """Check that the sampler draws every input, and that other values which it returns agree with the causal model.

    Args:
        task: The task that the sampler belongs to.
        drawn: What the sampler returned for `CHECKED_EXAMPLES` examples.

    Raises:
        UnknownNameError: the sampler returned a value for a variable that is not in the causal model.
        CausalModelError: an input is missing, a value has the wrong length, or a value contradicts the causal model.
    """
    task.model.check_names(drawn)
    missing = [name for name in task.model.inputs if name not in drawn]
    lengths = {name: len(value) for name, value in drawn.items()}
    if missing or set(lengths.values()) != {CHECKED_EXAMPLES}:
        returned = f"no {missing[0]!r}" if missing else f"values of the lengths {lengths}"
        raise CausalModelError(
            f"The sampler of {task.name} returned {returned} for {CHECKED_EXAMPLES} examples.",
            "An example needs one value of each input of the causal model.",
            "Correct the sampler, or remove the input from the model.",
        )
    computed = task.model.run({name: drawn[name] for name in task.model.inputs})
    for name in set(drawn) - set(task.model.inputs):
        wrong = int((drawn[name] != computed[name]).reshape(CHECKED_EXAMPLES, -1).any(1).sum())
        if wrong:
            raise CausalModelError(
                f"In {wrong} of {CHECKED_EXAMPLES} examples, the sampler of {task.name} and the causal model give "
                f"different values of {name!r}.",
                "Networks would be trained on other labels than interventions are scored with.",
                f"Correct the mechanism of {name!r}, or let the sampler draw the inputs only.",
            )


def check_encoder(task: AbstractTask, drawn: Values) -> None:
    """Check that the encoder returns finite inputs of the width that the task declares.

    Args:
        task: The task that the encoder belongs to.
        drawn: Values of the causal model's inputs for `CHECKED_EXAMPLES` examples.

    Raises:
        CausalModelError: the inputs have the wrong shape, or are not finite.
    """
    inputs = task.encode(drawn)
    finite = bool(torch.isfinite(inputs).all())
    if inputs.shape != (CHECKED_EXAMPLES, task.input_width) or not finite:
        raise CausalModelError(
            f"The encoder of {task.name} returned a tensor of shape {list(inputs.shape)}, "
            f"{'finite' if finite else 'not all finite'}, for {CHECKED_EXAMPLES} examples.",
            f"A network needs {task.input_width} finite numbers for each example.",
            "Correct `encode` or `input_width`.",
        )


def check_hypothesis(task: AbstractTask, hypothesis: Hypothesis, seed: int) -> None:
    """Check that the causal model of a hypothesis agrees with the task, and that its variables take all their values.

    Args:
        task: The task that the hypothesis belongs to.
        hypothesis: The hypothesis to check, on examples as it needs them.
        seed: Decides which examples are drawn.

    Raises:
        CausalModelError: a variable has another value than in the task's model, or never takes a declared value.
    """
    generator = derived_generator(seed, "check", "many")
    if hypothesis.sampled == "apart":
        drawn = task.apart(hypothesis.name, EXAMPLES_FOR_VALUES, split="train", generator=generator)
    else:
        drawn = task.sample(EXAMPLES_FOR_VALUES, split="train", generator=generator)
    _check_agreement(task, hypothesis, drawn)
    _check_variation(hypothesis, drawn)


def _check_agreement(task: AbstractTask, hypothesis: Hypothesis, drawn: Values) -> None:
    """Check that the hypothesis' model gives the task's classes, and the task's values of variables it shares."""
    model, output = hypothesis.model, hypothesis.model.output
    values = model.run({name: drawn[name] for name in model.inputs})
    known = task.model.run({name: drawn[name] for name in task.model.inputs})
    for name in (*model.discrete, output):
        in_task = task.model.output if name == output else name
        wrong = float((values[name] != known[in_task]).double().mean()) if in_task in known else 0.0
        if wrong:
            raise CausalModelError(
                f"The model of {hypothesis.name!r} and the task's model give different values of {name!r} in "
                f"{wrong:.1%} of examples.",
                "A name stands for one variable, and a network that solves the task gives the task's classes.",
                "Correct a mechanism, or give the hypothesis separate examples (sampled='apart').",
            )


def _check_variation(hypothesis: Hypothesis, drawn: Values) -> None:
    """Check that the swapped variables and the output take every declared value, or vary if they are continuous."""
    model = hypothesis.model
    values = model.run({name: drawn[name] for name in model.inputs})
    for name in dict.fromkeys([*hypothesis.variables, model.output]):
        declared = model.variables[name].values
        never = [value for value in declared or () if not (values[name] == value).any()]
        if never or (declared is None and (values[name] == values[name][:1]).all()):
            raise CausalModelError(
                f"In {EXAMPLES_FOR_VALUES} examples, the variable {name!r} "
                + (f"never takes its value {never[0]}." if never else "takes one value only."),
                "An interchange of a variable that does not vary changes nothing.",
                "Let the sampler draw such examples, or declare only values that occur.",
            )


def class_agreement(answers: Int[Tensor, " batch"], classes: Int[Tensor, " batch"], count: int) -> tuple[float, float]:
    """The accuracy of answers, and the best accuracy over all renamings of the classes.

    Args:
        answers: Answers of a network, from 0 to count − 1.
        classes: Classes of the task, from 0 to count − 1.
        count: Number of classes of the task.
    """
    confusion = torch.zeros(count, count).index_put_((answers, classes), torch.ones(len(classes)), accumulate=True)
    best = linear_sum_assignment(confusion.numpy(), maximize=True)
    total = len(classes)
    return float(confusion.trace()) / total, float(confusion.numpy()[best].sum()) / total


def label_differences(pool: Examples, hypotheses: Sequence[Hypothesis], seed: int) -> list[LabelDifference]:
    """How often each two hypotheses with equally many variables give different labels.

    Args:
        pool: Examples for the interventions, with those that the hypotheses need.
        hypotheses: The hypotheses to compare, pair by pair.
        seed: Decides which interventions are drawn.

    Raises:
        CausalModelError: two hypotheses that are not nested give different labels in less than
            `MIN_LABEL_DIFFERENCE` of interventions.
    """
    differences = []
    for one, other in itertools.combinations(hypotheses, 2):
        if len(one.variables) != len(other.variables):
            continue
        share = max(_share(pool, one, other, seed), _share(pool, other, one, seed))
        difference = LabelDifference(one=one.name, other=other.name, share=share, nested=_nested(one, other))
        if share < MIN_LABEL_DIFFERENCE and not difference.nested:
            raise CausalModelError(
                f"Hypotheses {one.name!r} and {other.name!r} give different labels in {share:.1%} of interventions.",
                "No score can support one of them against the other.",
                "Leave one of them out, or give one examples on which they differ (sampled='matched' or 'apart').",
            )
        differences.append(difference)
    return differences


def _share(pool: Examples, one: Hypothesis, other: Hypothesis, seed: int) -> float:
    """The fraction of interventions, drawn for one hypothesis, in which the other gives a different label."""
    generator = derived_generator(seed, "check", one.name, other.name)
    interventions = draw(pool, one, shape=(COMPARED_INTERVENTIONS,), generator=generator)
    other_labels = counterfactual_labels(pool, other, interventions.base, interventions.sources)
    return float((interventions.labels != other_labels).double().mean())


def _nested(one: Hypothesis, other: Hypothesis) -> bool:
    """Whether each variable of one hypothesis equals that of the other, or is its ancestor or descendant."""
    below: dict[str, set[str]] = {}
    for model in (one.model, other.model):
        for name, names in model.descendants.items():
            below.setdefault(name, set()).update(names)
    pairs = zip(one.variables, other.variables, strict=True)
    return all(v == w or w in below.get(v, ()) or v in below.get(w, ()) for v, w in pairs)
