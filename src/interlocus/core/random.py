"""Independent streams of randomness from one seed."""

from __future__ import annotations

import hashlib

import torch


def derived_generator(seed: int, *names: object) -> torch.Generator:
    """A generator for one purpose: equal for equal seed and names, unrelated for others.

    >>> stream(0, "pool", "train").initial_seed() == stream(0, "pool", "train").initial_seed()
    True
    >>> stream(0, "pool", "train").initial_seed() == stream(0, "pool", "test").initial_seed()
    False
    """
    digest = hashlib.sha256(repr((seed, *map(str, names))).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big", signed=True))
