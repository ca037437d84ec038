"""Whether networks and a task belong together: said before any work is done."""

from __future__ import annotations

import torch

from interlocus.errors import NetworkError, SpecificationError
from interlocus.networks import AbstractNetworks
from interlocus.seeds import stream
from interlocus.tasks import AbstractTask


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
    for name, value in task.sample(8, split="train", generator=stream(0, "first look")).items():
        drawn: object = value
        if not isinstance(drawn, torch.Tensor):
            raise SpecificationError(
                f"The sampler of {task.name} gives {name!r} as a {type(drawn).__name__}.",
                "Mechanisms and networks work on torch tensors.",
                f"Return torch.as_tensor(…) of {name!r}.",
            )
    inputs, _ = task.examples(8, split="train", generator=stream(0, "first look"))
    networks.meet(inputs)
    if networks.classes != task.classes:
        raise NetworkError(
            f"The network tells {networks.classes} classes apart, and the task {task.name} has {task.classes}.",
            "Its answers cannot be held against the causal model's.",
            "Pass the task that it was trained on, or `call=…` that gives the logits of the task's classes.",
        )
