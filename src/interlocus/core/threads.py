"""One thread: small products gain nothing from more, and lose much."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread inside, and as many as before afterwards.

    Numbers too small for full precision count as zero in the meantime: a network that is sure of itself has gradients
    of 1e-40, and products with those take five times as long.
    """
    before, flushed = torch.get_num_threads(), _flushes()
    use_one_thread()
    try:
        yield
    finally:
        torch.set_num_threads(before)
        torch.set_flush_denormal(flushed)


def use_one_thread() -> None:
    """The same for the rest of this process."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


def _flushes() -> bool:
    """Whether numbers too small for full precision count as zero already; torch can only be told, not asked."""
    return float(torch.full((1,), 1e-40) * 1.0) == 0.0
