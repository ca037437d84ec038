"""The featurizer `coupling`: an invertible nonlinear map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.core.random import derived_generator
from interlocus.featurizers._base import AbstractFeaturizer, basis_rows
from interlocus.featurizers.linear import complete_basis
from interlocus.featurizers.rotation import orthonormalise, tangent

WEIGHT_SCALE = 0.03
"""Ratio of a weight to its parameter, chosen so that the learning rate of a rotation suits the weights as well."""


class CouplingShape(NamedTuple):
    """Sizes of a coupling map.

    Args:
        width: Width of the site, an even number.
        blocks: The number of coupling blocks, applied one after another.
        hidden: Hidden units of each coupling function.
    """

    width: int
    blocks: int
    hidden: int

    @property
    def lengths(self) -> list[int]:
        """The number of parameters of the rotation, and of each weight and bias of each coupling function."""
        half = self.width // 2
        function = [half * self.hidden, self.hidden, self.hidden * half, half]
        return [self.width**2, *function * (2 * self.blocks)]


class CouplingFunction(NamedTuple):
    """A coupling function for each search: x ↦ relu(x W₁ + b₁) W₂ + b₂.

    Args:
        weight_in: Weights W₁ of the hidden layer.
        bias_in: Biases b₁ of the hidden layer.
        weight_out: Weights W₂ of the output.
        bias_out: Biases b₂ of the output.
    """

    weight_in: Float[Tensor, "search half hidden"]
    bias_in: Float[Tensor, "search 1 hidden"]
    weight_out: Float[Tensor, "search hidden half"]
    bias_out: Float[Tensor, "search 1 half"]

    def __call__(self, value: Float[Tensor, "search batch half"]) -> Float[Tensor, "search batch half"]:
        hidden = torch.baddbmm(self.bias_in, value, self.weight_in).relu()
        return torch.baddbmm(self.bias_out, hidden, self.weight_out)


class NonlinearMap(NamedTuple):
    """Invertible nonlinear maps z = f(h) of a stack of searches, or of one search without the first axis.

    The features of a variable are some coordinates of z, as `basis_rows` assigns them.

    Args:
        parameters: All parameters of each search in one vector, as `CouplingShape.lengths` divides it.
        mask: One for features up to the size of a search, zero beyond.
        architecture: Width, number of blocks and hidden units.
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

    def select(self, search: int) -> NonlinearMap:
        return NonlinearMap(self.parameters[search].cpu(), self.mask[search].cpu(), self.architecture)

    def as_stack(self, device: torch.device) -> NonlinearMap:
        return NonlinearMap(
            self.parameters.unsqueeze(0).to(device), self.mask.unsqueeze(0).to(device), self.architecture
        )

    def encode(self, states: Float[Tensor, "search batch width"]) -> Float[Tensor, "search batch width"]:
        """z = f(h): the rotation, then y₁ = x₁ + F(x₂), y₂ = x₂ + G(y₁) in each block."""
        basis, blocks = self._unpack()
        first, second = torch.bmm(states, basis.transpose(1, 2)).chunk(2, 2)
        for f, g in blocks:
            first = first + f(second)
            second = second + g(first)
        return torch.cat([first, second], 2)

    def decode(self, codes: Float[Tensor, "search batch width"]) -> Float[Tensor, "search batch width"]:
        """h = f⁻¹(z), exactly: the blocks in reverse order, subtracting instead of adding."""
        basis, blocks = self._unpack()
        first, second = codes.chunk(2, 2)
        for f, g in reversed(blocks):
            second = second - g(first)
            first = first - f(second)
        return torch.bmm(torch.cat([first, second], 2), basis)

    def coordinates(self, variable: int) -> Float[Tensor, "search 1 width"]:
        """One for the coordinates that belong to a variable, zero for the others.

        Args:
            variable: Index of the variable in the hypothesis.
        """
        index = basis_rows(self.mask, self.architecture.width).unflatten(1, self.mask.shape[1:3])[:, variable]
        coordinates = torch.zeros(len(index), self.architecture.width).to(self.mask)
        return coordinates.scatter_add_(1, index, self.mask[:, variable, :, 0]).unsqueeze(1)

    def features(self, states: Float[Tensor, "batch width"]) -> tuple[Float[Tensor, "batch feature"], ...]:
        stacked = self.as_stack(states.device)
        codes = stacked.encode(states.unsqueeze(0))[0]
        return tuple(codes[:, stacked.coordinates(v)[0, 0] > 0] for v in range(len(self.mask)))

    def swap(
        self, base: Float[Tensor, "batch width"], sources: Mapping[int, Float[Tensor, "batch width"]]
    ) -> Float[Tensor, "batch width"]:
        stacked = self.as_stack(base.device)
        codes = stacked.encode(base.unsqueeze(0))
        for variable, source in sources.items():
            codes = torch.lerp(codes, stacked.encode(source.unsqueeze(0)), stacked.coordinates(variable))
        return stacked.decode(codes)[0]

    def tensors(self) -> dict[str, Tensor]:
        return {"parameters": self.parameters, "mask": self.mask, "architecture": torch.tensor(self.architecture)}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> NonlinearMap:
        """The maps of one search from the tensors that `tensors` returned."""
        return cls(tensors["parameters"], tensors["mask"], CouplingShape(*tensors["architecture"].tolist()))

    def _unpack(self) -> tuple[Float[Tensor, "search width width"], list[tuple[CouplingFunction, CouplingFunction]]]:
        """The rotation, and the two coupling functions of each block."""
        count, (width, _, hidden) = len(self.parameters), self.architecture
        half = width // 2
        shapes = [(half, hidden), (1, hidden), (hidden, half), (1, half)]
        basis, *parts = self.parameters.split(self.architecture.lengths, 1)
        parts = [WEIGHT_SCALE * part.view(count, *shapes[i % 4]) for i, part in enumerate(parts)]
        functions = [CouplingFunction(*parts[i : i + 4]) for i in range(0, len(parts), 4)]
        return basis.view(count, width, width), list(zip(functions[::2], functions[1::2], strict=True))


