"""What the command line shows: progress, tables, answers."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from interlocus.report.terminal.tables import err
from interlocus.studies import pipeline as phases
from interlocus.studies.pipeline import OnStageProgress
from interlocus.studies.spec.study import Study

LINE_SECONDS = 10.0
"""Between two lines of progress where no bar can be drawn."""


@contextmanager
def progress(study: Study, folder: Path, *, quiet: bool) -> Iterator[OnStageProgress]:
    """Show how far a run is: a bar with the time left, or a line now and then where the output is no terminal."""
    if quiet:
        yield lambda stands: None
        return
    networks = sum(group.count for group in study.networks)
    err.print(f"[bold]{escape(study.title or study.name)}[/bold]")
    err.print(f"{networks} networks, results in {folder}")
    if study.code:
        err.print(f"This runs code: {escape(', '.join(study.code))}")
    err.print()
    if not err.is_terminal:
        yield _lines()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err) as bars:
        tasks: dict[str, Any] = {}

        def on_progress(stands: phases.StageProgress) -> None:
            if stands.phase not in tasks:
                for task in tasks.values():
                    bars.update(task, completed=1.0)
                tasks[stands.phase] = bars.add_task(stands.phase, total=1.0)
            bars.update(tasks[stands.phase], completed=stands.share)

        yield on_progress
        for task in tasks.values():
            bars.update(task, completed=1.0)


def _lines() -> OnStageProgress:
    begun: dict[str, float] = {}
    last = 0.0

    def on_progress(stands: phases.StageProgress) -> None:
        nonlocal last
        now = time.monotonic()
        new = stands.phase not in begun
        begun.setdefault(stands.phase, now)
        if new or now - last >= LINE_SECONDS:
            last, spent = now, now - begun[stands.phase]
            left = f", {spent * (1 - stands.share) / stands.share:.0f} s left" if stands.share > 0.02 else ""
            err.print(f"{stands.phase}: {stands.share:.0%}{left}")

    return on_progress


SEARCHING = "searching"

SECONDS_BETWEEN_UPDATES = 0.1
"""Between two pictures of one phase."""

MIN_SHARE_FOR_ESTIMATE = 0.02
"""The share from which on the time that is left can be told."""


@runtime_checkable
class OutputStream(Protocol):
    """Where lines go."""

    def write(self, text: str, /) -> Any: ...

    def flush(self) -> Any: ...


class ShownProgress:
    """Shows what it is told: a phase with its share from 0 to 1, or a share alone.

    It fits `observe=` of `il.examine` and `Study.run`, and `on_progress=` of `il.search`. In a notebook each phase is a
    bar below the cell; elsewhere it is a line on a stream, which is written over as it goes on.

    Args:
        stream: where lines go outside of a notebook.
    """

    def __init__(self, stream: OutputStream) -> None:
        self._stream, self._display = stream, _display_of_notebook()
        self._phase, self._begun, self._last, self._handle = "", 0.0, 0.0, None

    def __call__(self, stands: tuple[str, float] | float) -> None:
        phase, share = stands if isinstance(stands, tuple) else (SEARCHING, stands)
        now, share = time.monotonic(), min(max(float(share), 0.0), 1.0)
        new = phase != self._phase
        if new:
            self._begin(phase, now)
        elif now - self._last < SECONDS_BETWEEN_UPDATES and share < 1:
            return
        self._last = now
        spent = now - self._begun
        left = f", {spent * (1 - share) / share:.0f} s left" if MIN_SHARE_FOR_ESTIMATE < share < 1 else ""
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


def show_progress(stream: OutputStream | None = None) -> ShownProgress:
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
