"""Kinds of networks that people bring: made by a function of theirs, or objects of a session."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from interlocus.core.errors import InterlocusError, NetworkError, SpecificationError, UnknownNameError
from interlocus.core.plugins import NETWORKS
from interlocus.core.random import derived_generator
from interlocus.core.user_code import get_object, is_code_reference, load_code
from interlocus.networks import AbstractNetworks, Module
from interlocus.networks.mlp.training import TRAINING_BATCH
from interlocus.networks.sources._base import AbstractNetworkSource, OnProgress
from interlocus.networks.validation import can_be_trained
from interlocus.tasks import AbstractTask


@dataclass(frozen=True, kw_only=True)
class FromFunction(AbstractNetworkSource):
    """Networks that a function makes, one at a time.

    The function returns a `torch.nn.Module` or a `Module`. It may take any of `task`, `seed` (another for each
    network), `trained` (without it the networks cannot be asked for untrained, and each process that fetches one makes
    it anew before its parameters are put in) and `done` (is told the share that is done), and options of its own.

    Args:
        source: `file.py:function`, or a name of the registry.
        options: its other arguments.
    """

    source: str
    options: tuple[tuple[str, Any], ...] = ()

    def __post_init__(self) -> None:
        known = set(self.takes)
        for name, _ in self.options:
            if name not in known:
                raise UnknownNameError("option", name, sorted(known), f"the network {self.source}")

    def sites(self, task: AbstractTask) -> Mapping[str, int]:
        return _built(self, task, 0).sites

    def make(
        self, task: AbstractTask, *, count: int, trained: bool, seed: int, done: OnProgress
    ) -> list[AbstractNetworks]:
        if count > 1 and "seed" not in self.takes:
            raise SpecificationError(
                f"{count} networks of {self.source} are asked for.",
                "The function takes no seed, so all of them would be the same.",
                "Let it take `seed`, or ask for one.",
            )
        if not trained and "trained" not in self.takes:
            raise SpecificationError(
                f"Untrained networks of {self.source} are asked for.",
                "The function gives trained ones only.",
                "Let it take `trained`, or leave that family out.",
            )
        if "trained" not in self.takes:  # it may have been made already, to be looked at
            return [_built(self, task, seed + i).copy() for i in range(count)]
        return [
            self.build(task, seed=seed + i, trained=trained, done=lambda share, i=i: done((i + share) / count))
            for i in range(count)
        ]

    def load(self, task: AbstractTask, paths: Sequence[Path], *, seed: int) -> list[AbstractNetworks]:
        networks: list[AbstractNetworks] = []
        for i, path in enumerate(paths):
            network = _built(self, task, seed + i).copy()
            network.load_parameters(path)
            networks.append(network)
        return networks

    def flops_behind(self, task: AbstractTask, site: str) -> float:
        return 2.0 * _built(self, task, 0).parameters

    def flops_of_training(self, task: AbstractTask) -> float:
        return 3.0 * TRAINING_BATCH * 3000 * self.flops_behind(task, "")

    def plantable(self, task: AbstractTask) -> bool:
        return can_be_trained(_built(self, task, 0))

    @property
    def summary(self) -> str:
        return " ".join([self.source, *(f"{name}={value}" for name, value in self.options)])

    @property
    def architecture(self) -> str:
        return self.summary

    def _call(self, given: Mapping[str, Any]) -> Any:
        try:
            return self._function(**given)
        except InterlocusError:
            raise
        except Exception as error:
            raise NetworkError(
                f"The function {self.source} fails: {type(error).__name__}: {error}.",
                "There is no network to be searched.",
                "Mend it; call it by itself to see where it fails.",
            ) from error

    @property
    def takes(self) -> Mapping[str, inspect.Parameter]:
        """The arguments of the function."""
        return inspect.signature(self._function).parameters

    @property
    def _function(self) -> Callable[..., Any]:
        return load_code(self.source) if is_code_reference(self.source) else NETWORKS.get(self.source)

    def build(self, task: AbstractTask, *, seed: int, trained: bool, done: OnProgress = lambda share: None) -> Module:
        """One network, that has met an input.

        Raises:
            NetworkError: the function returns something else.
        """
        network = self.call(task=task, seed=seed, trained=trained, done=done)
        network.prepare(task.labelled_inputs(8, split="train", generator=derived_generator(0, "first look"))[0])
        return network

    def call(self, *, seed: int, **given: Any) -> Module:
        """What the function gives, which has met no input yet.

        Args:
            seed: of the global generator, and of the function if it takes it.
            given: its other arguments, of which it is passed those that it takes.

        Raises:
            NetworkError: the function fails, or returns something else.
        """
        given = {"seed": seed, **given, **dict(self.options)}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            made = self._call({name: value for name, value in given.items() if name in self.takes})
        network = Module(made) if isinstance(made, nn.Module) else made
        if not isinstance(network, Module):
            raise NetworkError(
                f"The function {self.source} returns a {type(made).__name__}.",
                "What is searched is a torch.nn.Module, or an interlocus.networks.Module.",
                "Return one of those.",
            )
        return network


@dataclass(frozen=True, kw_only=True)
class FromObject(AbstractNetworkSource):
    """Networks that exist already, as objects of this session: one, or several in a tuple.

    Args:
        name: under which they are held. What stands behind a comma tells networks of one architecture apart.
    """

    name: str

    def sites(self, task: AbstractTask) -> Mapping[str, int]:
        return self._met(task)[0].sites

    def make(
        self, task: AbstractTask, *, count: int, trained: bool, seed: int, done: OnProgress
    ) -> list[AbstractNetworks]:
        return [networks[i] for networks in self._met(task) for i in range(len(networks))]

    def load(self, task: AbstractTask, paths: Sequence[Path], *, seed: int) -> list[AbstractNetworks]:
        return list(self._met(task))

    def flops_behind(self, task: AbstractTask, site: str) -> float:
        networks = self._met(task)[0]
        return 2.0 * networks.parameters / len(networks)

    def flops_of_training(self, task: AbstractTask) -> float:
        return 1.0

    @property
    def summary(self) -> str:
        return self.name

    @property
    def architecture(self) -> str:
        return self.name.partition(",")[0]

    def plantable(self, task: AbstractTask) -> bool:
        return can_be_trained(self._stacks[0])

    @property
    def _stacks(self) -> tuple[AbstractNetworks, ...]:
        found = get_object(self.name)
        return found if isinstance(found, tuple) else (found,)

    def _met(self, task: AbstractTask) -> tuple[AbstractNetworks, ...]:
        stacks = self._stacks
        for networks in stacks:
            networks.prepare(task.labelled_inputs(8, split="train", generator=derived_generator(0, "first look"))[0])
        return stacks


@lru_cache(maxsize=32)
def _built(kind: FromFunction, task: AbstractTask, seed: int) -> Module:
    """One of them to look at and to put parameters into, untrained if it can be; else making it may take long."""
    return kind.build(task, seed=seed, trained="trained" not in kind.takes)
