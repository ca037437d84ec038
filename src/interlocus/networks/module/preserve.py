"""Running a user's module without changing it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def preserved(module: nn.Module) -> Iterator[None]:
    """Put a module into evaluation mode without parameter gradients, and restore its state on exit.

    On exit, also after an error or an interruption, every part is in its previous mode, every parameter has its
    previous `requires_grad`, every buffer has its previous value, and torch's random state is as before. Gradients and
    hooks are never touched.

    Args:
        module: The module to run inside the block.
    """
    modes = [(part, part.training) for part in module.modules()]
    requires_grad = [(parameter, parameter.requires_grad) for parameter in module.parameters()]
    buffers = [(buffer, buffer.detach().clone()) for buffer in module.buffers()]
    with torch.random.fork_rng(devices=_cuda_devices(module)):
        try:
            for part, _ in modes:
                part.training = False
            for parameter, _ in requires_grad:
                parameter.requires_grad_(False)
            yield
        finally:
            for part, training in modes:
                part.training = training
            for parameter, required in requires_grad:
                parameter.requires_grad_(required)
            with torch.no_grad():
                for buffer, previous in buffers:
                    if not torch.equal(buffer, previous):
                        buffer.copy_(previous)


def _cuda_devices(module: nn.Module) -> list[torch.device]:
    """The GPUs that hold the module's tensors, whose random states it may change."""
    tensors = [*module.parameters(), *module.buffers()]
    return sorted({tensor.device for tensor in tensors if tensor.device.type == "cuda"}, key=str)
