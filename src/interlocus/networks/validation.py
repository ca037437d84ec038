"""Checks that a task is consistent and that networks solve it, before any search."""

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
"""A network that reaches this accuracy only with its classes permuted has them in another order than the task."""
MAX_MODULE_PARAMETERS = 250_000
"""Copies of larger modules are not trained by default, because that would take hours."""


def can_be_trained(networks: AbstractNetworks) -> bool:
    """Whether copies of these networks can be trained in minutes, as planting a variable requires."""
    return isinstance(networks, MLP) or (isinstance(networks, Module) and networks.parameters <= MAX_MODULE_PARAMETERS)


def check_networks(task: AbstractTask, networks: AbstractNetworks, drawn: Values) -> tuple[float, ...]:
    """Accuracy of each network; also checks that its classes are those of the task.

    Args:
        task: The task that the networks should solve.
        networks: The networks to check.
        drawn: Values of the task's inputs, `CHECKED_EXAMPLES` of them.

    Raises:
        NetworkError: The networks have another number of classes, or the classes in another order.
    """
    classes = task.model.run({name: drawn[name] for name in task.model.inputs})[task.model.output]
    inputs = task.encode(drawn).to(networks.device)
    networks.prepare(inputs)
    with torch.no_grad():
        logits = networks(inputs).cpu()
    if logits.shape[2] != task.classes:
        raise NetworkError(
            f"The network has {logits.shape[2]} classes, and the task {task.name} has {task.classes} classes.",
            "Its answers cannot be compared with counterfactual labels of the task.",
            "Pass a network of this task, or declare all values of the output variable.",
        )
    agreement = [class_agreement(answers, classes, task.classes) for answers in logits.argmax(2)]
    for network, (share, permuted) in enumerate(agreement):
        if permuted >= PERMUTED_ACCURACY > share:
            raise NetworkError(
                f"Network {network} has an accuracy of {share:.1%}, and of {permuted:.1%} with its classes in another "
                "order.",
                "Logit i of the network must belong to value i of the output variable.",
                "Reorder the logits, or the declared values of the output variable.",
            )
    return tuple(share for share, _ in agreement)


def check_fit(networks: AbstractNetworks, task: AbstractTask) -> None:
    """Check that networks run on the inputs of a task and have its classes.

    Args:
        networks: The networks to check; they are prepared.
        task: The task that they should solve.

    Raises:
        SpecificationError: `task` is a class, or its sampler does not return tensors.
        NetworkError: `networks` is a plain torch module, a site cannot be exchanged, or inputs or classes do not fit.
    """
    given: object = networks
    if isinstance(given, torch.nn.Module):
        raise NetworkError(
            f"The network is a plain torch module, a {type(given).__name__}.",
            "A torch module does not declare its sites.",
            "Wrap it: il.networks.Module(module).",
        )
    if isinstance(task, type):
        raise SpecificationError(
            f"The task is the class {task.__name__}, not an instance of it.",
            "Examples are drawn from an instance, which has the arguments of the task.",
            f"Create an instance: {task.__name__}().",
        )
    for name, value in task.sample(8, split="train", generator=derived_generator(0, "first look")).items():
        drawn: object = value
        if not isinstance(drawn, torch.Tensor):
            raise SpecificationError(
                f"The sampler of {task.name} returns {name!r} as a {type(drawn).__name__}.",
                "Mechanisms and networks need torch tensors.",
                f"Return torch.as_tensor(…) for {name!r}.",
            )
    inputs, _ = task.labelled_inputs(8, split="train", generator=derived_generator(0, "first look"))
    networks.prepare(inputs)
    if networks.classes != task.classes:
        raise NetworkError(
            f"The network has {networks.classes} classes, and the task {task.name} has {task.classes} classes.",
            "Its answers cannot be compared with those of the causal model.",
            "Pass the task that it was trained on, or a `call=…` that returns logits of the task's classes.",
        )


