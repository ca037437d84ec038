"""The interface through which the rest of the library runs networks."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interlocus.core.errors import UnknownNameError
from interlocus.core.linalg import BufferPool
from interlocus.core.random import derived_generator
from interlocus.tasks import AbstractTask

Saved = TypeVar("Saved")
"""What a forward pass saves for the backward pass."""


class AbstractSuffixBody(abc.ABC, Generic[Saved]):
    """A suffix without its input projection, one copy for each search, with a hand-written gradient.

    The layout is `[search, width, batch]` with the batch last, so that searches in one network can share products.
    """

    @abc.abstractmethod
    def forward(
        self,
        projected: Float[Tensor, "search projected batch"],
        buffers: BufferPool,
        inputs: Float[Tensor, "problem batch ..."] | None = None,
    ) -> tuple[Float[Tensor, "search class batch"], Saved]:
        """Logits, and the values that `backward` needs.

        The caller may overwrite the logits; this method may overwrite `projected`.

        Args:
            projected: Output of the input projection, one row of examples for each search.
            buffers: Memory to reuse. Its tensors are valid until the next call.
            inputs: The network inputs of the bases, shared by all searches of a problem. Required where the suffix
                `needs_inputs`, ignored elsewhere.
        """

    @abc.abstractmethod
    def backward(
        self, saved: Saved, gradient: Float[Tensor, "search class batch"], buffers: BufferPool
    ) -> Float[Tensor, "search projected batch"]:
        """The gradient with respect to `projected`.

        Args:
            saved: The second value that `forward` returned.
            gradient: The gradient with respect to the logits. It may be overwritten.
            buffers: The buffers that were passed to `forward`.
        """


class AbstractSuffix(abc.ABC):
    """The part of networks after a site: a linear *input projection*, then a *body*.

    A linear interchange only adds to the output of the projection, and that output is cached for every example. So the
    activations at the site are never rebuilt.
    """

    @property
    @abc.abstractmethod
    def input_projection(self) -> Float[Tensor, "network projected width"] | None:
        """The matrix of the first linear layer, or `None` for the identity."""

    @property
    @abc.abstractmethod
    def needs_inputs(self) -> bool:
        """Whether the body runs the whole network and therefore needs the network inputs."""

    @abc.abstractmethod
    def project(self, activations: Float[Tensor, "network row width"]) -> Float[Tensor, "network row projected"]:
        """The input projection of activations, with its bias."""

    @abc.abstractmethod
    def body(self, network: Int[Tensor, " search"]) -> AbstractSuffixBody[Any]:
        """The part after the input projection.

        Args:
            network: For each search, the index of the network it belongs to.
        """


class AbstractNetworks(abc.ABC):
    """One or several networks of one architecture that run together.

    Indexing returns one of them, as an object of length one.
    """

    @abc.abstractmethod
    def __len__(self) -> int:
        """The number of networks."""

    @abc.abstractmethod
    def __getitem__(self, index: int) -> AbstractNetworks:
        """One network, as an object of length one."""

    @abc.abstractmethod
    def untrained_copies(self, count: int, *, seed: int) -> Sequence[AbstractNetworks]:
        """Networks of the same architecture with freshly initialised parameters.

        Args:
            count: The number of networks, each returned as an object of its own.
            seed: Seed of the initial parameters.

        Returns:
            An empty sequence if there can be none.

        Raises:
            NetworkError: The user's function makes a network of another architecture.
        """

    @property
    def untrained_parameters(self) -> str:
        """How the parameters of `untrained_copies` are made, as text for evidence."""
        return "initialised at random"

    @abc.abstractmethod
    def select(self, indices: Sequence[int]) -> AbstractNetworks:
        """Some of the networks, in the order of the indices."""

    @property
    @abc.abstractmethod
    def sites(self) -> Mapping[str, int]:
        """The width of every site, in the order in which the networks compute them."""

    @property
    @abc.abstractmethod
    def input_width(self) -> int | None:
        """The length of an input vector, or `None` where inputs are not vectors."""

    @property
    @abc.abstractmethod
    def parameters(self) -> int:
        """The number of parameters of all networks together."""

    @property
    @abc.abstractmethod
    def device(self) -> torch.device:
        """The device of the parameters."""

    @abc.abstractmethod
    def __call__(self, inputs: Float[Tensor, "batch ..."]) -> Float[Tensor, "network batch class"]:
        """Logits of every network on the same inputs."""

    @abc.abstractmethod
    def activations(self, site: str, inputs: Float[Tensor, "batch ..."]) -> Float[Tensor, "network batch width"]:
        """Activations of every network at a site on the same inputs.

        Raises:
            UnknownNameError: The networks have no such site.
        """

    @abc.abstractmethod
    def run_from(
        self,
        site: str,
        activations: Float[Tensor, "network batch width"],
        inputs: Float[Tensor, "batch ..."] | None = None,
    ) -> Float[Tensor, "network batch class"]:
        """Logits that follow from given activations at a site.

        Args:
            site: Name of the site, a key of `sites`.
            activations: The activations to continue from.
            inputs: The network inputs of the same examples. Required where the suffix `needs_inputs`, ignored
                elsewhere.
        """

    @abc.abstractmethod
    def prepare(self, inputs: Float[Tensor, "batch ..."]) -> None:
        """Run some example inputs, so that problems show before any search begins.

        Args:
            inputs: At least two encoded inputs of the task.

        Raises:
            InterlocusError: The inputs do not fit, or activations at a site cannot be exchanged.
        """

    @property
    @abc.abstractmethod
    def classes(self) -> int | None:
        """The number of classes, or `None` before `prepare` where only a run shows it."""

    @abc.abstractmethod
    def suffix(self, site: str) -> AbstractSuffix:
        """The part after a site.

        Raises:
            UnknownNameError: The networks have no such site.
        """

    @abc.abstractmethod
    def to(self, device: str | torch.device) -> AbstractNetworks:
        """The same networks on another device."""

    @abc.abstractmethod
    def to_bytes(self) -> bytes:
        """The parameters as a safetensors file, which cannot run code when it is read."""

    @abc.abstractmethod
    def fingerprint(self) -> str:
        """A hash that is equal for equal architecture and parameters."""

    def accuracy(self, task: AbstractTask, *, seed: int, count: int = 20_000) -> list[float]:
        """Share of test examples that each network classifies correctly.

        Args:
            task: The task whose test examples are drawn.
            seed: Seed of the examples.
            count: The number of examples.
        """
        inputs, labels = task.labelled_inputs(count, split="test", generator=derived_generator(seed, "accuracy"))
        with torch.no_grad():
            logits = self(inputs.to(self.device))
        of_label = logits.gather(2, labels.to(self.device).expand(len(self), -1).unsqueeze(2)).squeeze(2)
        return (of_label >= logits.amax(2)).double().mean(1).tolist()

    def width(self, site: str) -> int:
        """The width of a site.

        Raises:
            UnknownNameError: The networks have no such site.
        """
        if site not in self.sites:
            raise UnknownNameError("site", site, self.sites, "this network")
        return self.sites[site]
