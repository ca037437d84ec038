"""The keys of a specification that describe the task and the networks."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field

from interlocus.controls.ground_truth.module_source import CodedModules
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
from interlocus.studies.spec.parsing import check_argument_type
from interlocus.tasks import AbstractTask

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"
"""Names of network groups become parts of file names."""
PERCEPTRON_KEYS = ("activation", "hidden", "weight_decay", "learning_rate", "steps", "until", "examples")
"""Keys of a network group that set how perceptrons are built and trained."""


class TaskSpec(Spec):
    """A task by its name, or as `file.py:Class`; all other keys are arguments of the task.

    Args:
        name: Name of a task that `interlocus list tasks` shows, or `file.py:Class`.
    """

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)
    name: str = "hierarchical_equality"

    def build(self) -> AbstractTask:
        """The task. Within a process equal specifications give the same object, so that what it caches is kept.

        Raises:
            UnknownNameError: There is no such task, or the task has no such argument.
            SpecificationError: An argument has the wrong type.
        """
        if is_registered(self.name):
            return get_object(self.name)
        return _build_task(self.model_dump_json())

    @classmethod
    def of(cls, task: AbstractTask) -> TaskSpec:
        """The specification of a task: name and arguments of a shipped one; any other is registered as an object.

        Args:
            task: The task. If its class is not in the registry, the specification is valid in this process only.
        """
        maker = type(task)
        if task.name in TASKS and TASKS.get(task.name) is maker:
            arguments = {name: getattr(task, name, None) for name in inspect.signature(maker).parameters}
            return cls(name=task.name, **arguments)
        return cls(name=register_object(f"task {task.name}", task))


@lru_cache(maxsize=32)
def _build_task(text: str) -> AbstractTask:
    spec = TaskSpec.model_validate_json(text)
    maker = load_code(spec.name) if is_code_reference(spec.name) else TASKS.get(spec.name)
    arguments = spec.model_extra or {}
    known = inspect.signature(maker, eval_str=True).parameters
    for key, value in arguments.items():
        if key not in known:
            raise UnknownNameError("argument", key, known, f"the task {spec.name}")
        check_argument_type(key, value, known[key].annotation)
    return maker(**arguments)


class GroundTruthSpec(Spec):
    """A known ground truth at one site of a group of networks; see `GroundTruthNetworks` and `CodedModules`.

    Args:
        construction: How the networks are made, for instance `random_subspace` or `count_only`.
        site: Name of the hidden layer with the known ground truth.
        size: Features per variable, where variables are planted.
        hypothesis: Name of the hypothesis whose variables are planted.
        body: `residual`, `convolution` or `gru` for torch modules of this architecture; by default perceptrons.
    """

    construction: str
    site: str
    size: Count = 2
    hypothesis: str = "both"
    body: str = ""


class NetworkGroup(Spec):
    """Networks of one architecture that differ in their initial parameters.

    Args:
        name: Name of the group, of letters, digits, `-` and `_`. Its networks are called `<name>-00`, `<name>-01`, …
        network: Where the networks come from: `mlp`, another name that `interlocus list networks` shows, or
            `file.py:function`; the function is called and returns a torch module.
        options: Arguments of that function.
        count: Number of networks, 1 or more.
        trained: Whether the networks are trained. Untrained ones show what a search finds where nothing was learned.
        untrained_parameters: How untrained networks got their parameters, for the evidence. `il.examine` sets it.
        activation: Of perceptrons: `relu`, `sigmoid`, `tanh` or `gelu`.
        hidden: Of perceptrons: widths of the hidden layers.
        weight_decay: Of perceptrons: weight decay of AdamW, 0 or more.
        learning_rate: Of perceptrons: learning rate of AdamW; by default one that suits the activation.
        steps: Of perceptrons: steps of training; by default a number that suits the activation.
        until: Of perceptrons: stop after this many of the steps, which gives the networks in the middle of their
            training; by default after all.
        examples: Of perceptrons: number of training examples that are drawn once and used again and again; by default
            each step draws new examples.
        ground_truth: A site with a known ground truth, in place of ordinary training.
        at: The only sites that are searched in these networks; by default all sites of the study.
    """

    name: str = Field(pattern=NAME_PATTERN)
    network: str = "mlp"
    options: dict[str, object] = Field(default_factory=dict)
    count: Count = 10
    trained: bool = True
    untrained_parameters: str = ""
    activation: str = "relu"
    hidden: tuple[Count, ...] = (16, 16, 16)
    weight_decay: float = Field(default=0.01, ge=0)
    learning_rate: float | None = Field(default=None, gt=0)
    steps: Count | None = None
    until: int | None = Field(default=None, ge=0)
    examples: Count | None = None
    ground_truth: GroundTruthSpec | None = None
    at: tuple[str, ...] = ()

    @property
    def networks(self) -> tuple[str, ...]:
        """The names of its networks."""
        return tuple(f"{self.name}-{i:02d}" for i in range(self.count))

    @property
    def source(self) -> AbstractNetworkSource:
        """Where its networks come from.

        Raises:
            UnknownNameError: There is no such source, activation or option.
            SpecificationError: Keys of perceptrons are given for another source, or options for perceptrons.
        """
        if is_registered(self.network):
            return FromObject(name=self.network)
        if self.network != "mlp":
            return self._function_source()
        if self.ground_truth is not None:
            return self._ground_truth_source(self.ground_truth)
        self._check_perceptron_keys()
        return TrainedMLPs(
            activation=self.activation,
            hidden=self.hidden,
            weight_decay=self.weight_decay,
            learning_rate=self.learning_rate,
            steps=self.steps,
            until=self.until,
            examples=self.examples,
        )

    def sites(self, task: AbstractTask) -> Mapping[str, int]:
        """The sites that are searched in its networks, with their widths.

        Args:
            task: The task of the networks, which decides on the width of the input.

        Raises:
            UnknownNameError: `at` names a site that the networks do not have.
        """
        available = self.source.sites(task)
        for site in self.at:
            if site not in available:
                raise UnknownNameError("site", site, available, f"the network group {self.name}")
        return {site: width for site, width in available.items() if not self.at or site in self.at}

    def _function_source(self) -> FromFunction:
        fields = type(self).model_fields
        keys = (*PERCEPTRON_KEYS, "ground_truth")
        misplaced = sorted(name for name in keys if getattr(self, name) != fields[name].default)
        if misplaced:
            raise SpecificationError(
                f"The network group {self.name!r} sets {misplaced[0]}, and its networks are made by {self.network}.",
                f"The key {misplaced[0]} is for perceptrons only.",
                "Write arguments of the function under `options`.",
            )
        if not is_code_reference(self.network):
            NETWORKS.get(self.network)
        return FromFunction(source=self.network, options=tuple(sorted(self.options.items())))

    def _ground_truth_source(self, truth: GroundTruthSpec) -> AbstractNetworkSource:
        if truth.body:
            return CodedModules(construction=truth.construction, body=truth.body)
        return GroundTruthNetworks(
            activation=self.activation,
            hidden=self.hidden,
            weight_decay=self.weight_decay,
            learning_rate=self.learning_rate,
            steps=self.steps,
            until=self.until,
            examples=self.examples,
            construction=truth.construction,
            site=truth.site,
            size=truth.size,
            hypothesis=truth.hypothesis,
        )

    def _check_perceptron_keys(self) -> None:
        if self.options:
            raise SpecificationError(
                f"The network group {self.name!r} sets options: {', '.join(sorted(self.options))}.",
                "Options are arguments of a function, and perceptrons are not made by one.",
                "Write the keys of perceptrons beside `name`, for instance `hidden: [32, 32]`.",
            )
        if not self.trained and (self.until, self.examples) != (None, None):
            raise SpecificationError(
                f"The network group {self.name!r} sets {'until' if self.examples is None else 'examples'}, and is not "
                "trained.",
                "The keys `until` and `examples` describe training.",
                "Remove them, or remove `trained: false`.",
            )


def make_code_paths_absolute(data: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The plain values of a study, with paths of code made absolute.

    Args:
        data: What the YAML file holds.
        folder: Folder that relative paths of code start from: that of the file.
    """
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
