"""The part of any module after a site, with gradients by torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from interlocus.core.errors import NetworkError
from interlocus.core.linalg import BufferPool
from interlocus.networks._base import AbstractSuffix, AbstractSuffixBody
from interlocus.networks.module.hooks import hooked
from interlocus.networks.module.preserve import preserved
from interlocus.networks.site import Site

SavedGraph = tuple[Tensor, Tensor]
"""The activations, one example of one search a row, and the logits, with the graph between them."""


@dataclass(frozen=True, kw_only=True)
class ModuleSuffix(AbstractSuffix):
    """The modules after a site where they form a chain; otherwise the whole module with the activations replaced.

    Args:
        module: The whole network that contains the site.
        run: Runs the network on encoded inputs and returns logits.
        cast: Converts a tensor to the device and precision of the network.
        site: The site where the suffix starts.
        shape: Shape of the activations there, without the axis of examples.
        parts: The modules after the site, in order; `None` where they form no chain.
    """

    module: nn.Module
    run: Callable[[Tensor], Tensor]
    cast: Callable[[Tensor], Tensor]
    site: Site
    shape: tuple[int, ...]
    parts: list[nn.Module] | None

    @property
    def input_projection(self) -> None:
        return None

    @property
    def needs_inputs(self) -> bool:
        return self.parts is None

    def project(self, activations: Float[Tensor, "1 row width"]) -> Float[Tensor, "1 row width"]:
        return activations

    def body(self, network: Int[Tensor, " search"]) -> ModuleSuffixBody:
        return ModuleSuffixBody(self)

    def logits(
        self, activations: Float[Tensor, "row width"], inputs: Float[Tensor, "row ..."] | None
    ) -> Float[Tensor, "row class"]:
        """Logits that follow from activations, in evaluation mode and without gradients of parameters.

        Args:
            activations: Flattened activations at the site.
            inputs: The network inputs of the same rows; required where the suffix `needs_inputs`.

        Raises:
            NetworkError: Inputs are required and missing.
        """
        with preserved(self.module):
            return self.logits_in_current_mode(activations, inputs).float()

    def logits_in_current_mode(
        self, activations: Float[Tensor, "row width"], inputs: Float[Tensor, "row ..."] | None
    ) -> Float[Tensor, "row class"]:
        """The same in the module's current mode, with gradients of the parameters that require them.

        Args:
            activations: Flattened activations at the site.
            inputs: The network inputs of the same rows; required where the suffix `needs_inputs`.

        Raises:
            NetworkError: Inputs are required and missing.
        """
        value = self.cast(activations.unflatten(1, self.shape) if len(self.shape) != 1 else activations)
        if self.parts is not None:
            for part in self.parts:
                value = part(value)
            return value
        if inputs is None:
            raise NetworkError(
                f"The network was to continue from the site {str(self.site)!r} without its inputs.",
                "This network can only run as a whole, with the activations at the site replaced.",
                "Pass the inputs of the bases as well.",
            )
        with hooked(self.module, self.site, lambda _: value):
            return self.run(self.cast(inputs))


class ModuleSuffixBody(AbstractSuffixBody[SavedGraph]):
    """The suffix of a module as a body, for searches in this one network.

    Args:
        suffix: The suffix that runs the module.
    """

    def __init__(self, suffix: ModuleSuffix) -> None:
        self._suffix = suffix

    def forward(
        self,
        projected: Float[Tensor, "search projected batch"],
        buffers: BufferPool,
        inputs: Float[Tensor, "problem batch ..."] | None = None,
    ) -> tuple[Float[Tensor, "search class batch"], SavedGraph]:
        searches, _, batch = projected.shape
        rows = projected.transpose(1, 2).flatten(0, 1)
        rows = rows.detach().requires_grad_()
        row_inputs = None if inputs is None else inputs[0].repeat(searches, *[1] * (inputs.dim() - 2))
        with torch.enable_grad():
            logits = self._suffix.logits(rows, row_inputs).unflatten(0, (searches, batch)).transpose(1, 2)
        return logits.detach().contiguous(), (rows, logits)

    def backward(
        self, saved: SavedGraph, gradient: Float[Tensor, "search class batch"], buffers: BufferPool
    ) -> Float[Tensor, "search projected batch"]:
        rows, logits = saved
        (slope,) = torch.autograd.grad(logits, rows, gradient)
        return slope.unflatten(0, (gradient.shape[0], -1)).transpose(1, 2).contiguous()
