"""A borrowed module comes back as it was given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def preserved(module: nn.Module) -> Iterator[None]:
    """Let a module answer without learning: in evaluation mode, and no parameter asks for a gradient.

    Afterwards, also after an error or an interruption, every submodule is in the mode in which it was, every parameter
    asks for gradients as it did, buffers hold what they held, and the state of the random numbers is what it was.
    Gradients and hooks are not touched.
    """
    modes = [(part, part.training) for part in module.modules()]
    asks = [(parameter, parameter.requires_grad) for parameter in module.parameters()]
    buffers = [(buffer, buffer.detach().clone()) for buffer in module.buffers()]
    with torch.random.fork_rng(devices=_cuda(module)):
        try:
            for part, _ in modes:
                part.training = False
            for parameter, _ in asks:
                parameter.requires_grad_(False)
            yield
        finally:
            for part, training in modes:
                part.training = training
            for parameter, asked in asks:
                parameter.requires_grad_(asked)
            with torch.no_grad():
                for buffer, kept in buffers:
                    if not torch.equal(buffer, kept):
                        buffer.copy_(kept)


def _cuda(module: nn.Module) -> list[torch.device]:
    """The devices, other than the processor, whose random numbers a module may use."""
    tensors = [*module.parameters(), *module.buffers()]
    return sorted({tensor.device for tensor in tensors if tensor.device.type == "cuda"}, key=str)
