"""Sources of user networks: a factory function in a file or registry, or objects registered in this process."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import nn

from interlocus.core.errors import InterlocusError, NetworkError, SpecificationError, UnknownNameError
from interlocus.core.plugins import NETWORKS
from interlocus.core.progress import OnProgress, ignore_progress
from interlocus.core.random import derived_generator
from interlocus.core.tensor_files import TensorFile
from interlocus.core.user_code import get_object, is_code_reference, load_code
from interlocus.networks import AbstractNetworks, Module
from interlocus.networks.mlp.training import TRAINING_BATCH
from interlocus.networks.sources._base import AbstractNetworkSource
from interlocus.networks.validation import can_be_trained
from interlocus.tasks import AbstractTask

ASSUMED_TRAINING_STEPS = 3000
"""Training steps of a user's function, for an estimate of its cost; the true number is unknown."""


@dataclass(frozen=True, kw_only=True)
class FromFunction(AbstractNetworkSource):
    """Networks made by a user's function, one in each call.

    The function returns a `torch.nn.Module` or a `Module`. It may declare any of these arguments: `task`; `seed`,
    different for each network; `trained`; `on_progress`, called with the finished share; and options of its own. If it
    does not declare `trained`, no untrained networks can be requested, and every process that loads a network calls the
    function again before it loads the parameters.

    Args:
        source: `file.py:function`, or a name in the registry of networks.
        options: Name and value of each further argument of the function.

    Raises:
        UnknownNameError: The function has no argument of an option's name.
    """

    source: str
    options: tuple[tuple[str, object], ...] = ()

    def __post_init__(self) -> None:
        known = set(self.arguments)
        for name, _ in self.options:
            if name not in known:
                raise UnknownNameError("option", name, sorted(known), f"the network {self.source}")

    @property
    def arguments(self) -> Mapping[str, inspect.Parameter]:
        """The arguments that the function declares, by name."""
        return inspect.signature(self._function).parameters

    def sites(self, task: AbstractTask) -> Mapping[str, int]:
        return _cached_network(self, task, 0).sites

    def make(
        self, task: AbstractTask, *, count: int, trained: bool, seed: int, on_progress: OnProgress
    ) -> list[AbstractNetworks]:
        if count > 1 and "seed" not in self.arguments:
            raise SpecificationError(
                f"The study requests {count} networks of {self.source}.",
                "The function has no argument `seed`, so all of them would be the same.",
                "Add the argument `seed` to the function, or set `count: 1`.",
            )
        if not trained and "trained" not in self.arguments:
            raise SpecificationError(
                f"The study requests untrained networks of {self.source}.",
                "The function has no argument `trained`, so it makes trained networks only.",
                "Add the argument `trained` to the function, or remove that group of networks.",
            )
        if "trained" not in self.arguments:  # a call may take long, and the network may be in the cache already
            return [_cached_network(self, task, seed + i).copy() for i in range(count)]
        return [
            self.build(
                task,
                seed=seed + i,
                trained=trained,
                on_progress=lambda share, i=i: on_progress((i + share) / count),
            )
            for i in range(count)
        ]

    def load(self, task: AbstractTask, files: Sequence[TensorFile], *, seed: int) -> list[AbstractNetworks]:
        networks: list[AbstractNetworks] = []
        for i, file in enumerate(files):
            network = _cached_network(self, task, seed + i).copy()
            network.load_parameters(file)
            networks.append(network)
        return networks

    def flops_after(self, task: AbstractTask, site: str) -> float:
        return 2.0 * _cached_network(self, task, 0).parameters

    def flops_of_training(self, task: AbstractTask) -> float:
        return 3.0 * TRAINING_BATCH * ASSUMED_TRAINING_STEPS * self.flops_after(task, "")

    def can_be_trained(self, task: AbstractTask) -> bool:
        return can_be_trained(_cached_network(self, task, 0))

    @property
    def summary(self) -> str:
        return " ".join([self.source, *(f"{name}={value}" for name, value in self.options)])

    @property
    def architecture(self) -> str:
        return self.summary

    def build(
        self, task: AbstractTask, *, seed: int, trained: bool, on_progress: OnProgress = ignore_progress
    ) -> Module:
        """Make one network, and prepare it on some examples of the task.

        Args:
            task: The task that the network learns.
            seed: Seed of torch's global generator during the call, passed to the function as well.
            trained: Whether the function should train the network.
            on_progress: Called with the finished share, if the function calls it.

        Raises:
            NetworkError: The function fails, returns something else, or a site cannot be exchanged.
        """
        network = self.call(task=task, seed=seed, trained=trained, on_progress=on_progress)
        _prepare(network, task)
        return network

    def call(self, *, seed: int, **arguments: object) -> Module:
        """Make one network without preparing it.

        Args:
            seed: Seed of torch's global generator during the call, passed to the function as well.
            arguments: Further arguments; those that the function does not declare are left out.

        Raises:
            NetworkError: The function fails, or returns something else.
        """
        available = {"seed": seed, **arguments, **dict(self.options)}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            made = self._call({name: value for name, value in available.items() if name in self.arguments})
        network = Module(made) if isinstance(made, nn.Module) else made
        if not isinstance(network, Module):
            raise NetworkError(
                f"The function {self.source} returns a {type(made).__name__}.",
                "A network must be a torch.nn.Module or an interlocus.networks.Module.",
                "Return one of those from the function.",
            )
        return network

    def _call(self, arguments: Mapping[str, object]) -> object:
        try:
            return self._function(**arguments)
        except InterlocusError:
            raise
        except Exception as error:  # code of the user, which can raise anything
            raise NetworkError(
                f"The function {self.source} fails: {type(error).__name__}: {error}.",
                "Without its network nothing can be searched.",
                "Call the function by itself to see where it fails, and correct it.",
            ) from error

    @property
    def _function(self) -> Callable[..., object]:
        return load_code(self.source) if is_code_reference(self.source) else NETWORKS.get(self.source)


