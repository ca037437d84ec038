"""Kinds of networks that a family can be of: how they are made, kept and fetched again."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence

from interlocus.core.tensor_files import TensorFile
from interlocus.networks import AbstractNetworks
from interlocus.tasks import AbstractTask

OnProgress = Callable[[float], None]
"""Is told the share that is done."""


class AbstractNetworkSource(abc.ABC):
    """Networks of one kind; its settings are its constructor's."""

    @abc.abstractmethod
    def sites(self, task: AbstractTask) -> Mapping[str, int]:
        """The places in such networks, with their widths, before any is trained."""

    @abc.abstractmethod
    def make(
        self, task: AbstractTask, *, count: int, trained: bool, seed: int, done: OnProgress
    ) -> list[AbstractNetworks]:
        """That many networks, each by itself."""

    @abc.abstractmethod
    def load(self, task: AbstractTask, files: Sequence[TensorFile], *, seed: int) -> list[AbstractNetworks]:
        """Kept networks, in order; those that can be searched at once in one."""

    @abc.abstractmethod
    def flops_behind(self, task: AbstractTask, site: str) -> float:
        """Operations of the part behind a site for one example, roughly."""

    @abc.abstractmethod
    def flops_of_training(self, task: AbstractTask) -> float:
        """Operations of making one, roughly."""

    @property
    @abc.abstractmethod
    def summary(self) -> str:
        """In a few words for people."""

    @property
    @abc.abstractmethod
    def architecture(self) -> str:
        """Equal for networks that differ in their parameters only: what an untrained one is held against."""

    def plantable(self, task: AbstractTask) -> bool:
        """Whether twins of them with a planted variable can be made."""
        return True
