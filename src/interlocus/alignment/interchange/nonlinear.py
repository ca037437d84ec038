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


class SavedWarp(NamedTuple):
    """What the way back needs: parameters and patched states with the graph between them, and that of the rest."""

    parameters: Float[Tensor, "search number"]
    patched: Float[Tensor, "search batch width"]
    rest: Any


@dataclass(frozen=True, kw_only=True)
class WarpInterchange:
    """From warps to logits and back, for a stack of searches.

    States of bases and sources are encoded, coordinates are exchanged, and the result is decoded: h′ = f⁻¹(z′). Through
    the map the gradient is torch's; behind the site it is written out, as everywhere.

    Args:
        entry: of the tail, for each problem; `None` for the identity.
        rest: what comes behind it, for each search.
        workspace: the buffers.
    """

    entry: Float[Tensor, "problem entered width"] | None
    rest: AbstractSuffixBody
    buffers: BufferPool

    def forward(
        self, maps: NonlinearMap, batch: Batch
    ) -> tuple[Float[Tensor, "problem search class batch"], SavedWarp]:
        """Logits after the interchange."""
        assert batch.hidden is not None
        hidden = batch.hidden.transpose(1, 2)
        problems, count, width = hidden.shape
        searches = len(maps.parameters)
        each = searches // problems
        parameters = maps.parameters.detach().requires_grad_(torch.is_grad_enabled())
        warp = maps._replace(parameters=parameters)
        sources = [
            hidden[:, place] + difference.transpose(1, 2)
            for place, difference in zip(batch.places, batch.differences, strict=True)
        ]
        seen = torch.cat([hidden, *sources], 1).repeat_interleave(each, 0)
        codes, *found = warp.encode(seen).split([count, *(source.shape[1] for source in sources)], 1)
        exchanged = codes
        for variable, (place, source) in enumerate(zip(batch.places, found, strict=True)):
            change = (source - codes[:, place]) * warp.coordinates(variable)
            exchanged = exchanged + torch.nn.functional.pad(change, (0, 0, place.start, count - place.stop))
        patched = warp.decode(exchanged)
        change = (patched.detach().view(problems, each, count, width) - hidden.unsqueeze(1)).transpose(2, 3)
        if self.entry is not None:
            change = self.entry.unsqueeze(1) @ change
        state = (batch.base.unsqueeze(1) + change).flatten(0, 1).contiguous()
        logits, saved = self.rest.forward(state, self.buffers, batch.inputs)
        return logits.view(problems, each, -1, count), SavedWarp(parameters, patched, saved)

    def backward(
        self, maps: NonlinearMap, batch: Batch, saved: SavedWarp, gradient: Float[Tensor, "problem search class batch"]
    ) -> NonlinearGradient:
        """The gradient with respect to the parameters, from that with respect to the logits."""
        into = self.rest.backward(saved.rest, gradient.flatten(0, 1), self.buffers)
        if self.entry is not None:
            into = self.entry.transpose(1, 2).unsqueeze(1) @ into.unflatten(0, (len(self.entry), -1))
            into = into.flatten(0, 1)
        (pulled,) = torch.autograd.grad(saved.patched, saved.parameters, into.transpose(1, 2))
        return NonlinearGradient(pulled)


AnyInterchange = Interchange | WarpInterchange


def exchange_for(*, linear: bool) -> type[Interchange] | type[WarpInterchange]:
    """The way that fits maps which are linear, or not."""
    return Interchange if linear else WarpInterchange
