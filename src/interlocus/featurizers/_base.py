"""The interface of a featurizer, and the maps that featurizers build."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

import torch
from einops import rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interlocus.core.errors import SpecificationError


class Frames(NamedTuple):
    """Linear maps of a stack of searches, or of one search without the first axis.

    Let r and w be the rows of `read` and `write` that belong to a variable. An interchange of the base's activation h
    is h′ = h + Σ w·(r·(h_source − h)), summed over rows and variables. Rows that are not in use are zero: those beyond
    the size of a search, and those that a learned size excludes.

    Args:
        read: Rows that read features, `[search, variable, feature, width]`.
        write: Rows that write features, of the same shape.
    """

    read: Float[Tensor, "search variable feature width"]
    write: Float[Tensor, "search variable feature width"]

    @property
    def linear(self) -> bool:
        return True

    @property
    def sizes(self) -> list[int]:
        return in_use(self).sum(1).tolist()

    def select(self, search: int) -> Frames:
        return compact(Frames(*(part[search].cpu() for part in self)))

    def as_stack(self, device: torch.device) -> Frames:
        return Frames(*(part.unsqueeze(0).to(device) for part in self))

    def features(self, states: Float[Tensor, "batch width"]) -> tuple[Float[Tensor, "batch feature"], ...]:
        read = self.read.to(states.device)
        return tuple((states @ read.flatten(0, 1).T).split(read.shape[1], 1))

    def swap(
        self, base: Float[Tensor, "batch width"], sources: Mapping[int, Float[Tensor, "batch width"]]
    ) -> Float[Tensor, "batch width"]:
        read, write = self.read.to(base.device), self.write.to(base.device)
        changes = [(source - base) @ read[v].T @ write[v] for v, source in sources.items()]
        return base + torch.stack(changes).sum(0) if changes else base

    def tensors(self) -> dict[str, Tensor]:
        return {"read": self.read, "write": self.write}


class Maps(Protocol):
    """The maps that a featurizer builds from parameters, for a stack of searches.

    `select` returns the maps of one search. `sizes`, `as_stack`, `features`, `swap` and `tensors` are for those.
    """

    @property
    def linear(self) -> bool:
        """Whether an interchange is linear in the difference of source and base."""
        ...

    @property
    def sizes(self) -> list[int]:
        """The number of features of each variable."""
        ...

    def select(self, search: int) -> Maps:
        """The maps of one search on the CPU, without the axis of searches and without rows that are not in use."""
        ...

    def as_stack(self, device: torch.device) -> Maps:
        """The maps of one search as a stack of one, on a device."""
        ...

    def features(self, states: Float[Tensor, "batch width"]) -> tuple[Float[Tensor, "batch feature"], ...]:
        """The features of each variable in given activations."""
        ...

    def swap(
        self, base: Float[Tensor, "batch width"], sources: Mapping[int, Float[Tensor, "batch width"]]
    ) -> Float[Tensor, "batch width"]:
        """Activations of the bases after an interchange.

        Args:
            base: Activations of the bases.
            sources: Activations of the sources, by the index of the variable that takes its features from them.
        """
        ...

    def tensors(self) -> dict[str, Tensor]:
        """The tensors to store in a file."""
        ...


MapsT = TypeVar("MapsT")
GradientT = TypeVar("GradientT")
SavedT = TypeVar("SavedT")


class AbstractFeaturizer(abc.ABC, Generic[MapsT, GradientT, SavedT]):
    """Maps of one kind from activations to features and back, fitted for many searches at once.

    A featurizer has no state: `forward` takes parameters and returns the maps built from them. Gradients are written
    by hand, because the training loop builds no graph.

    Subclasses set these attributes, in the class or in the constructor:

    - `name`: name in the registry and in records
    - `trainable`: whether parameters are learned after the start
    - `learns_size`: whether features are selected during training, softly at first, hard at the end of a phase
    - `linear`: whether the maps are linear
    - `width_multiple`: the width of a site must be a multiple of this
    - `overlapping`: whether two variables may share directions
    """

    name: str
    trainable: bool = True
    learns_size: bool = False
    linear: bool = False
    width_multiple: int = 1
    overlapping: bool = False

    @abc.abstractmethod
    def initialize(
        self,
        directions: Float[Tensor, "search variable feature width"],
        activations: Sequence[Float[Tensor, "_ width"]],
    ) -> Float[Tensor, " search *shape"]:
        """Parameters whose maps read and write given directions, or the nearest ones that the class contains.

        Args:
            directions: Orthonormal rows for each search; zero rows beyond its size.
            activations: For each search, its network's activations at the site on the training pool.
        """

    @abc.abstractmethod
    def forward(
        self,
        parameters: Float[Tensor, " search *shape"],
        mask: Float[Tensor, "search variable feature 1"],
        softness: float = 0.0,
    ) -> tuple[MapsT, SavedT]:
        """The maps for given parameters (`Maps`), and the values that `backward` needs.

        Args:
            parameters: The parameters of each search.
            mask: One for features up to the size of a search, zero beyond.
            softness: How soft a selection of features is. It falls from 1 to 0 during a phase; at 0, the value for
                validation and for stored maps, every feature is selected or not.
        """

    @abc.abstractmethod
    def backward(
        self, parameters: Float[Tensor, " search *shape"], saved: SavedT, gradient: GradientT
    ) -> Float[Tensor, " search *shape"]:
        """The gradient with respect to the parameters.

        A featurizer with a penalty adds the gradient of the penalty.

        Args:
            parameters: The parameters that were passed to `forward`.
            saved: The second value that `forward` returned.
            gradient: The gradient with respect to the maps.
        """

    @abc.abstractmethod
    def constrain(self, parameters: Float[Tensor, " search *shape"]) -> Float[Tensor, " search *shape"]:
        """The nearest allowed parameters, after a step of the optimiser."""


class AbstractLinearMap(AbstractFeaturizer[Frames, Frames, SavedT], Generic[SavedT]):
    """A class of linear maps: `forward` returns `Frames`, and `backward` takes a gradient of the same form."""

    linear = True


class AbstractRowMap(AbstractLinearMap[SavedT], Generic[SavedT]):
    """A class of linear maps whose parameters are the reading rows of all variables, one after another."""

    def initialize(
        self,
        directions: Float[Tensor, "search variable feature width"],
        activations: Sequence[Float[Tensor, "_ width"]],
    ) -> Float[Tensor, "search row width"]:
        return rearrange(directions, "search variable feature width -> search (variable feature) width").contiguous()


def check_width(featurizer: AbstractFeaturizer, site: str, width: int) -> None:
    """Check that a featurizer has maps for a site.

    Args:
        featurizer: The featurizer of a search.
        site: Name of the site, for the message.
        width: Width of the site.

    Raises:
        SpecificationError: The width is no multiple of `featurizer.width_multiple`.
    """
    if width % featurizer.width_multiple:
        raise SpecificationError(
            f"The site {site!r} is {width} wide, and the featurizer is {featurizer.name!r}.",
            f"This featurizer needs a width that is a multiple of {featurizer.width_multiple}.",
            "Leave out that site, or use another featurizer.",
        )


def basis_rows(mask: Float[Tensor, "search variable feature 1"], width: int) -> Int[Tensor, "search row"]:
    """The row of a whole basis that belongs to each feature of each variable.

    The variables have blocks of equal length, one after another, if those fit into the width. If sizes are too unequal
    for that, only the rows in use get places, side by side; the places of the others are meaningless.

    Args:
        mask: One for features up to the size of a search, zero beyond.
        width: The number of rows of the basis.
    """
    used = mask.flatten(1)
    if used.shape[1] <= width:
        return torch.arange(used.shape[1], device=mask.device).expand(len(mask), -1)
    return (used.cumsum(1).long() - 1).clamp_min(0)


def compact(frames: Frames) -> Frames:
    """The maps of one search without rows that no variable uses. Order is kept, and at least one row.

    Args:
        frames: Maps of one search, `[variable, feature, width]`.
    """
    used = in_use(frames)
    order = used.int().argsort(dim=1, descending=True, stable=True)[:, : max(1, int(used.sum(1).max()))]
    return Frames(*(part.gather(1, order.unsqueeze(2).expand(-1, -1, part.shape[2])) for part in frames))


def in_use(frames: Frames) -> Bool[Tensor, " *variable feature"]:
    """Whether each row reads or writes anything."""
    return (frames.read != 0).any(-1) | (frames.write != 0).any(-1)
