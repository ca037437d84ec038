"""What a person writes of tasks and networks."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field

from interlocus.controls.ground_truth.source import GroundTruthNetworks
from interlocus.core.errors import SpecificationError, UnknownNameError
from interlocus.core.plugins import NETWORKS, TASKS
from interlocus.core.spec import Count, Spec
from interlocus.core.user_code import (
    get_object,
    is_code_reference,
    is_registered,
    load_code,
    make_reference_absolute,
    register_object,
)
from interlocus.networks.sources._base import AbstractNetworkSource
from interlocus.networks.sources.trained_mlp import TrainedMLPs
from interlocus.networks.sources.user import FromFunction, FromObject
from interlocus.studies.spec.parsing import check_kind
from interlocus.tasks import AbstractTask


class TaskSpec(Spec):
    """A task by its name, or as `file.py:Class`; the other keys are its arguments."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)
    name: str = "hierarchical_equality"

    def build(self) -> AbstractTask:
        """The task; the same object whenever it is asked for in a process, so that what is known of it is known once.

        Raises:
            UnknownNameError: no such task, or no such argument of it.
        """
        if is_registered(self.name):
            return get_object(self.name)
        return _task(self.model_dump_json())

    @classmethod
    def of(cls, task: AbstractTask) -> TaskSpec:
        """What stands for a task: its name and arguments where it is a registered one, else an object in hand."""
        maker = type(task)
        if task.name in TASKS and TASKS.get(task.name) is maker:
            arguments = {name: getattr(task, name, None) for name in inspect.signature(maker).parameters}
            return cls(name=task.name, **arguments)
        return cls(name=register_object(f"task {task.name}", task))


@lru_cache(maxsize=32)
def _task(written: str) -> AbstractTask:
    spec = TaskSpec.model_validate_json(written)
    maker = load_code(spec.name) if is_code_reference(spec.name) else TASKS.get(spec.name)
    arguments = spec.model_extra or {}
    known = inspect.signature(maker, eval_str=True).parameters
    for key, value in arguments.items():
        if key not in known:
            raise UnknownNameError("argument", key, known, f"the task {spec.name}")
        check_kind(key, value, known[key].annotation)
    return maker(**arguments)


class Planting(Spec):
    """What perceptrons are made to carry, or not to carry, at one of their sites: see `interlocus.known.Known`."""

    what: str
    site: str
    size: Count = 2
    hypothesis: str = "both"


class NetworkGroup(Spec):
    """Networks of one architecture that differ in their first parameters.

    Args:
        name: how they are called; networks are `<name>-00`, `<name>-01`, …
        network: of what kind: `mlp`, another name of the registry, or `file.py:function`, which is called and gives a
            torch module.
        options: arguments of that function.
        count: how many.
        trained: whether they are; untrained ones show what a search finds in nothing.
        activation: of perceptrons: `relu`, `sigmoid`, `tanh` or `gelu`.
        hidden: of perceptrons: widths of the hidden layers.
        weight_decay: of perceptrons: of AdamW.
        learning_rate: of perceptrons: by default what works for the activation.
        steps: likewise.
        until: of perceptrons: the networks as they are after so many of the steps, on their way to what they become
            after all; by default these.
        examples: of perceptrons: so many are drawn once and learned from again and again; by default all are new.
        planted: of perceptrons: a variable in a known place, or certainly not there.
        at: the only sites that are searched in them; by default all of the study's.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    network: str = "mlp"
    options: dict[str, Any] = Field(default_factory=dict)
    count: Count = 10
    trained: bool = True
    activation: str = "relu"
    hidden: tuple[Count, ...] = (16, 16, 16)
    weight_decay: float = Field(default=0.01, ge=0)
    learning_rate: float | None = Field(default=None, gt=0)
    steps: Count | None = None
    until: int | None = Field(default=None, ge=0)
    examples: Count | None = None
    planted: Planting | None = None
    at: tuple[str, ...] = ()

    @property
    def networks(self) -> tuple[str, ...]:
        """The names of its networks."""
        return tuple(f"{self.name}-{i:02d}" for i in range(self.count))

    @property
    def source(self) -> AbstractNetworkSource:
        """How its networks are made.

        Raises:
            UnknownNameError: no such kind, activation or option.
            SpecificationError: keys of perceptrons are given for another kind, or options for perceptrons.
        """
        if is_registered(self.network):
            return FromObject(name=self.network)
        own = {"activation", "hidden", "weight_decay", "learning_rate", "steps", "until", "examples"}
        if self.planted is not None and self.network == "mlp":
            return GroundTruthNetworks(**{name: getattr(self, name) for name in own}, **self.planted.model_dump())
        if self.network != "mlp":
            fields = type(self).model_fields
            strange = sorted(name for name in {*own, "planted"} if getattr(self, name) != fields[name].default)
            if strange:
                raise SpecificationError(
                    f"The family {self.name!r} has {strange[0]} and is made by {self.network}.",
                    "That key is for perceptrons.",
                    "Write arguments of the function under `options`.",
                )
            if not is_code_reference(self.network):
                NETWORKS.get(self.network)
            return FromFunction(source=self.network, options=tuple(sorted(self.options.items())))
        if self.options:
            raise SpecificationError(
                f"The family {self.name!r} has options {sorted(self.options)}.",
                "Perceptrons have keys of their own.",
                "Write them beside `name`, for instance `hidden: [32, 32]`.",
            )
        if not self.trained and (self.until, self.examples) != (None, None):
            raise SpecificationError(
                f"The family {self.name!r} is not trained, and has until or examples.",
                "These are points and material of training.",
                "Take them out, or `trained: false`.",
            )
        return TrainedMLPs(**{name: getattr(self, name) for name in own})

    def sites(self, task: AbstractTask) -> Mapping[str, int]:
        """The places in its networks that are searched, with their widths."""
        every = self.source.sites(task)
        for site in self.at:
            if site not in every:
                raise UnknownNameError("site", site, every, f"the family {self.name}")
        return {site: width for site, width in every.items() if not self.at or site in self.at}


def with_whole_paths(data: dict[str, Any], folder: Path) -> dict[str, Any]:
    """What was written, with paths of code that begin at the root; others begin in the folder of the file."""
    task, groups = data.get("task"), data.get("networks")
    if isinstance(task, str):
        task = {"name": task}
    if isinstance(task, dict) and is_code_reference(str(task.get("name", ""))):
        task = task | {"name": make_reference_absolute(task["name"], folder)}
    if isinstance(groups, list):
        groups = [
            group | {"network": make_reference_absolute(group["network"], folder)}
            if isinstance(group, dict) and is_code_reference(str(group.get("network", "")))
            else group
            for group in groups
        ]
    return data | {key: value for key, value in (("task", task), ("networks", groups)) if value is not None}
