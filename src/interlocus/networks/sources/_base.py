"""The interface of a network source: how the networks of a study are made, stored and loaded."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence

from interlocus.core.progress import OnProgress
from interlocus.core.tensor_files import TensorFile
from interlocus.networks import AbstractNetworks
from interlocus.tasks import AbstractTask


class AbstractNetworkSource(abc.ABC):
    """A way of making networks of one architecture. Its settings are the arguments of its constructor."""

    @abc.abstractmethod
    def sites(self, task: AbstractTask) -> Mapping[str, int]:
        """The width of every site of such a network, by name; known before any network is trained."""

    @abc.abstractmethod
    def make(
        self, task: AbstractTask, *, count: int, trained: bool, seed: int, on_progress: OnProgress
    ) -> list[AbstractNetworks]:
        """Make networks, each as an object of length one.

        Args:
            task: The task that the networks learn.
            count: The number of networks.
            trained: Whether to train them; otherwise they keep their initial parameters.
            seed: Seed of initial parameters and training examples.
            on_progress: Called with the finished share of the work.

        Raises:
            InterlocusError: The source cannot make such networks.
        """

    @abc.abstractmethod
    def load(self, task: AbstractTask, files: Sequence[TensorFile], *, seed: int) -> list[AbstractNetworks]:
        """Load networks that `make` returned and a run stored.

        Args:
            task: The task that the networks have learned.
            files: One parameter file for each network.
            seed: The seed with which they were made.

        Returns:
            The networks in the order of their files. Networks that can be searched together form one object.
        """

    @abc.abstractmethod
    def flops_after(self, task: AbstractTask, site: str) -> float:
        """Rough number of operations of the part after a site, for one example."""

    @abc.abstractmethod
    def flops_of_training(self, task: AbstractTask) -> float:
        """Rough number of operations of training one network."""

    @property
    @abc.abstractmethod
    def summary(self) -> str:
        """The settings in a few words, for tables and pages."""

    @property
    @abc.abstractmethod
    def architecture(self) -> str:
        """Equal for two sources whose networks differ in parameters only, such as trained and untrained networks."""

    def can_be_trained(self, task: AbstractTask) -> bool:
        """Whether copies of these networks can be trained in minutes, as planting a variable requires."""
        return True
