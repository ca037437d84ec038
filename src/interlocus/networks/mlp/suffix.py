"""The layers of a perceptron behind a site, with their gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interlocus.core.linalg import BufferPool
from interlocus.networks._base import AbstractSuffix, AbstractSuffixBody
from interlocus.networks.mlp.activations import Activation


@dataclass(frozen=True, kw_only=True)
class MLPSuffix(AbstractSuffix):
    """Layers behind a site: the first is the entry, the others are the rest.

    Args:
        weights: for each layer `[network, out, in]`.
        biases: for each layer `[network, out]`.
        activation: between them.
    """

    weights: tuple[Tensor, ...]
    biases: tuple[Tensor, ...]
    activation: Activation

    @property
    def entry(self) -> Float[Tensor, "network entered width"]:
        return self.weights[0]

    @property
    def needs_inputs(self) -> bool:
        return False

    def enter(self, activations: Float[Tensor, "network row width"]) -> Float[Tensor, "network row entered"]:
        return torch.baddbmm(self.biases[0].unsqueeze(1), activations, self.weights[0].transpose(1, 2))

    def rest(self, network: Int[Tensor, " search"]) -> MLPRest:
        weights = tuple(weight[network] for weight in self.weights[1:])
        return MLPRest(
            weights=weights,
            transposed=tuple(weight.transpose(1, 2).contiguous() for weight in weights),
            biases=tuple(bias[network].unsqueeze(2) for bias in self.biases[1:]),
            activation=self.activation,
        )


@dataclass(frozen=True, kw_only=True)
class MLPRest(AbstractSuffixBody):
    """`activation → linear → activation → … → linear`, one a search.

    Args:
        weights: for each layer `[search, out, in]`.
        transposed: the same as `[search, in, out]`, in memory too: products with transposed views take twice as long.
        biases: for each layer `[search, out, 1]`.
        activation: before each layer.
    """

    weights: tuple[Tensor, ...]
    transposed: tuple[Tensor, ...]
    biases: tuple[Tensor, ...]
    activation: Activation

    def forward(
        self,
        entered: Float[Tensor, "search entered batch"],
        buffers: BufferPool,
        inputs: Float[Tensor, "problem batch ..."] | None = None,
    ) -> tuple[Float[Tensor, "search class batch"], Any]:
        batch, saved = entered.shape[2], []
        # behind the last hidden layer there is nothing to run, and the logits are the caller's to overwrite
        value = entered if self.weights else buffers("logits", *entered.shape).copy_(entered)
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            place = buffers(f"hidden{i}", *value.shape) if self.activation.needs_argument else value
            hidden = self.activation.fill(value, place)
            saved.append((value, hidden))
            value = torch.bmm(weight, hidden, out=buffers(f"value{i}", len(weight), weight.shape[1], batch)).add_(bias)
        return value, saved

    def backward(
        self, saved: Any, gradient: Float[Tensor, "search class batch"], buffers: BufferPool
    ) -> Float[Tensor, "search entered batch"]:
        for i in reversed(range(len(self.weights))):
            argument, hidden = saved[i]
            gradient = torch.bmm(self.transposed[i], gradient, out=buffers(f"gradient{i}", *hidden.shape))
            self.activation.pull(gradient, argument, hidden)
        return gradient
