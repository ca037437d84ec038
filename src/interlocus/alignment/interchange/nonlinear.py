"""Interchange interventions with maps that are not linear."""

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
    """Intermediate results that `backward` needs: parameters and patched states with the graph between them."""

    parameters: Float[Tensor, "search number"]
    patched: Float[Tensor, "search batch width"]
    body: Any


@dataclass(frozen=True, kw_only=True)
class NonlinearInterchange:
    """Logits after an interchange with non-linear maps, and their gradient, for many searches at once.

    States of bases and sources are encoded, coordinates are exchanged, and the result is decoded: h′ = f⁻¹(z′). The
    gradient of the map is computed by torch, that of the suffix is written out.

    Args:
        input_projection: The linear map at the beginning of the suffix, for each problem; `None` is the identity.
        body: The part of the suffix after that map, for each search.
        buffers: Memory for results, reused in every step.
    """

    input_projection: Float[Tensor, "problem projected width"] | None
    body: AbstractSuffixBody
    buffers: BufferPool

    def forward(
        self, maps: NonlinearMap, batch: Batch
    ) -> tuple[Float[Tensor, "problem search class batch"], NonlinearForwardState]:
        """Logits after the interchange.

        Args:
            maps: The maps of all searches, equally many searches per problem.
            batch: One batch of interventions for each problem, with `hidden`.
        """
        assert batch.hidden is not None
        hidden = batch.hidden.transpose(1, 2)
        problems, count, width = hidden.shape
        searches = len(maps.parameters)
        each = searches // problems
        parameters = maps.parameters.detach().requires_grad_(torch.is_grad_enabled())
        tracked = maps._replace(parameters=parameters)
        sources = [
            hidden[:, place] + difference.transpose(1, 2)
            for place, difference in zip(batch.places, batch.differences, strict=True)
        ]
        states = torch.cat([hidden, *sources], 1).repeat_interleave(each, 0)
        codes, *source_codes = tracked.encode(states).split([count, *(source.shape[1] for source in sources)], 1)
        exchanged = codes
        for variable, (place, source) in enumerate(zip(batch.places, source_codes, strict=True)):
            change = (source - codes[:, place]) * tracked.coordinates(variable)
            exchanged = exchanged + torch.nn.functional.pad(change, (0, 0, place.start, count - place.stop))
        patched = tracked.decode(exchanged)
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
        """The gradient of the loss with respect to the parameters of the maps.

        Args:
            maps: The maps that were passed to `forward`.
            batch: The batch that was passed to `forward`.
            saved: The intermediate results of `forward`.
            gradient: The gradient with respect to the logits.
        """
        into = self.body.backward(saved.body, gradient.flatten(0, 1), self.buffers)
        if self.input_projection is not None:
            into = self.input_projection.transpose(1, 2).unsqueeze(1) @ into.unflatten(
                0, (len(self.input_projection), -1)
            )
            into = into.flatten(0, 1)
        (pulled,) = torch.autograd.grad(saved.patched, saved.parameters, into.transpose(1, 2))
        return NonlinearGradient(pulled)


AnyInterchange = Interchange | NonlinearInterchange


def interchange_class(*, linear: bool) -> type[Interchange] | type[NonlinearInterchange]:
    """The class of interchange for linear maps, or for others."""
    return Interchange if linear else NonlinearInterchange
