"""Runs whose progress and reading of records are observed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from interlocus.studies.record_folder import RecordFolder
from interlocus.studies.run import Run, run_study
from interlocus.studies.spec.study import Study
from interlocus.studies.stages import StageProgress


@dataclass(frozen=True, kw_only=True)
class WatchedRun:
    """A finished run.

    Args:
        run: The run.
        progress: Everything that it reported, in order.
        parsed: How often each record file was parsed.
    """

    run: Run
    progress: tuple[StageProgress, ...]
    parsed: Counter[Path]


def watched_run(study: Study, folder: Path) -> WatchedRun:
    """Do a study, or finish it."""
    progress: list[StageProgress] = []
    with counted_parses() as parsed:
        run = run_study(study, folder, on_progress=progress.append)
    return WatchedRun(run=run, progress=tuple(progress), parsed=parsed)


@contextmanager
def counted_parses() -> Iterator[Counter[Path]]:
    """Counts how often each record file is parsed."""
    counts: Counter[Path] = Counter()
    read = RecordFolder._read

    def counted(self: RecordFolder[object], path: Path) -> object:
        counts[path] += 1
        return read(self, path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RecordFolder, "_read", counted)
        yield counts
