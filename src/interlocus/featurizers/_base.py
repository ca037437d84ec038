"""What a featurizer is."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interlocus.core.errors import SpecificationError


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

    @property
    def linear(self) -> bool:
        return True

    @property
    def sizes(self) -> list[int]:
        return in_use(self).sum(1).tolist()

    def of(self, search: int) -> Frames:
        return compact(Frames(*(part[search].cpu() for part in self)))

    def alone(self, device: torch.device) -> Frames:
        return Frames(*(part.unsqueeze(0).to(device) for part in self))

    def features(self, states: Float[Tensor, "batch width"]) -> tuple[Float[Tensor, "batch feature"], ...]:
        read = self.read.to(states.device)
        return tuple((states @ read.flatten(0, 1).T).split(read.shape[1], 1))

    def swap(
        self, base: Float[Tensor, "batch width"], sources: Mapping[int, Float[Tensor, "batch width"]]
    ) -> Float[Tensor, "batch width"]:
        read, write = self.read.to(base.device), self.write.to(base.device)
        change = [(source - base) @ read[v].T @ write[v] for v, source in sources.items()]
        return base + torch.stack(change).sum(0) if change else base

    def tensors(self) -> dict[str, Tensor]:
        return {"read": self.read, "write": self.write}


class Maps(Protocol):
    """What a featurizer's parameters stand for, for a stack of searches; `of` gives those of one search."""

    @property
    def linear(self) -> bool:
        """Whether an interchange is linear in the difference of source and base."""
        ...

    @property
    def sizes(self) -> list[int]:
        """How many features each variable has; of one search."""
        ...

    def of(self, search: int) -> Maps:
        """The maps of one search, without an axis for searches, to be kept."""
        ...

    def alone(self, device: torch.device) -> Maps:
        """What `of` gave, as a stack of one."""
        ...

    def features(self, states: Float[Tensor, "batch width"]) -> tuple[Float[Tensor, "batch feature"], ...]:
        """The features of each variable; of one search."""
        ...

    def swap(
        self, base: Float[Tensor, "batch width"], sources: Mapping[int, Float[Tensor, "batch width"]]
    ) -> Float[Tensor, "batch width"]:
        """The states of bases when variables take their features from sources; of one search."""
        ...

    def tensors(self) -> dict[str, Tensor]:
        """What is kept in a file; of one search."""
        ...


class AbstractFeaturizer(abc.ABC):
    """A class of maps whose parameters are learned, for many searches at once.

    A featurizer has no state: parameters go in, and the maps they stand for come out.
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

    @property
    @abc.abstractmethod
    def linear(self) -> bool:
        """Whether its maps are."""

    @property
    @abc.abstractmethod
    def multiple(self) -> int:
        """What the width of a site has to be a multiple of."""

    @property
    @abc.abstractmethod
    def overlapping(self) -> bool:
        """Whether variables may share directions. Otherwise each has its own."""

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
    ) -> tuple[Any, Any]:
        """The maps for these parameters (`Maps`), and what `pull` needs.

        Args:
            parameters: of the searches.
            mask: one up to the size of a search.
            heat: falls from one to zero in a phase. At zero choices are hard: so maps are validated and kept.
        """

    @abc.abstractmethod
    def pull(
        self, parameters: Float[Tensor, " search *shape"], saved: Any, gradient: Any
    ) -> Float[Tensor, " search *shape"]:
        """The gradient with respect to the parameters, from that with respect to the maps.

        A featurizer that charges for something (features, obliqueness) adds the gradient of its price.
        """

    @abc.abstractmethod
    def constrain(self, parameters: Float[Tensor, " search *shape"]) -> Float[Tensor, " search *shape"]:
        """The nearest allowed parameters, after a step of the optimiser."""


class AbstractLinearMap(AbstractFeaturizer):
    """A class of linear maps: `frames` gives `Frames`, and `pull` takes them.

    Gradients are written out, since the loop builds no graph.
    """

    @property
    def linear(self) -> bool:
        return True

    @property
    def multiple(self) -> int:
        return 1

    @property
    def overlapping(self) -> bool:
        return False


def check_width(featurizer: AbstractFeaturizer, site: str, width: int) -> None:
    """Raise `SpecificationError` where a featurizer has no maps for a site of this width."""
    if width % featurizer.multiple:
        raise SpecificationError(
            f"The featurizer {featurizer.name!r} is asked for at {site!r}, which is {width} wide.",
            f"It parts a state into {featurizer.multiple} equal halves, so the width must be even.",
            "Leave that site out, or use another featurizer.",
        )


def places(mask: Float[Tensor, "search variable feature 1"], width: int) -> Int[Tensor, "search row"]:
    """Which row of a whole basis belongs to each feature of each variable, one variable behind the other.

    Blocks are as long as that of the variable that has most. Where so much does not fit, for sizes are very unequal,
    rows that are in use lie side by side, and those that are not point anywhere.
    """
    used = mask.flatten(1)
    if used.shape[1] <= width:
        return torch.arange(used.shape[1], device=mask.device).expand(len(mask), -1)
    return (used.cumsum(1).long() - 1).clamp_min(0)


def compact(frames: Frames) -> Frames:
    """One search's maps without rows that no variable uses, the others in their order; one row stays in any case.

    Args:
        frames: `[variable, feature, width]`.
    """
    used = in_use(frames)
    order = used.int().argsort(dim=1, descending=True, stable=True)[:, : max(1, int(used.sum(1).max()))]
    return Frames(*(part.gather(1, order.unsqueeze(2).expand(-1, -1, part.shape[2])) for part in frames))


def in_use(frames: Frames) -> Bool[Tensor, " *variable feature"]:
    """Which rows read and write anything."""
    return (frames.read != 0).any(-1) | (frames.write != 0).any(-1)
