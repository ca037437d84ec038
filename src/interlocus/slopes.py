"""What the answer depends on: gradients of the logits with respect to activations."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.interchange import Cache
from interlocus.networks import AbstractTail
from interlocus.workspace import Workspace


def slopes(
    tail: AbstractTail, cache: Cache, network: int, rows: slice, classes: int
) -> Float[Tensor, "class row width"]:
    """The gradient of each logit with respect to the activations of some rows, in one network.

    Args:
        tail: what is behind the site.
        cache: activations there.
        network: which.
        rows: of the cache.
        classes: how many logits there are.
    """
    entered = cache.entered[network, rows].T.unsqueeze(0).contiguous()
    inputs = None if cache.inputs is None else cache.inputs[rows].unsqueeze(0)
    rest = tail.rest(torch.tensor([network], device=entered.device))
    found = []
    for label in range(classes):
        workspace = Workspace(entered)
        logits, saved = rest.forward(entered.clone(), workspace, inputs)
        one = torch.zeros_like(logits)
        one[:, label] = 1.0
        slope = rest.backward(saved, one, workspace)[0].T
        found.append(slope.clone() if tail.entry is None else slope @ tail.entry[network])
    return torch.stack(found)
