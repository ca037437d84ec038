"""Memory that is used again."""

from __future__ import annotations

import torch
from torch import Tensor


class Workspace:
    """Named buffers that live as long as one stack of searches.

    The loop asks for the same shapes thousands of times, and fresh memory costs as much as the arithmetic on it. A
    buffer is handed out again under its name; whoever asks owns it until the next step.

    Args:
        like: gives dtype and device.
    """

    def __init__(self, like: Tensor) -> None:
        self._like = like
        self._buffers: dict[str, Tensor] = {}

    def __call__(self, name: str, *shape: int) -> Tensor:
        """A buffer of that shape with arbitrary content."""
        buffer = self._buffers.get(name)
        if buffer is None or buffer.shape != shape:
            buffer = self._buffers[name] = torch.empty(shape, dtype=self._like.dtype, device=self._like.device)
        return buffer
