"""Interchange interventions with linear maps: exchange features, run the suffix, and compute gradients.

This is the hot path of the library. Searches of one problem share the gathered activations and the first product; the
suffix runs for all searches at once. Results are written into shared buffers and gradients are written out, so a step
builds no graph and allocates no memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from interlocus.alignment.interchange.cache import Batch
from interlocus.core.linalg import BufferPool
from interlocus.featurizers import Frames
from interlocus.networks import AbstractSuffixBody


class ForwardState(NamedTuple):
    """Intermediate results that `backward` needs."""

    features: list[Float[Tensor, "search feature swapped"]]
    written: list[Float[Tensor, "search feature projected"]]
    body: Any


@dataclass(frozen=True, kw_only=True)
class Interchange:
    """Logits after an interchange with linear maps, and their gradient, for many searches at once.

    Args:
        input_projection: The linear map at the beginning of the suffix, for each problem. `None` stands for the
            identity, so that wide sites need no square matrix.
        body: The part of the suffix after that map, for each search.
        buffers: Memory for results, reused in every step.
    """

    input_projection: Float[Tensor, "problem projected width"] | None
    body: AbstractSuffixBody
    buffers: BufferPool

    def forward(self, frames: Frames, batch: Batch) -> tuple[Float[Tensor, "problem search class batch"], ForwardState]:
        """Logits after the interchange.

        With the difference d of source and base, `read` R, `write` W, and E the linear map at the beginning of the
        suffix: E(h + Wᵀ R d) = E h + (W Eᵀ)ᵀ R d.

        Args:
            frames: The maps of all searches, equally many searches per problem.
            batch: One batch of interventions for each problem.
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
            if v == 0:  # one pass over memory instead of copying the base and then adding to it
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
        """The gradient of the loss with respect to the maps.

        Args:
            frames: The maps that were passed to `forward`.
            batch: The batch that was passed to `forward`.
            saved: The intermediate results of `forward`; they are overwritten.
            gradient: The gradient with respect to the logits.
        """
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
            pulled = torch.bmm(written, here, out=features)  # the features are not needed any more
            difference = batch.differences[v].transpose(1, 2)
            read[:, v] = torch.bmm(pulled.view(problems, each * size, -1), difference).view(searches, size, -1)
        return Frames(read=read, write=write)

    def _projected(
        self, write: Float[Tensor, "search feature width"], problems: int
    ) -> Float[Tensor, "search feature projected"]:
        """The written directions after the linear map at the beginning of the suffix."""
        if self.input_projection is None:
            return write
        searches, size, width = write.shape
        rows = write.reshape(problems, -1, width)
        return torch.bmm(rows, self.input_projection.transpose(1, 2)).view(searches, size, -1)


def is_right(
    logits: Float[Tensor, "problem search class batch"], one_hot: Float[Tensor, "problem 1 class batch"]
) -> Bool[Tensor, "problem search batch"]:
    """True where no class has a larger logit than the label.

    An `argmax` over this short axis would be a hundred times slower.
    """
    return (logits * one_hot).sum(2) >= logits.amax(2)
