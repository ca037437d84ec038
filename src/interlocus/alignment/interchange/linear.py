"""Swap features of the base for those of sources, and run the networks on from there.

The hot part of the library. Searches that share a network, a site and a hypothesis (a *problem*) share what is gathered
and the first product; the body of a suffix runs for all searches at once. Everything is written into
buffers of a workspace, and gradients are written out, so a step builds no graph and asks for no memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from interlocus.alignment.interchange.cache import (
    Batch,
)
from interlocus.core.linalg import BufferPool
from interlocus.featurizers import Frames
from interlocus.networks import AbstractSuffixBody


class ForwardState(NamedTuple):
    """What the way back needs."""

    features: list[Float[Tensor, "search feature swapped"]]
    written: list[Float[Tensor, "search feature projected"]]
    body: Any


@dataclass(frozen=True, kw_only=True)
class Interchange:
    """From maps to logits and back, for a stack of searches.

    Args:
        input_projection: Input projection of the suffix for each problem; `None` for the identity.
        body: Body of the suffix, for each search.
        workspace: the buffers.
    """

    input_projection: Float[Tensor, "problem projected width"] | None
    body: AbstractSuffixBody
    buffers: BufferPool

    def forward(self, frames: Frames, batch: Batch) -> tuple[Float[Tensor, "problem search class batch"], ForwardState]:
        """Logits after the interchange.

        With d the difference of source and base, `read` R and `write` W, the entry E gives
        E(h + Wᵀ R d) = E h + (W Eᵀ)ᵀ R d.
        """
        problems, projected, count = batch.base.shape
        searches, _, size, _ = frames.read.shape
        each = searches // problems
        state = self.buffers("state", problems, each, projected, count)
        base = batch.base.unsqueeze(1)
        all_features, all_written = [], []
        for v, place in enumerate(batch.places):
            difference = batch.differences[v]
            swapped = difference.shape[2]
            read = frames.read[:, v].reshape(problems, each * size, -1)
            features = self.buffers(f"features{v}", problems, each * size, swapped)
            features = torch.bmm(read, difference, out=features).view(searches, size, swapped)
            written = self._projected(frames.write[:, v], problems)
            change = self.buffers(f"change{v}", searches, projected, swapped)
            torch.bmm(written.transpose(1, 2).contiguous(), features, out=change)
            if v == 0:  # one pass over memory where filling with the base and adding to it would take two
                torch.add(base[..., place], change.view(problems, each, projected, swapped), out=state[..., place])
                for outside in (slice(0, place.start), slice(place.stop, count)):
                    state[..., outside] = base[..., outside]
            else:
                state.view(searches, projected, count)[..., place].add_(change)
            all_features.append(features)
            all_written.append(written)
        logits, saved = self.body.forward(state.view(searches, projected, count), self.buffers, batch.inputs)
        return logits.view(problems, each, -1, count), ForwardState(all_features, all_written, saved)

    def backward(
        self, frames: Frames, batch: Batch, saved: ForwardState, gradient: Float[Tensor, "problem search class batch"]
    ) -> Frames:
        """Gradients with respect to the maps, from that with respect to the logits."""
        problems = len(batch.base)
        searches, _, size, _ = frames.read.shape
        each = searches // problems
        into = self.body.backward(saved.body, gradient.flatten(0, 1), self.buffers)
        read, write = torch.empty_like(frames.read), torch.empty_like(frames.write)
        for v, (features, written) in enumerate(zip(saved.features, saved.written, strict=True)):
            here = into[:, :, batch.places[v]]
            outer = torch.bmm(features, here.transpose(1, 2))
            if self.input_projection is not None:
                outer = torch.bmm(outer.view(problems, each * size, -1), self.input_projection).view(searches, size, -1)
            write[:, v] = outer
            pulled = torch.bmm(written, here, out=features)  # nobody needs the features any more
            difference = batch.differences[v].transpose(1, 2)
            read[:, v] = torch.bmm(pulled.view(problems, each * size, -1), difference).view(searches, size, -1)
        return Frames(read=read, write=write)

    def _projected(
        self, write: Float[Tensor, "search feature width"], problems: int
    ) -> Float[Tensor, "search feature projected"]:
        """Directions that are written, as they come out of the entry."""
        if self.input_projection is None:
            return write
        searches, size, width = write.shape
        rows = write.reshape(problems, -1, width)
        return torch.bmm(rows, self.input_projection.transpose(1, 2)).view(searches, size, -1)


def is_right(
    logits: Float[Tensor, "problem search class batch"], one_hot: Float[Tensor, "problem 1 class batch"]
) -> Bool[Tensor, "problem search batch"]:
    """Where no class has a larger logit than the label; an `argmax` over so short an axis is a hundred times slower."""
    return (logits * one_hot).sum(2) >= logits.amax(2)