@dataclass(frozen=True, kw_only=True)
class FromObject(AbstractNetworkSource):
    """Existing networks, registered in this process as one object or a tuple of objects.

    Args:
        name: The text under which `register_object` stored them. The part before the first comma names the
            architecture; the rest tells networks of one architecture apart.
    """

    name: str

    def sites(self, task: AbstractTask) -> Mapping[str, int]:
        return self._prepared(task)[0].sites

    def make(
        self, task: AbstractTask, *, count: int, trained: bool, seed: int, on_progress: OnProgress
    ) -> list[AbstractNetworks]:
        return [networks[i] for networks in self._prepared(task) for i in range(len(networks))]

    def load(self, task: AbstractTask, files: Sequence[TensorFile], *, seed: int) -> list[AbstractNetworks]:
        return list(self._prepared(task))

    def flops_after(self, task: AbstractTask, site: str) -> float:
        networks = self._prepared(task)[0]
        return 2.0 * networks.parameters / len(networks)

    def flops_of_training(self, task: AbstractTask) -> float:
        return 1.0

    def can_be_trained(self, task: AbstractTask) -> bool:
        return can_be_trained(self._registered[0])

    @property
    def summary(self) -> str:
        return self.name

    @property
    def architecture(self) -> str:
        return self.name.partition(",")[0]

    @property
    def _registered(self) -> tuple[AbstractNetworks, ...]:
        registered = get_object(self.name)
        return registered if isinstance(registered, tuple) else (registered,)

    def _prepared(self, task: AbstractTask) -> tuple[AbstractNetworks, ...]:
        for networks in self._registered:
            _prepare(networks, task)
        return self._registered


def _prepare(networks: AbstractNetworks, task: AbstractTask) -> None:
    """Prepare networks on eight examples of a task."""
    networks.prepare(task.labelled_inputs(8, split="train", generator=derived_generator(0, "first look"))[0])


@lru_cache(maxsize=32)
def _cached_network(source: FromFunction, task: AbstractTask, seed: int) -> Module:
    """One network of a source, untrained if possible; the cache avoids calls that train for long."""
    return source.build(task, seed=seed, trained="trained" not in source.arguments)
