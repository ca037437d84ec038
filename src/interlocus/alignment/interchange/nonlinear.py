"""The second way from maps to logits and back: for maps that are not linear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.alignment.interchange.cache import Batch
from interlocus.alignment.interchange.linear import Interchange
from interlocus.core.linalg import BufferPool
from interlocus.featurizers import NonlinearGradient, NonlinearMap
from interlocus.networks import AbstractSuffixBody


class NonlinearForwardState(NamedTuple):
    """What the way back needs: parameters and patched states with the graph between them, and that of the rest."""

    parameters: Float[Tensor, "search number"]
    patched: Float[Tensor, "search batch width"]
    body: Any


@dataclass(frozen=True, kw_only=True)
class NonlinearInterchange:
    """From nonlinear maps to logits and back, for a stack of searches.

    States of bases and sources are encoded, coordinates are exchanged, and the result is decoded: h′ = f⁻¹(z′). Through
    the map the gradient is torch's; behind the site it is written out, as everywhere.

    Args:
        input_projection: Input projection of the suffix for each problem; `None` for the identity.
        body: Body of the suffix, for each search.
        workspace: the buffers.
    """

    input_projection: Float[Tensor, "problem projected width"] | None
    body: AbstractSuffixBody
    buffers: BufferPool

    def forward(
        self, maps: NonlinearMap, batch: Batch
    ) -> tuple[Float[Tensor, "problem search class batch"], NonlinearForwardState]:
        """Logits after the interchange."""
        assert batch.hidden is not None
        hidden = batch.hidden.transpose(1, 2)
        problems, count, width = hidden.shape
        searches = len(maps.parameters)
        each = searches // problems
        parameters = maps.parameters.detach().requires_grad_(torch.is_grad_enabled())
        nonlinear_map = maps._replace(parameters=parameters)
        sources = [
            hidden[:, place] + difference.transpose(1, 2)
            for place, difference in zip(batch.places, batch.differences, strict=True)
        ]
        seen = torch.cat([hidden, *sources], 1).repeat_interleave(each, 0)
        codes, *found = nonlinear_map.encode(seen).split([count, *(source.shape[1] for source in sources)], 1)
        exchanged = codes
        for variable, (place, source) in enumerate(zip(batch.places, found, strict=True)):
            change = (source - codes[:, place]) * nonlinear_map.coordinates(variable)
            exchanged = exchanged + torch.nn.functional.pad(change, (0, 0, place.start, count - place.stop))
        patched = nonlinear_map.decode(exchanged)
        change = (patched.detach().view(problems, each, count, width) - hidden.unsqueeze(1)).transpose(2, 3)
        if self.input_projection is not None:
            change = self.input_projection.unsqueeze(1) @ change
        state = (batch.base.unsqueeze(1) + change).flatten(0, 1).contiguous()
        logits, saved = self.body.forward(state, self.buffers, batch.inputs)
        return logits.view(problems, each, -1, count), NonlinearForwardState(parameters, patched, saved)

    def backward(
        self,
        maps: NonlinearMap,
        batch: Batch,
        saved: NonlinearForwardState,
        gradient: Float[Tensor, "problem search class batch"],
    ) -> NonlinearGradient:
        """The gradient with respect to the parameters, from that with respect to the logits."""
        into = self.body.backward(saved.body, gradient.flatten(0, 1), self.buffers)
        if self.input_projection is not None:
            into = self.input_projection.transpose(1, 2).unsqueeze(1) @ into.unflatten(
                0, (len(self.input_projection), -1)
            )
            into = into.flatten(0, 1)
        (pulled,) = torch.autograd.grad(saved.patched, saved.parameters, into.transpose(1, 2))
        return NonlinearGradient(pulled)


AnyInterchange = Interchange | NonlinearInterchange


def exchange_for(*, linear: bool) -> type[Interchange] | type[NonlinearInterchange]:
    """The way that fits maps which are linear, or not."""
    return Interchange if linear else NonlinearInterchange
