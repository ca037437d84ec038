"""The featurizers `rotation_overlapping` and `linear_overlapping`: maps of variables that may share directions."""

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

EachMap = Literal["rotation", "linear", "frame"]
_MAPS: dict[str, type[Rotation | Linear | Frame]] = {"rotation": Rotation, "linear": Linear, "frame": Frame}


class Overlapping(AbstractFeaturizer[Frames, Frames, Any]):
    """A separate linear map for each variable.

    With other featurizers the directions of two variables are disjoint. Here each variable may use any directions, up
    to the whole site, and a step for one variable does not move another. An interchange of several variables adds their
    changes, h′ = h + Σᵥ Wᵥᵀ Rᵥ (hᵥ − h), all computed from the same base h. For one variable this is the usual
    projection, and for orthogonal subspaces the usual interchange. Along a direction that two variables share, the
    activation moves by both differences, so the value read there afterwards is that of neither source. A joint score
    therefore shows whether two subspaces work together; the score of one variable shows how good its subspace is.

    Args:
        each: The class of the map of one variable: `rotation`, `linear` or `frame`.

    Raises:
        UnknownNameError: There is no such class here.
    """

    linear = True
    overlapping = True

    def __init__(self, each: EachMap = "rotation") -> None:
        if each not in _MAPS:
            raise UnknownNameError("map that may overlap", each, _MAPS)
        # Whatever the map of one variable saves is passed back to it, so its type does not matter here.
        self.each: AbstractLinearMap[Any] = _MAPS[each]()
        self.name = f"{self.each.name}_overlapping"
        self.trainable, self.learns_size = self.each.trainable, self.each.learns_size
        self.width_multiple = self.each.width_multiple

    def initialize(
        self,
        directions: Float[Tensor, "search variable feature width"],
        activations: Sequence[Float[Tensor, "_ width"]],
    ) -> Float[Tensor, "search variable *shape"]:
        variables = directions.shape[1]
        repeated = [rows for rows in activations for _ in range(variables)]
        return self.each.initialize(_split_variables(directions), repeated).unflatten(0, (-1, variables))

    def forward(
        self,
        parameters: Float[Tensor, "search variable *shape"],
        mask: Float[Tensor, "search variable feature 1"],
        softness: float = 0.0,
    ) -> tuple[Frames, Any]:
        frames, saved = self.each.forward(parameters.flatten(0, 1), _split_variables(mask), softness)
        return Frames(*(_join_variables(part, mask.shape[1]) for part in frames)), saved

    def backward(
        self, parameters: Float[Tensor, "search variable *shape"], saved: Any, gradient: Frames
    ) -> Float[Tensor, "search variable *shape"]:
        split = Frames(*(_split_variables(part) for part in gradient))
        return self.each.backward(parameters.flatten(0, 1), saved, split).view_as(parameters)

    def constrain(self, parameters: Float[Tensor, "search variable *shape"]) -> Float[Tensor, "search variable *shape"]:
        return self.each.constrain(parameters.flatten(0, 1)).view_as(parameters)


def _split_variables(part: Float[Tensor, "search variable feature last"]) -> Float[Tensor, "single 1 feature last"]:
    """Each variable of each search as a search for one variable."""
    return part.flatten(0, 1).unsqueeze(1)


def _join_variables(
    part: Float[Tensor, "single 1 feature width"], variables: int
) -> Float[Tensor, "search variable feature width"]:
    """The inverse of `_split_variables`."""
    return part.squeeze(1).unflatten(0, (-1, variables))
