"""What a featurizer is."""

from __future__ import annotations

import abc
from typing import Any, NamedTuple

from jaxtyping import Float
from torch import Tensor


class Frames(NamedTuple):
    """The linear maps of a stack of searches, free of parameters.

    With r and w the rows of `read` and `write` that belong to a variable, an interchange adds to the base's activations
    h the sum of w·(r·(h_source − h)) over rows and variables. Rows behind a search's size are zero.

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

    @abc.abstractmethod
    def begin(self, directions: Float[Tensor, "search variable feature width"]) -> Float[Tensor, " search *shape"]:
        """Parameters whose maps read and write these directions: orthonormal rows, or zero behind a search's size."""

    @abc.abstractmethod
    def frames(
        self, parameters: Float[Tensor, " search *shape"], mask: Float[Tensor, "search variable feature 1"]
    ) -> tuple[Frames, Any]:
        """The maps for these parameters, and what `pull` needs. The mask is one up to the size of a search."""

    @abc.abstractmethod
    def pull(
        self, parameters: Float[Tensor, " search *shape"], saved: Any, gradient: Frames
    ) -> Float[Tensor, " search *shape"]:
        """The gradient with respect to the parameters, from that with respect to the maps."""

    @abc.abstractmethod
    def constrain(self, parameters: Float[Tensor, " search *shape"]) -> Float[Tensor, " search *shape"]:
        """The nearest allowed parameters, after a step of the optimiser."""
