"""A task held against itself and against a network, before any search."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from interlocus.causal.model import Values
from interlocus.core.errors import NetworkError, SpecificationError
from interlocus.core.random import derived_generator
from interlocus.networks import MLP, AbstractNetworks, Module
from interlocus.tasks import AbstractTask
from interlocus.tasks.chance_levels import ChanceLevels, chance_levels
from interlocus.tasks.validation import (
    CHECKED_EXAMPLES,
    COMPARED_INTERVENTIONS,
    MIN_LABEL_DIFFERENCE,
    LabelDifference,
    check_encoder,
    check_hypothesis,
    check_sampler,
    class_agreement,
    label_differences,
)

PERMUTED_ACCURACY = 0.9
"""A network that is so often right under other names of its classes has them in another order."""


def check_networks(task: AbstractTask, networks: AbstractNetworks, drawn: Values) -> tuple[float, ...]:
    """Whether the classes are the task's, and how often each network is right."""
    classes = task.model.run({name: drawn[name] for name in task.model.inputs})[task.model.output]
    inputs = task.encode(drawn).to(networks.device)
    networks.prepare(inputs)
    with torch.no_grad():
        logits = networks(inputs).cpu()
    if logits.shape[2] != task.classes:
        raise NetworkError(
            f"The network tells {logits.shape[2]} classes apart, and the task {task.name} has {task.classes}.",
            "Counterfactual labels are compared with its answers.",
            "Pass a network of this task, or declare all values of the output.",
        )
    agreement = [class_agreement(answers, classes, task.classes) for answers in logits.argmax(2)]
    for network, (share, renamed) in enumerate(agreement):
        if renamed >= PERMUTED_ACCURACY > share:
            raise NetworkError(
                f"Network {network} is right on {share:.1%} of {CHECKED_EXAMPLES} examples, and on {renamed:.1%} with its "
                "classes in another order.",
                "Class i of the network has to be value i of the output.",
                "Put the logits into the order of the output's values, or the values into that of the logits.",
            )
    return tuple(share for share, _ in agreement)


def check_fit(networks: AbstractNetworks, task: AbstractTask) -> None:
    """Show the networks some inputs of the task, and see that they answer with its classes.

    Raises:
        InterlocusError: one of them is something else, a site cannot be exchanged, or the task has other inputs or
            classes.
    """
    given: object = networks
    if isinstance(given, torch.nn.Module):
        raise NetworkError(
            f"The network is a {type(given).__name__}.",
            "A torch module does not say where it is to be searched, and how it is called.",
            "Wrap it: il.networks.Module(module).",
        )
    if isinstance(task, type):
        raise SpecificationError(
            f"The task is the class {task.__name__}.",
            "What is searched for is drawn from a task with its arguments.",
            f"Pass an object of it: {task.__name__}().",
        )
    for name, value in task.sample(8, split="train", generator=derived_generator(0, "first look")).items():
        drawn: object = value
        if not isinstance(drawn, torch.Tensor):
            raise SpecificationError(
                f"The sampler of {task.name} gives {name!r} as a {type(drawn).__name__}.",
                "Mechanisms and networks work on torch tensors.",
                f"Return torch.as_tensor(…) of {name!r}.",
            )
    inputs, _ = task.labelled_inputs(8, split="train", generator=derived_generator(0, "first look"))
    networks.prepare(inputs)
    if networks.classes != task.classes:
        raise NetworkError(
            f"The network tells {networks.classes} classes apart, and the task {task.name} has {task.classes}.",
            "Its answers cannot be held against the causal model's.",
            "Pass the task that it was trained on, or `call=…` that gives the logits of the task's classes.",
        )


@dataclass(frozen=True, kw_only=True)
class TaskCheck:
    """What was found before any search.

    Args:
        task: the name of the task.
        agreement: for each network the share of examples on which it gives the class; empty without networks.
        floors: of each hypothesis.
        differences: one for each two hypotheses with equally many variables.
        uncompared: the other pairs.
    """

    task: str
    agreement: tuple[float, ...]
    chance_levels: dict[str, ChanceLevels]
    differences: tuple[LabelDifference, ...]
    uncompared: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.task}: sampler and causal models agree on {CHECKED_EXAMPLES} examples"]
        lines += [f"network {i}: right on {share:.3f} of them" for i, share in enumerate(self.agreement)]
        for name, level in self.chance_levels.items():
            trick = "" if level.one_directional is None else f", one-sided {level.one_directional:.3f}"
            lines.append(f"{name}: floor {level.no_effect:.3f}{trick} ({level.method})")
        for pair in self.differences:
            why = "" if pair.share >= MIN_LABEL_DIFFERENCE else ", one being on the way of the other"
            lines.append(f"{pair.one} and {pair.other}: other labels in {pair.share:.3f} of interventions{why}")
        lines += [
            f"{one} and {other}: not compared, for they have not equally many variables"
            for one, other in self.uncompared
        ]
        return "\n".join(lines)


def check_task(
    task: AbstractTask,
    networks: AbstractNetworks | None = None,
    *,
    hypotheses: Sequence[str] | None = None,
    seed: int = 0,
) -> TaskCheck:
    """Hold sampler, encoder, causal models and networks against each other.

    Args:
        task: what is checked.
        networks: that solve it.
        hypotheses: those that will be asked; by default all of the task's.
        seed: decides on the examples.

    Raises:
        UnknownNameError: the task has no such hypothesis.
        CausalModelError: the sampler leaves an input out, contradicts a causal model or never draws a value; the
            encoder gives something else than it says; or two hypotheses cannot be told apart.
        NetworkError: the networks tell apart another number of classes, or have them in another order.
    """
    asked = [task.hypothesis(name) for name in (task.hypotheses if hypotheses is None else hypotheses)]
    drawn = task.sample(CHECKED_EXAMPLES, split="train", generator=derived_generator(seed, "check"))
    check_sampler(task, drawn)
    check_encoder(task, drawn)
    for hypothesis in asked:
        check_hypothesis(task, hypothesis, seed)
    agreement = check_networks(task, networks, drawn) if networks is not None else ()
    own = [hypothesis.name for hypothesis in asked]
    pool = task.draw_examples(
        COMPARED_INTERVENTIONS, split="train", generator=derived_generator(seed, "check", "pool"), for_hypotheses=own
    )
    return TaskCheck(
        task=task.name,
        agreement=agreement,
        chance_levels={hypothesis.name: chance_levels(task, hypothesis) for hypothesis in asked},
        differences=tuple(label_differences(pool, asked, seed)),
        uncompared=tuple(
            (one.name, other.name)
            for one, other in itertools.combinations(asked, 2)
            if len(one.variables) != len(other.variables)
        ),
    )


MAX_MODULE_PARAMETERS = 250_000
"""Copies of larger modules are not trained unasked: that would take hours."""


def can_be_trained(networks: AbstractNetworks) -> bool:
    """Whether copies of these networks can be trained in minutes, as planting a variable needs."""
    return isinstance(networks, MLP) or (isinstance(networks, Module) and networks.parameters <= MAX_MODULE_PARAMETERS)
