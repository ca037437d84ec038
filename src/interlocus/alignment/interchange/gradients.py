"""What the answer depends on: gradients of the logits with respect to activations."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.alignment.interchange.cache import Cache
from interlocus.core.linalg import BufferPool
from interlocus.networks import AbstractSuffix


def slopes(
    suffix: AbstractSuffix, cache: Cache, network: int, rows: slice, classes: int
) -> Float[Tensor, "class row width"]:
    """The gradient of each logit with respect to the activations of some rows, in one network.

    Args:
        suffix: The part of the networks after the site.
        cache: activations there.
        network: which.
        rows: of the cache.
        classes: how many logits there are.
    """
    projected = cache.projected[network, rows].T.unsqueeze(0).contiguous()
    inputs = None if cache.inputs is None else cache.inputs[rows].unsqueeze(0)
    body = suffix.body(torch.tensor([network], device=projected.device))
    found = []
    for label in range(classes):
        buffers = BufferPool(projected)
        logits, saved = body.forward(projected.clone(), buffers, inputs)
        one = torch.zeros_like(logits)
        one[:, label] = 1.0
        slope = body.backward(saved, one, buffers)[0].T
        found.append(slope.clone() if suffix.input_projection is None else slope @ suffix.input_projection[network])
    return torch.stack(found)
