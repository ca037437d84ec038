"""How far a run is: bars and lines of the command line, and callbacks for Python and notebooks."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape as escape_html
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from interlocus.report.terminal.tables import err
from interlocus.studies.spec.study import Study
from interlocus.studies.stages import OnStageProgress, StageProgress

SEARCHING = "searching"
"""Name of the phase for a callback that gets shares only."""

SECONDS_BETWEEN_UPDATES = 0.1
"""Time between two updates of one phase."""

MIN_SHARE_FOR_ESTIMATE = 0.02
"""Share of a phase from which the remaining time is estimated."""

LINE_SECONDS = 10.0
"""Time between two lines of progress, where the output is no terminal and no bar can be drawn."""


@contextmanager
def progress(study: Study, folder: Path, *, quiet: bool) -> Iterator[OnStageProgress]:
    """Show how far a run is while the block runs: a bar with the time left, or lines where the output is no terminal.

    Args:
        study: The study that is run.
        folder: Folder of its results.
        quiet: Show nothing, and yield a callback that does nothing.

    Yields:
        The callback that takes each progress of the run.
    """
    if quiet:
        yield lambda progress: None
        return
    count = sum(group.count for group in study.networks)
    err.print(f"[bold]{escape(study.title or study.name)}[/bold]")
    err.print(f"{count} networks, results in {escape(str(folder))}")
    if study.code:
        err.print(f"This runs code from {escape(', '.join(study.code))}")
    err.print()
    if not err.is_terminal:
        yield _lines()
        return
    with _bars() as on_progress:
        yield on_progress


@contextmanager
def _bars() -> Iterator[OnStageProgress]:
    """A callback that draws one bar a phase in a terminal; the bar of a phase is full when the next one begins."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    shown: dict[str, TaskID] = {}
    with Progress(*columns, console=err) as bars:

        def on_progress(progress: StageProgress) -> None:
            if progress.phase not in shown:
                for bar in shown.values():
                    bars.update(bar, completed=1.0)
                shown[progress.phase] = bars.add_task(progress.phase, total=1.0)
            bars.update(shown[progress.phase], completed=progress.share)

        yield on_progress
        for bar in shown.values():
            bars.update(bar, completed=1.0)


def _lines() -> OnStageProgress:
    """A callback that prints a line when a phase begins, and then one every ten seconds."""
    begun: dict[str, float] = {}
    last = 0.0

    def on_progress(progress: StageProgress) -> None:
        nonlocal last
        now = time.monotonic()
        new = progress.phase not in begun
        begun.setdefault(progress.phase, now)
        if new or now - last >= LINE_SECONDS:
            last, left = now, _time_left(now - begun[progress.phase], progress.share)
            err.print(f"{progress.phase}: {100 * progress.share:.0f} %{left}")

    return on_progress


def _time_left(spent: float, share: float) -> str:
    """An estimate of the remaining time, empty while too little is done for one and at the end."""
    return f", {spent * (1 - share) / share:.0f} s left" if MIN_SHARE_FOR_ESTIMATE < share < 1 else ""


@runtime_checkable
class OutputStream(Protocol):
    """A text stream, such as `sys.stderr`."""

    def write(self, text: str, /) -> object: ...

    def flush(self) -> object: ...


@runtime_checkable
class _NotebookHandle(Protocol):
    """What IPython's `display` returns: something shown that can be replaced."""

    def update(self, picture: dict[str, str], *, raw: bool) -> object: ...


@runtime_checkable
class _Display(Protocol):
    """IPython's `display`, as it is called here."""

    def __call__(self, picture: dict[str, str], *, raw: bool, display_id: bool) -> _NotebookHandle: ...


class ProgressDisplay:
    """A callback that shows how far a run or a search is.

    It fits `on_progress=` of `il.examine`, `il.run_study` and `il.search`: it takes a phase with its share from 0 to 1,
    or a share alone. In a notebook each phase is a bar below the cell; elsewhere it is one line that is written over.

    Args:
        stream: Where lines are written outside of a notebook.
    """

    def __init__(self, stream: OutputStream) -> None:
        self._stream, self._display = stream, _notebook_display()
        self._phase, self._begun, self._last = "", 0.0, 0.0
        self._handle: _NotebookHandle | None = None

    def __call__(self, progress: tuple[str, float] | float) -> None:
        phase, share = progress if isinstance(progress, tuple) else (SEARCHING, progress)
        now, share = time.monotonic(), min(max(float(share), 0.0), 1.0)
        new = phase != self._phase
        if new:
            self._begin(phase, now)
        elif now - self._last < SECONDS_BETWEEN_UPDATES and share < 1:
            return
        self._last = now
        spent = now - self._begun
        self._show(share, f"{phase}: {100 * share:.0f} %, {spent:.0f} s{_time_left(spent, share)}")
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
        picture = {"text/html": f'<progress value="{share:.3f}"></progress> {escape_html(text)}', "text/plain": text}
        if self._handle is None:
            self._handle = self._display(picture, raw=True, display_id=True)
        else:
            self._handle.update(picture, raw=True)

    def _end(self) -> None:
        if self._phase and self._display is None:
            self._stream.write("\n")
        self._phase, self._handle = "", None


def show_progress(stream: OutputStream | None = None) -> ProgressDisplay:
    """A callback that shows how far a search or a run is: `il.examine(network, task, on_progress=il.show_progress())`.

    Args:
        stream: Where lines are written outside of a notebook; by default standard error.
    """
    return ProgressDisplay(sys.stderr if stream is None else stream)


def _notebook_display() -> _Display | None:
    """IPython's `display` inside a notebook; `None` elsewhere, also in IPython's terminal."""
    shell = sys.modules.get("IPython")  # a notebook has always imported it
    running = shell.get_ipython() if shell is not None else None
    if running is None or not running.has_trait("kernel"):
        return None
    from IPython.display import display

    return cast("_Display", display)
