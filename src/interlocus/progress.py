"""How far a search or a run is, in a notebook or a terminal: for who passes it, since nothing else here prints."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from html import escape
from typing import Any, Protocol, runtime_checkable

SEARCHING = "searching"
LEAST_SECONDS = 0.1
"""Between two pictures of one phase."""
ENOUGH = 0.02
"""The share from which on the time that is left can be told."""


@runtime_checkable
class Stream(Protocol):
    """Where lines go."""

    def write(self, text: str, /) -> Any: ...

    def flush(self) -> Any: ...


class ShownProgress:
    """Shows what it is told: a phase with its share from 0 to 1, or a share alone.

    It fits `observe=` of `il.examine` and `Study.run`, and `progress=` of `il.search`. In a notebook each phase is a
    bar below the cell; elsewhere it is a line on a stream, which is written over as it goes on.

    Args:
        stream: where lines go outside of a notebook.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream, self._display = stream, _display_of_notebook()
        self._phase, self._begun, self._last, self._handle = "", 0.0, 0.0, None

    def __call__(self, stands: tuple[str, float] | float) -> None:
        phase, share = stands if isinstance(stands, tuple) else (SEARCHING, stands)
        now, share = time.monotonic(), min(max(float(share), 0.0), 1.0)
        new = phase != self._phase
        if new:
            self._begin(phase, now)
        elif now - self._last < LEAST_SECONDS and share < 1:
            return
        self._last = now
        spent = now - self._begun
        left = f", {spent * (1 - share) / share:.0f} s left" if ENOUGH < share < 1 else ""
        self._show(share, f"{phase}: {share:.0%}, {spent:.0f} s{left}")
        if share == 1:
            self._end()

    def _begin(self, phase: str, now: float) -> None:
        if self._phase:
            self._end()
        self._phase, self._begun = phase, now

    def _show(self, share: float, text: str) -> None:
        if self._display is None:
            self._stream.write(f"\r{text:<79}")
            self._stream.flush()
            return
        picture = {"text/html": f'<progress value="{share:.3f}"></progress> {escape(text)}', "text/plain": text}
        if self._handle is None:
            self._handle = self._display(picture, raw=True, display_id=True)
        else:
            self._handle.update(picture, raw=True)

    def _end(self) -> None:
        if self._phase and self._display is None:
            self._stream.write("\n")
        self._phase, self._handle = "", None


def show_progress(stream: Stream | None = None) -> ShownProgress:
    """An observer that shows how far a search or a run is: `il.examine(network, task, observe=il.show_progress())`.

    Args:
        stream: where lines go outside of a notebook; by default standard error.
    """
    return ShownProgress(sys.stderr if stream is None else stream)


def _display_of_notebook() -> Callable[..., Any] | None:
    """IPython's `display` where cells show what it is given; a terminal has no use for it."""
    shell = sys.modules.get("IPython")  # whoever runs in a notebook has imported it
    running = shell.get_ipython() if shell is not None else None
    if running is None or not running.has_trait("kernel"):
        return None
    from IPython.display import display

    return display
