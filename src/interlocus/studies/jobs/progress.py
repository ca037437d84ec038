"""How far a job is."""

from __future__ import annotations

from collections.abc import Callable

OnShare = Callable[[float], None]
"""Called with the share of a job that is done, from 0 to 1."""


def part(on_progress: OnShare, number: int, count: int) -> OnShare:
    """Progress within one of several equal parts.

    Args:
        on_progress: Called with the share of the whole.
        number: Index of the part, from 0.
        count: Number of parts.
    """
    return lambda share: on_progress((number + share) / count)
