"""Maps of variables that may share directions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from jaxtyping import Float
from torch import Tensor

from interlocus.core.errors import UnknownNameError
from interlocus.featurizers._base import AbstractFeaturizer, AbstractLinearMap, Frames
from interlocus.featurizers.frame import Frame
from interlocus.featurizers.linear import Linear
from interlocus.featurizers.rotation import Rotation

Each = Literal["rotation", "linear", "frame"]
_MAPS: dict[str, type[Rotation | Linear | Frame]] = {"rotation": Rotation, "linear": Linear, "frame": Frame}


class Overlapping(AbstractFeaturizer):
    """A linear map for each variable by itself, free of the others'.

    Elsewhere variables have directions of their own; here one variable may take what another has, up to the whole site,
    and a step for one does not move the other. What an interchange of several variables does then: their changes are
    added, h′ = h + Σᵥ Wᵥᵀ Rᵥ (hᵥ − h), each of them taken from the same base h. For one variable that is the usual
    projection. For two it is symmetric, and where subspaces are orthogonal it is what it always was; but along a
    direction that both have the state is moved by both differences, so what is read there afterwards is the value of
    neither source. A joint score therefore says whether two subspaces can be used side by side, single scores how good
    each is by itself.

    Args:
        each: the class of maps of one variable.
    """

    def __init__(self, each: Each = "rotation") -> None:
        if each not in _MAPS:
            raise UnknownNameError("map that may overlap", each, _MAPS)
        self.each: AbstractLinearMap = _MAPS[each]()

    @property
    def name(self) -> str:
        return f"{self.each.name}_overlapping"

    @property
    def trainable(self) -> bool:
        return self.each.trainable

    @property
    def learns_size(self) -> bool:
        return self.each.learns_size

    @property
    def linear(self) -> bool:
        return True

    @property
    def multiple(self) -> int:
        return self.each.multiple

    @property
    def overlapping(self) -> bool:
        return True

    def begin(
        self,
        directions: Float[Tensor, "search variable feature width"],
        activations: Sequence[Float[Tensor, "_ width"]],
    ) -> Float[Tensor, "search variable *shape"]:
        variables = directions.shape[1]
        seen = [rows for rows in activations for _ in range(variables)]
        return self.each.begin(_apart(directions), seen).unflatten(0, (-1, variables))

    def frames(
        self,
        parameters: Float[Tensor, "search variable *shape"],
        mask: Float[Tensor, "search variable feature 1"],
        heat: float = 0.0,
    ) -> tuple[Frames, Any]:
        frames, saved = self.each.frames(parameters.flatten(0, 1), _apart(mask), heat)
        return Frames(*(_beside(part, mask.shape[1]) for part in frames)), saved

    def pull(
        self, parameters: Float[Tensor, "search variable *shape"], saved: Any, gradient: Frames
    ) -> Float[Tensor, "search variable *shape"]:
        own = Frames(*(_apart(part) for part in gradient))
        return self.each.pull(parameters.flatten(0, 1), saved, own).view_as(parameters)

    def constrain(self, parameters: Float[Tensor, "search variable *shape"]) -> Float[Tensor, "search variable *shape"]:
        return self.each.constrain(parameters.flatten(0, 1)).view_as(parameters)


def _apart(part: Float[Tensor, "search variable feature last"]) -> Float[Tensor, "single 1 feature last"]:
    """Each variable as a search of its own, for one variable."""
    return part.flatten(0, 1).unsqueeze(1)


def _beside(
    part: Float[Tensor, "single 1 feature width"], variables: int
) -> Float[Tensor, "search variable feature width"]:
    """The variables of a search beside each other again."""
    return part.squeeze(1).unflatten(0, (-1, variables))