def check_sites(networks: AbstractNetworks, task: AbstractTask, sites: Sequence[str], *, seed: int = 0) -> None:
    """Check that an exchange of the whole state of a site changes some answer.

    Where it never does, no variable can be exchanged, and a search that finds none would say nothing of the network.

    Args:
        networks: The networks, which have been prepared.
        task: The task that they should solve.
        sites: Names of the sites to check.
        seed: Seed of the examples.

    Raises:
        NetworkError: At a site, a network that gives different answers to the examples gives the same ones after every
            exchange.
    """
    inputs, _ = task.labelled_inputs(CHECKED_EXAMPLES, split="train", generator=derived_generator(seed, "check sites"))
    inputs = inputs.to(networks.device)
    with torch.no_grad():
        answers = networks(inputs).argmax(2)
        differ = [len(one.unique()) > 1 for one in answers]
        for site in sites:
            exchanged = networks.run_from(site, networks.activations(site, inputs).roll(1, 1), inputs).argmax(2)
            for network, (before, after) in enumerate(zip(answers, exchanged, strict=True)):
                if differ[network] and torch.equal(before, after):
                    raise NetworkError(
                        f"At the site {site!r} of network {network} an exchange of the whole state never changes the "
                        f"answer, in {len(inputs)} examples.",
                        "Nothing that the network uses for its answer passes through this site.",
                        "Choose other sites, for instance a later layer, or another position of this one.",
                    )


@dataclass(frozen=True, kw_only=True)
class TaskCheck:
    """The result of `check_task`; `str` gives it as text.

    Args:
        task: Name of the task.
        agreement: Accuracy of each network on the checked examples; empty without networks.
        chance_levels: Chance levels of each hypothesis, by name.
        differences: How often two hypotheses ask for different labels, for each pair with equally many variables.
        uncompared: Names of the other pairs.
    """

    task: str
    agreement: tuple[float, ...]
    chance_levels: dict[str, ChanceLevels]
    differences: tuple[LabelDifference, ...]
    uncompared: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.task}: sampler and causal models agree on {CHECKED_EXAMPLES} examples"]
        lines += [f"network {i}: accuracy {share:.3f}" for i, share in enumerate(self.agreement)]
        for name, level in self.chance_levels.items():
            other = "" if level.one_directional is None else f", {level.one_directional:.3f} one-directional"
            lines.append(f"{name}: chance level {level.no_effect:.3f} without effect{other} ({level.method})")
        for pair in self.differences:
            reason = "" if pair.share >= MIN_LABEL_DIFFERENCE else ", because one is computed from the other"
            lines.append(f"{pair.one} and {pair.other}: different labels in {pair.share:.3f} of interventions{reason}")
        lines += [
            f"{first} and {second}: not compared, because they have different numbers of variables"
            for first, second in self.uncompared
        ]
        return "\n".join(lines)


def check_task(
    task: AbstractTask,
    networks: AbstractNetworks | None = None,
    *,
    hypotheses: Sequence[str] | None = None,
    seed: int = 0,
) -> TaskCheck:
    """Check that sampler, encoder, causal models and networks fit together.

    Args:
        task: The task to check.
        networks: Networks that should solve it; by default only the task is checked.
        hypotheses: Names of the hypotheses to check; by default all of the task's.
        seed: Seed of the examples.

    Raises:
        UnknownNameError: The task has no such hypothesis.
        CausalModelError: The sampler omits an input, contradicts a causal model or never draws some value; the
            encoder's output has another shape than declared; or two hypotheses cannot be told apart.
        NetworkError: The networks have another number of classes, or the classes in another order.
    """
    selected = [task.hypothesis(name) for name in (task.hypotheses if hypotheses is None else hypotheses)]
    drawn = task.sample(CHECKED_EXAMPLES, split="train", generator=derived_generator(seed, "check"))
    check_sampler(task, drawn)
    check_encoder(task, drawn)
    for hypothesis in selected:
        check_hypothesis(task, hypothesis, seed)
    agreement = check_networks(task, networks, drawn) if networks is not None else ()
    names = [hypothesis.name for hypothesis in selected]
    examples = task.draw_examples(
        COMPARED_INTERVENTIONS, split="train", generator=derived_generator(seed, "check", "pool"), for_hypotheses=names
    )
    return TaskCheck(
        task=task.name,
        agreement=agreement,
        chance_levels={hypothesis.name: chance_levels(task, hypothesis) for hypothesis in selected},
        differences=tuple(label_differences(examples, selected, seed)),
        uncompared=tuple(
            (first.name, second.name)
            for first, second in itertools.combinations(selected, 2)
            if len(first.variables) != len(second.variables)
        ),
    )
