"""What a featurizer is."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import Any, NamedTuple

from jaxtyping import Bool, Float
from torch import Tensor


class Frames(NamedTuple):
    """The linear maps of a stack of searches, free of parameters.

    With r and w the rows of `read` and `write` that belong to a variable, an interchange adds to the base's activations
    h the sum of w·(r·(h_source − h)) over rows and variables. Rows that are not in use are zero: those behind a
    search's size, and those that a learned size leaves out.

    Args:
        read: `[search, variable, feature, width]`.
        write: the same shape.
    """

    read: Float[Tensor, "search variable feature width"]
    write: Float[Tensor, "search variable feature width"]


class AbstractFeaturizer(abc.ABC):
    """A class of maps whose parameters are learned, for many searches at once.

    A featurizer has no state: parameters go in, and the maps they stand for come out. Gradients are written out, since
    the loop builds no graph.
    """

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """The name in the registry."""

    @property
    @abc.abstractmethod
    def trainable(self) -> bool:
        """Whether there is anything to learn after the start."""

    @property
    @abc.abstractmethod
    def learns_size(self) -> bool:
        """Whether features are chosen on the way, softly at first and for good at the end of a phase."""

    @abc.abstractmethod
    def begin(
        self,
        directions: Float[Tensor, "search variable feature width"],
        activations: Sequence[Float[Tensor, "_ width"]],
    ) -> Float[Tensor, " search *shape"]:
        """Parameters whose maps read and write these directions, or the nearest that the class has.

        Args:
            directions: orthonormal rows, or zero behind a search's size.
            activations: for each search what its network computes at the site on the training pool.
        """

    @abc.abstractmethod
    def frames(
        self,
        parameters: Float[Tensor, " search *shape"],
        mask: Float[Tensor, "search variable feature 1"],
        heat: float = 0.0,
    ) -> tuple[Frames, Any]:
        """The maps for these parameters, and what `pull` needs.

        Args:
            parameters: of the searches.
            mask: one up to the size of a search.
            heat: falls from one to zero in a phase. At zero choices are hard: so maps are validated and kept.
        """

    @abc.abstractmethod
    def pull(
        self, parameters: Float[Tensor, " search *shape"], saved: Any, gradient: Frames
    ) -> Float[Tensor, " search *shape"]:
        """The gradient with respect to the parameters, from that with respect to the maps.

        A featurizer that charges for something (features, obliqueness) adds the gradient of its price.
        """

    @abc.abstractmethod
    def constrain(self, parameters: Float[Tensor, " search *shape"]) -> Float[Tensor, " search *shape"]:
        """The nearest allowed parameters, after a step of the optimiser."""


def compact(frames: Frames) -> Frames:
    """One search's maps without rows that no variable uses, the others in their order.

    Args:
        frames: `[variable, feature, width]`.
    """
    used = in_use(frames)
    order = used.int().argsort(dim=1, descending=True, stable=True)[:, : int(used.sum(1).max())]
    return Frames(*(part.gather(1, order.unsqueeze(2).expand(-1, -1, part.shape[2])) for part in frames))


def in_use(frames: Frames) -> Bool[Tensor, " *variable feature"]:
    """Which rows read and write anything."""
    return (frames.read != 0).any(-1) | (frames.write != 0).any(-1)
