"""The type of callbacks that report how much of a computation is done."""

from __future__ import annotations

from collections.abc import Callable

OnProgress = Callable[[float], None]
"""Takes the finished share of the work, from 0 to 1. It is called often, so it should return quickly."""


def ignore_progress(share: float) -> None:
    """The default callback; it does nothing."""
