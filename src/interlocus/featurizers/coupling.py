"""An invertible map that is not linear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.core.random import derived_generator
from interlocus.featurizers._base import AbstractFeaturizer, places
from interlocus.featurizers.linear import complete
from interlocus.featurizers.rotation import orthonormalise, tangent

WEIGHT_SCALE = 0.03
"""Weights are this times their parameters, so that a learning rate that suits rotations suits them."""


class CouplingShape(NamedTuple):
    """Shapes of a coupling map.

    Args:
        width: of the site.
        blocks: couplings, one behind the other.
        hidden: units of each coupling function.
    """

    width: int
    blocks: int
    hidden: int

    @property
    def sizes(self) -> list[int]:
        """How many numbers the rotation, and each weight and bias of each block, take up."""
        half = self.width // 2
        function = [half * self.hidden, self.hidden, self.hidden * half, half]
        return [self.width**2, *function * (2 * self.blocks)]


class Function(NamedTuple):
    """One coupling function, for each search: x ↦ W₂ relu(W₁ x + b₁) + b₂, batch first."""

    first: Float[Tensor, "search half hidden"]
    bias: Float[Tensor, "search 1 hidden"]
    second: Float[Tensor, "search hidden half"]
    shift: Float[Tensor, "search 1 half"]

    def __call__(self, value: Float[Tensor, "search batch half"]) -> Float[Tensor, "search batch half"]:
        hidden = torch.baddbmm(self.bias, value, self.first).relu()
        return torch.baddbmm(self.shift, hidden, self.second)


class NonlinearMap(NamedTuple):
    """Coupling maps of a stack of searches: z = f(h), of which variables swap coordinates.

    Args:
        parameters: `[search, number]`.
        mask: `[search, variable, feature, 1]`; feature i of variable v is coordinate v · features + i; where so
            much does not fit, for sizes are very unequal, features in use lie side by side.
        architecture: shapes.
    """

    parameters: Float[Tensor, "search number"]
    mask: Float[Tensor, "search variable feature 1"]
    architecture: CouplingShape

    @property
    def linear(self) -> bool:
        return False

    @property
    def sizes(self) -> list[int]:
        return [int(count) for count in self.mask.sum((1, 2))]

    def of(self, search: int) -> NonlinearMap:
        return NonlinearMap(self.parameters[search].cpu(), self.mask[search].cpu(), self.architecture)

    def alone(self, device: torch.device) -> NonlinearMap:
        return NonlinearMap(
            self.parameters.unsqueeze(0).to(device), self.mask.unsqueeze(0).to(device), self.architecture
        )

    def encode(self, states: Float[Tensor, "search batch width"]) -> Float[Tensor, "search batch width"]:
        """z = f(h): the rotation, then y₁ = x₁ + F(x₂), y₂ = x₂ + G(y₁) in each block."""
        basis, blocks = self._unpack()
        one, two = torch.bmm(states, basis.transpose(1, 2)).chunk(2, 2)
        for f, g in blocks:
            one = one + f(two)
            two = two + g(one)
        return torch.cat([one, two], 2)

    def decode(self, codes: Float[Tensor, "search batch width"]) -> Float[Tensor, "search batch width"]:
        """h = f⁻¹(z), exactly: the same from behind, with minus for plus."""
        basis, blocks = self._unpack()
        one, two = codes.chunk(2, 2)
        for f, g in reversed(blocks):
            two = two - g(one)
            one = one - f(two)
        return torch.bmm(torch.cat([one, two], 2), basis)

    def coordinates(self, variable: int) -> Float[Tensor, "search 1 width"]:
        """One on the coordinates of a variable."""
        own = places(self.mask, self.architecture.width).unflatten(1, self.mask.shape[1:3])[:, variable]
        chosen = torch.zeros(len(own), self.architecture.width).to(self.mask)
        return chosen.scatter_add_(1, own, self.mask[:, variable, :, 0]).unsqueeze(1)

    def features(self, states: Float[Tensor, "batch width"]) -> tuple[Float[Tensor, "batch feature"], ...]:
        stacked = self.alone(states.device)
        codes = stacked.encode(states.unsqueeze(0))[0]
        return tuple(codes[:, stacked.coordinates(v)[0, 0] > 0] for v in range(len(self.mask)))

    def swap(
        self, base: Float[Tensor, "batch width"], sources: Mapping[int, Float[Tensor, "batch width"]]
    ) -> Float[Tensor, "batch width"]:
        stacked = self.alone(base.device)
        codes = stacked.encode(base.unsqueeze(0))
        for variable, source in sources.items():
            codes = torch.lerp(codes, stacked.encode(source.unsqueeze(0)), stacked.coordinates(variable))
        return stacked.decode(codes)[0]

    def tensors(self) -> dict[str, Tensor]:
        return {"parameters": self.parameters, "mask": self.mask, "architecture": torch.tensor(self.architecture)}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> NonlinearMap:
        """What `tensors` gave."""
        return cls(tensors["parameters"], tensors["mask"], CouplingShape(*tensors["architecture"].tolist()))

    def _unpack(self) -> tuple[Float[Tensor, "search width width"], list[tuple[Function, Function]]]:
        """The rotation, and the two functions of each block."""
        count, (width, _, hidden) = len(self.parameters), self.architecture
        half = width // 2
        shapes = [(half, hidden), (1, hidden), (hidden, half), (1, half)]
        basis, *parts = self.parameters.split(self.architecture.sizes, 1)
        parts = [WEIGHT_SCALE * part.view(count, *shapes[i % 4]) for i, part in enumerate(parts)]
        functions = [Function(*parts[i : i + 4]) for i in range(0, len(parts), 4)]
        return basis.view(count, width, width), list(zip(functions[::2], functions[1::2], strict=True))


class NonlinearGradient(NamedTuple):
    """The gradient with respect to the parameters of a stack of warps."""

    parameters: Float[Tensor, "search number"]


class Coupling(AbstractFeaturizer):
    """Features are coordinates of an invertible map that is not linear.

    A rotation, then blocks of additive couplings, whose inverse is exact whatever the functions in them are. A variable
    swaps its coordinates, and all others are kept: h′ = f⁻¹(z′). At first the functions are zero, so the map begins as
    the rotation of the start's directions. Its capacity is large: compare it with untrained networks before anything is
    made of what it finds.

    Args:
        blocks: how many couplings.
        hidden: units of each coupling function.
        seed: decides on the functions' first weights.

    Source: arXiv 2507.08802, section 4 (RevNet alignment maps); RevNet, arXiv 1707.04585, equation 6.
    """

    def __init__(self, *, blocks: int = 6, hidden: int = 64, seed: int = 0) -> None:
        self.blocks, self.hidden, self.seed = blocks, hidden, seed

    @property
    def name(self) -> str:
        return "coupling"

    @property
    def trainable(self) -> bool:
        return True

    @property
    def learns_size(self) -> bool:
        return False

    @property
    def linear(self) -> bool:
        return False

    @property
    def multiple(self) -> int:
        return 2

    @property
    def overlapping(self) -> bool:
        return False

    def begin(
        self,
        directions: Float[Tensor, "search variable feature width"],
        activations: Sequence[Float[Tensor, "_ width"]],
    ) -> Float[Tensor, "search number"]:
        half, generator = directions.shape[3] // 2, derived_generator(self.seed, "coupling")
        functions = []
        for _ in range(2 * self.blocks):
            first = torch.randn(half * self.hidden, generator=generator) * (2 / half) ** 0.5 / WEIGHT_SCALE
            functions += [first, torch.zeros(self.hidden + self.hidden * half + half)]
        rest = torch.cat(functions).to(directions).expand(len(directions), -1)
        return torch.cat([complete(directions.flatten(1, 2)).flatten(1), rest], 1)

    def frames(
        self,
        parameters: Float[Tensor, "search number"],
        mask: Float[Tensor, "search variable feature 1"],
        heat: float = 0.0,
    ) -> tuple[NonlinearMap, Any]:
        width = self._width(parameters)
        return NonlinearMap(parameters, mask, CouplingShape(width, self.blocks, self.hidden)), width

    def pull(
        self, parameters: Float[Tensor, "search number"], saved: Any, gradient: NonlinearGradient
    ) -> Float[Tensor, "search number"]:
        square = (len(parameters), saved, saved)
        whole, basis = gradient.parameters, parameters[:, : saved**2].view(square)
        moved = tangent(whole[:, : saved**2].reshape(square), basis)
        return torch.cat([moved.flatten(1), whole[:, saved**2 :]], 1)

    def constrain(self, parameters: Float[Tensor, "search number"]) -> Float[Tensor, "search number"]:
        width = self._width(parameters)
        basis = orthonormalise(parameters[:, : width**2].reshape(-1, width, width))
        return torch.cat([basis.flatten(1), parameters[:, width**2 :]], 1)

    def _width(self, parameters: Float[Tensor, "search number"]) -> int:
        """The width w of the site, from w² + b (2 h w + 2 h + w) numbers in all."""
        slope = self.blocks * (2 * self.hidden + 1)
        rest = 2 * self.blocks * self.hidden - parameters.shape[1]
        return round((-slope + (slope**2 - 4 * rest) ** 0.5) / 2)
