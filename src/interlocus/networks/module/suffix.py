"""The part of any module behind a site, with gradients by torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from interlocus.core.errors import NetworkError
from interlocus.core.linalg import BufferPool
from interlocus.networks._base import AbstractSuffix, AbstractSuffixBody
from interlocus.networks.module.hooks import hooked
from interlocus.networks.module.preserve import preserved
from interlocus.networks.site import Site


@dataclass(frozen=True, kw_only=True)
class ModuleSuffix(AbstractSuffix):
    """What is behind a site, or the whole module with the site's activations put in.

    Args:
        module: that is searched.
        run: from encoded inputs to logits.
        cast: brings inputs where the module is.
        site: the place.
        shape: of the activations there.
        parts: the modules that are behind it, where these stand in a row.
    """

    module: nn.Module
    run: Callable[[Tensor], Tensor]
    cast: Callable[[Tensor], Tensor]
    site: Site
    shape: tuple[int, ...]
    parts: list[nn.Module] | None

    @property
    def entry(self) -> None:
        return None

    @property
    def needs_inputs(self) -> bool:
        return self.parts is None

    def enter(self, activations: Float[Tensor, "1 row width"]) -> Float[Tensor, "1 row width"]:
        return activations

    def rest(self, network: Int[Tensor, " search"]) -> ModuleRest:
        return ModuleRest(self)

    def answer(
        self, activations: Float[Tensor, "row width"], inputs: Float[Tensor, "row ..."] | None
    ) -> Float[Tensor, "row class"]:
        """Logits from activations on; where the module is run whole, `inputs` are what it is shown."""
        with preserved(self.module):
            return self.learn(activations, inputs).float()

    def learn(
        self, activations: Float[Tensor, "row width"], inputs: Float[Tensor, "row ..."] | None
    ) -> Float[Tensor, "row class"]:
        """The same as the module is: in its mode, and with gradients for the parameters that ask for them."""
        value = self.cast(activations.unflatten(1, self.shape) if len(self.shape) != 1 else activations)
        if self.parts is not None:
            for part in self.parts:
                value = part(value)
            return value
        if inputs is None:
            raise NetworkError(
                f"The network is to be run from the site {str(self.site)!r} on, without inputs.",
                "It is run whole, with the activations put in, and has to be shown something.",
                "Pass the inputs of the bases as well.",
            )
        with hooked(self.module, self.site, lambda _: value):
            return self.run(self.cast(inputs))


class ModuleRest(AbstractSuffixBody):
    """The rest of a module, for searches in one network.

    Args:
        tail: that knows how it is run.
    """

    def __init__(self, suffix: ModuleSuffix) -> None:
        self._suffix = suffix

    def forward(
        self,
        entered: Float[Tensor, "search entered batch"],
        buffers: BufferPool,
        inputs: Float[Tensor, "problem batch ..."] | None = None,
    ) -> tuple[Float[Tensor, "search class batch"], Any]:
        searches, _, batch = entered.shape
        rows = entered.transpose(1, 2).flatten(0, 1)
        rows = rows.detach().requires_grad_()
        shown = None if inputs is None else inputs[0].repeat(searches, *[1] * (inputs.dim() - 2))
        with torch.enable_grad():
            logits = self._suffix.answer(rows, shown).unflatten(0, (searches, batch)).transpose(1, 2)
        return logits.detach().contiguous(), (rows, logits)

    def backward(
        self, saved: Any, gradient: Float[Tensor, "search class batch"], buffers: BufferPool
    ) -> Float[Tensor, "search entered batch"]:
        rows, logits = saved
        (slope,) = torch.autograd.grad(logits, rows, gradient)
        return slope.unflatten(0, (gradient.shape[0], -1)).transpose(1, 2).contiguous()