class NonlinearGradient(NamedTuple):
    """The gradient with respect to a stack of nonlinear maps.

    Args:
        parameters: The gradient with respect to `NonlinearMap.parameters`.
    """

    parameters: Float[Tensor, "search number"]


class Coupling(AbstractFeaturizer[NonlinearMap, NonlinearGradient, int]):
    """Features are coordinates of an invertible nonlinear map.

    The map is a rotation followed by blocks of additive couplings, whose inverse is exact for any coupling functions.
    An interchange swaps the coordinates of the variables and keeps all others: h′ = f⁻¹(z′). The coupling functions are
    initialised to zero, so the map starts as the rotation of the start's directions. The capacity of the map is large:
    compare its scores with those in untrained networks before you interpret them.

    Args:
        blocks: The number of coupling blocks.
        hidden: Hidden units of each coupling function.
        seed: Seed of the first weights of the coupling functions.

    Source: arXiv 2507.08802, section 4 (RevNet alignment maps); RevNet, arXiv 1707.04585, equation 6.
    """

    name = "coupling"
    width_multiple = 2

    def __init__(self, *, blocks: int = 6, hidden: int = 64, seed: int = 0) -> None:
        self.blocks, self.hidden, self.seed = blocks, hidden, seed

    def initialize(
        self,
        directions: Float[Tensor, "search variable feature width"],
        activations: Sequence[Float[Tensor, "_ width"]],
    ) -> Float[Tensor, "search number"]:
        half, generator = directions.shape[3] // 2, derived_generator(self.seed, "coupling")
        parts = []
        for _ in range(2 * self.blocks):
            weight_in = torch.randn(half * self.hidden, generator=generator) * (2 / half) ** 0.5 / WEIGHT_SCALE
            parts += [weight_in, torch.zeros(self.hidden + self.hidden * half + half)]
        functions = torch.cat(parts).to(directions).expand(len(directions), -1)
        return torch.cat([complete_basis(directions.flatten(1, 2)).flatten(1), functions], 1)

    def forward(
        self,
        parameters: Float[Tensor, "search number"],
        mask: Float[Tensor, "search variable feature 1"],
        softness: float = 0.0,
    ) -> tuple[NonlinearMap, int]:
        width = self._width(parameters)
        return NonlinearMap(parameters, mask, CouplingShape(width, self.blocks, self.hidden)), width

    def backward(
        self, parameters: Float[Tensor, "search number"], saved: int, gradient: NonlinearGradient
    ) -> Float[Tensor, "search number"]:
        width, all_numbers = saved, gradient.parameters
        square = (len(parameters), width, width)
        basis = parameters[:, : width**2].view(square)
        for_basis = tangent(all_numbers[:, : width**2].reshape(square), basis)
        return torch.cat([for_basis.flatten(1), all_numbers[:, width**2 :]], 1)

    def constrain(self, parameters: Float[Tensor, "search number"]) -> Float[Tensor, "search number"]:
        width = self._width(parameters)
        basis = orthonormalise(parameters[:, : width**2].reshape(-1, width, width))
        return torch.cat([basis.flatten(1), parameters[:, width**2 :]], 1)

    def _width(self, parameters: Float[Tensor, "search number"]) -> int:
        """The width w of the site, solved from the length w² + b (2 h w + 2 h + w) of the parameter vector."""
        linear = self.blocks * (2 * self.hidden + 1)
        constant = 2 * self.blocks * self.hidden - parameters.shape[1]
        return round((-linear + (linear**2 - 4 * constant) ** 0.5) / 2)
