"""Gradients of the logits with respect to the activations of a site."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.alignment.interchange.cache import Cache
from interlocus.core.linalg import BufferPool
from interlocus.networks import AbstractSuffix


def logit_gradients(
    suffix: AbstractSuffix, cache: Cache, network: int, rows: slice, classes: int
) -> Float[Tensor, "class row width"]:
    """The gradient of each logit with respect to the activations of some rows, in one network.

    Args:
        suffix: The part of the networks behind the site.
        cache: Activations at the site.
        network: Index of the network.
        rows: The rows of the cache to use.
        classes: Number of logits of the network.
    """
    projected = cache.projected[network, rows].T.unsqueeze(0).contiguous()
    inputs = None if cache.inputs is None else cache.inputs[rows].unsqueeze(0)
    body = suffix.body(torch.tensor([network], device=projected.device))
    gradients = []
    for label in range(classes):
        buffers = BufferPool(projected)
        logits, saved = body.forward(projected.clone(), buffers, inputs)
        one_hot = torch.zeros_like(logits)
        one_hot[:, label] = 1.0
        gradient = body.backward(saved, one_hot, buffers)[0].T
        gradients.append(
            gradient.clone() if suffix.input_projection is None else gradient @ suffix.input_projection[network]
        )
    return torch.stack(gradients)
