"""The layers of perceptrons after a site, with a hand-written gradient."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interlocus.core.linalg import BufferPool
from interlocus.networks._base import AbstractSuffix, AbstractSuffixBody
from interlocus.networks.mlp.activations import Activation

SavedLayers = list[tuple[Tensor, Tensor]]
"""Argument and value of the activation before each layer."""


@dataclass(frozen=True, kw_only=True)
class MLPSuffix(AbstractSuffix):
    """The layers after a site. The first is the input projection, the others are the body.

    Args:
        weights: The weight of each layer, `[network, out, in]`.
        biases: The bias of each layer, `[network, out]`.
        activation: The activation between two layers.
    """

    weights: tuple[Tensor, ...]
    biases: tuple[Tensor, ...]
    activation: Activation

    @property
    def input_projection(self) -> Float[Tensor, "network projected width"]:
        return self.weights[0]

    @property
    def needs_inputs(self) -> bool:
        return False

    def project(self, activations: Float[Tensor, "network row width"]) -> Float[Tensor, "network row projected"]:
        return torch.baddbmm(self.biases[0].unsqueeze(1), activations, self.weights[0].transpose(1, 2))

    def body(self, network: Int[Tensor, " search"]) -> MLPSuffixBody:
        weights = tuple(weight[network] for weight in self.weights[1:])
        return MLPSuffixBody(
            weights=weights,
            transposed=tuple(weight.transpose(1, 2).contiguous() for weight in weights),
            biases=tuple(bias[network].unsqueeze(2) for bias in self.biases[1:]),
            activation=self.activation,
        )


@dataclass(frozen=True, kw_only=True)
class MLPSuffixBody(AbstractSuffixBody[SavedLayers]):
    """`activation → linear → activation → … → linear`, one copy for each search.

    Args:
        weights: The weight of each layer, `[search, out, in]`.
        transposed: The same weights as `[search, in, out]`, contiguous: products with transposed views take twice as
            long.
        biases: The bias of each layer, `[search, out, 1]`.
        activation: The activation before each layer.
    """

    weights: tuple[Tensor, ...]
    transposed: tuple[Tensor, ...]
    biases: tuple[Tensor, ...]
    activation: Activation

    def forward(
        self,
        projected: Float[Tensor, "search projected batch"],
        buffers: BufferPool,
        inputs: Float[Tensor, "problem batch ..."] | None = None,
    ) -> tuple[Float[Tensor, "search class batch"], SavedLayers]:
        batch = projected.shape[2]
        saved: SavedLayers = []
        # After the last hidden layer the body is empty. The caller may overwrite logits, so they must be a copy.
        value = projected if self.weights else buffers("logits", *projected.shape).copy_(projected)
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            memory = buffers(f"hidden{i}", *value.shape) if self.activation.needs_argument else value
            hidden = self.activation.forward_into(value, memory)
            saved.append((value, hidden))
            value = torch.bmm(weight, hidden, out=buffers(f"value{i}", len(weight), weight.shape[1], batch)).add_(bias)
        return value, saved

    def backward(
        self, saved: SavedLayers, gradient: Float[Tensor, "search class batch"], buffers: BufferPool
    ) -> Float[Tensor, "search projected batch"]:
        for i in reversed(range(len(self.weights))):
            argument, hidden = saved[i]
            gradient = torch.bmm(self.transposed[i], gradient, out=buffers(f"gradient{i}", *hidden.shape))
            self.activation.backward_in_place(gradient, argument, hidden)
        return gradient
