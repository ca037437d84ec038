"""Torch on one thread: the products here are too small to gain from more, and lose time to them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Inside, torch uses one thread and rounds denormal numbers to zero; afterwards it does as before.

    The gradients of a confident network reach 1e-40, and products with denormal numbers take five times as long.
    """
    threads, flushes = torch.get_num_threads(), _flushes_denormals()
    use_one_thread()
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_flush_denormal(flushes)


def use_one_thread() -> None:
    """For the rest of this process, torch uses one thread and rounds denormal numbers to zero."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


def _flushes_denormals() -> bool:
    """Whether torch rounds denormal numbers to zero now. Torch has a setter but no getter, so this tries it out."""
    return float(torch.full((1,), 1e-40) * 1.0) == 0.0
