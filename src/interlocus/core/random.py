"""Independent random streams from one seed."""

from __future__ import annotations

import hashlib

import torch


def derived_generator(seed: int, *names: object) -> torch.Generator:
    """A random generator for one purpose: the same for the same seed and names, independent for any others.

    Args:
        seed: Any integer, negative and large ones included.
        names: What the stream is for; compared as text and in order.

    >>> derived_generator(0, "pool", "train").initial_seed() == derived_generator(0, "pool", "train").initial_seed()
    True
    >>> derived_generator(0, "pool", "train").initial_seed() == derived_generator(0, "pool", "test").initial_seed()
    False
    """
    digest = hashlib.sha256(repr((seed, *map(str, names))).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big", signed=True))
