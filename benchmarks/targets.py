"""The targets of the benchmarks, and whether a run meets them."""

from __future__ import annotations

import operator
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.measure import Line, Sample, seconds
from benchmarks.roofline import Roofline


@dataclass(frozen=True, kw_only=True)
class Target:
    """One target.

    Args:
        what: What is measured.
        aim: The target as text.
        shown: The measured value as text.
        met: Whether the target is met; `None` where it was not measured.
    """

    what: str
    aim: str
    shown: str = "not measured in this run"
    met: bool | None = None


def start_up(*, repeats: int) -> Sample:
    """Seconds that `interlocus --help` takes."""
    command = [sys.executable, "-m", "interlocus", "--help"]

    def work() -> object:
        return subprocess.run(command, capture_output=True, check=True, env=os.environ)  # noqa: S603

    work()
    return Sample(values=tuple(seconds(work) for _ in range(repeats)))


def default_study() -> Sample:
    """Seconds of the default study from an empty folder, with one process per core."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "interlocus", "study", "--out", f"{folder}/run"]
        spent = seconds(lambda: subprocess.run(command, capture_output=True, check=True, env=os.environ))  # noqa: S603
    return Sample(values=(spent,))


def targets(
    lines: Sequence[Line], roof: Roofline, *, two_cores: float | None, start: Sample, study: Sample | None
) -> list[Target]:
    """All rows of the table of targets."""
    found = {line.what: line for line in lines}
    goal = found.get("(c) time to IIA .99, plain network")
    grid = found.get("(d) grid, one core")
    memory = next((line for line in lines if line.what.startswith("(e)")), None)
    share = roof.achieved.over(roof.product).middle
    return [
        _judge("one search to IIA .99", "≤ .10 s", goal and goal.ours.middle, 0.10, operator.le, "{:.3f} s"),
        _judge("search-steps per second, one core, 64 stacked, batch 256", "≥ 30,000",
               roof.rate.middle, 30_000, operator.ge, "{:,.0f}"),
        _judge("1,440 searches × 1,000 steps, batch 384, two cores", "≤ 60 s", two_cores, 60, operator.le, "{:.0f} s"),
        _judge("grid (d), one core each", "≥ 200 × pyvene", _ratio(grid), 200, operator.ge, "{:.0f} ×"),
        _judge("time to .99 (c), one core each", "≥ 300 × pyvene", _ratio(goal), 300, operator.ge, "{:.0f} ×"),
        _judge("share of the matched batched product", "≥ ½", share, 0.5, operator.ge, "{:.2f}"),
        _judge("peak memory, 1,024 searches stacked", "≤ 1 GB",
               memory and memory.ours.middle / 1e3, 1, operator.le, "{:.2f} GB"),
        _judge("`interlocus --help`", "≤ .3 s", start.middle, 0.3, operator.le, "{:.2f} s"),
        _judge("`make study`", "≤ 90 s", study and study.middle, 90, operator.le, "{:.0f} s"),
    ]  # fmt: skip


def _ratio(line: Line | None) -> float | None:
    return None if line is None or line.ratio is None else line.ratio.middle


def _judge(
    what: str, aim: str, value: float | None, limit: float, holds: Callable[[float, float], bool], form: str
) -> Target:
    if value is None:
        return Target(what=what, aim=aim)
    return Target(what=what, aim=aim, shown=form.format(value), met=holds(value, limit))
