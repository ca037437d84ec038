"""What the rest of the library asks of networks."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interlocus.core.errors import UnknownNameError
from interlocus.core.linalg import BufferPool
from interlocus.core.random import derived_generator
from interlocus.tasks import AbstractTask


class AbstractSuffixBody(abc.ABC):
    """What comes behind the entry of a tail, one copy a search, with its gradient written out.

    The layout is `[search width batch]`, batch last: searches of one network then share their products.
    """

    @abc.abstractmethod
    def forward(
        self,
        entered: Float[Tensor, "search entered batch"],
        buffers: BufferPool,
        inputs: Float[Tensor, "problem batch ..."] | None = None,
    ) -> tuple[Float[Tensor, "search class batch"], Any]:
        """Logits, and what `backward` needs. Both may be overwritten: the logits by the caller, `entered` by this.

        Where the tail `needs_inputs`, these are what the network was shown as bases, the same for all searches of a
        problem.
        """

    @abc.abstractmethod
    def backward(
        self, saved: Any, gradient: Float[Tensor, "search class batch"], buffers: BufferPool
    ) -> Float[Tensor, "search entered batch"]:
        """The gradient with respect to `entered`, from that with respect to the logits."""


class AbstractSuffix(abc.ABC):
    """The part of networks behind a site.

    It begins with a linear map, the *entry*. A linear interchange is then an update of the entry's output, which is
    cached for every example, and the activations at the site are never rebuilt.
    """

    @property
    @abc.abstractmethod
    def entry(self) -> Float[Tensor, "network entered width"] | None:
        """The linear map at the beginning; `None` where there is none, and the activations enter as they are."""

    @property
    @abc.abstractmethod
    def needs_inputs(self) -> bool:
        """Whether the rest runs the networks from their inputs on, and has to be given them."""

    @abc.abstractmethod
    def enter(self, activations: Float[Tensor, "network row width"]) -> Float[Tensor, "network row entered"]:
        """The entry with its bias."""

    @abc.abstractmethod
    def rest(self, network: Int[Tensor, " search"]) -> AbstractSuffixBody:
        """What comes behind the entry, for searches in these networks."""


class AbstractNetworks(abc.ABC):
    """One or several networks of one architecture, that are run together.

    Indexing gives one of them, as networks with a count of one.
    """

    @abc.abstractmethod
    def __len__(self) -> int:
        """How many networks."""

    @abc.abstractmethod
    def __getitem__(self, index: int) -> AbstractNetworks:
        """One of them."""

    @abc.abstractmethod
    def untrained_copies(self, count: int, *, seed: int) -> Sequence[AbstractNetworks]:
        """So many networks of the same build that have learned nothing, each by itself.

        There are none where it is not known how such a network begins.
        """

    @abc.abstractmethod
    def select(self, indices: Sequence[int]) -> AbstractNetworks:
        """Some of them, run together."""

    @property
    @abc.abstractmethod
    def sites(self) -> Mapping[str, int]:
        """The places where activations can be exchanged, in order, with their widths."""

    @property
    @abc.abstractmethod
    def input_width(self) -> int | None:
        """How many numbers an input has; `None` where only the network's own code knows."""

    @property
    @abc.abstractmethod
    def parameters(self) -> int:
        """How many numbers were learned, in all networks together."""

    @property
    @abc.abstractmethod
    def device(self) -> torch.device:
        """Where the parameters are."""

    @abc.abstractmethod
    def __call__(self, inputs: Float[Tensor, "batch ..."]) -> Float[Tensor, "network batch class"]:
        """Logits of every network on the same inputs."""

    @abc.abstractmethod
    def activations(self, site: str, inputs: Float[Tensor, "batch ..."]) -> Float[Tensor, "network batch width"]:
        """Activations of every network at a site on the same inputs."""

    @abc.abstractmethod
    def run_from(
        self,
        site: str,
        activations: Float[Tensor, "network batch width"],
        inputs: Float[Tensor, "batch ..."] | None = None,
    ) -> Float[Tensor, "network batch class"]:
        """Logits of every network from its activations at a site on.

        The inputs are what the networks were shown; only those whose tail `needs_inputs` look at them.
        """

    @abc.abstractmethod
    def prepare(self, inputs: Float[Tensor, "batch ..."]) -> None:
        """Be shown some inputs before anything else, so that what cannot work is said at once.

        Raises:
            InterlocusError: a site cannot be exchanged.
        """

    @property
    @abc.abstractmethod
    def classes(self) -> int | None:
        """How many classes the networks tell apart; `None` before they have met an input."""

    @abc.abstractmethod
    def suffix(self, site: str) -> AbstractSuffix:
        """The part behind a site."""

    @abc.abstractmethod
    def to(self, device: str | torch.device) -> AbstractNetworks:
        """The same networks on a device."""

    @abc.abstractmethod
    def to_bytes(self) -> bytes:
        """Their parameters, as the bytes of a file that runs no code when it is read."""

    @abc.abstractmethod
    def fingerprint(self) -> str:
        """Tells these networks from others: equal for equal parameters."""

    def accuracy(self, task: AbstractTask, *, seed: int, count: int = 20_000) -> list[float]:
        """Share of right classes on fresh examples, for each network."""
        inputs, labels = task.labelled_inputs(count, split="test", generator=derived_generator(seed, "accuracy"))
        with torch.no_grad():
            logits = self(inputs.to(self.device))
        own = logits.gather(2, labels.to(self.device).expand(len(self), -1).unsqueeze(2)).squeeze(2)
        return (own >= logits.amax(2)).double().mean(1).tolist()

    def width(self, site: str) -> int:
        """The width of a site.

        Raises:
            UnknownNameError: the networks have no such site.
        """
        if site not in self.sites:
            raise UnknownNameError("site", site, self.sites, "this network")
        return self.sites[site]
