"""A comparison of runs -> one page: which scores differ, by how much, and how certain that is."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from interlocus.alignment.dimensions import Size
from interlocus.core.errors import RunFolderError
from interlocus.report.page.colours import shade
from interlocus.report.page.rendering import render_page
from interlocus.studies.compare_runs import Comparison, ScoreDifference

MIN_REACH = 0.05
"""Smallest end of the scale of differences, so that tiny differences do not look large."""


@dataclass(frozen=True, kw_only=True)
class DifferenceMap:
    """Differences of one group, hypothesis and featurizer, by size and site.

    Args:
        title: Text above the table.
        sites: Names of the columns.
        rows: Each size with one difference a site, `None` where the runs have none in common.
    """

    title: str
    sites: tuple[str, ...]
    rows: tuple[tuple[Size, tuple[ScoreDifference | None, ...]], ...]


def write_comparison(comparison: Comparison, path: Path) -> Path:
    """Write a comparison as a self-contained page; returns its path.

    Raises:
        RunFolderError: The page cannot be written there.
    """
    folders = [str(run.store.folder) for run in comparison.runs]
    ends = (max(abs(entry.difference.low), abs(entry.difference.high)) for entry in comparison.differences)
    reach = max([MIN_REACH, *ends])
    values = {
        "comparison": comparison,
        "folders": folders,
        "maps": [_difference_maps(comparison, number) for number in range(1, len(comparison.runs))],
        "reach": reach,
        "shade_of": lambda value: shade(value, low=-reach, high=reach),
        "again": shlex.join(["interlocus", "compare", *folders, "--out", str(path)]),
    }
    _write_whole(path, render_page("compare.html.jinja", values).encode())
    return path


def _difference_maps(comparison: Comparison, number: int) -> list[DifferenceMap]:
    """One map for each hypothesis, group and featurizer of a run, compared with the first run."""
    parts: dict[tuple[str, str, str], list[ScoreDifference]] = {}
    for entry in comparison.differences:
        if entry.run == number:
            featurizer = entry.key.map
            parts.setdefault((entry.key.hypothesis, entry.key.group, featurizer), []).append(entry)
    return [_difference_map(" · ".join(title), entries) for title, entries in parts.items()]


def _difference_map(title: str, entries: Sequence[ScoreDifference]) -> DifferenceMap:
    sites = tuple(dict.fromkeys(entry.key.site for entry in entries))
    by_place = {(entry.key.size, entry.key.site): entry for entry in entries}
    sizes = sorted({entry.key.size for entry in entries}, reverse=True)
    rows = tuple((size, tuple(by_place.get((size, site)) for site in sites)) for size in sizes)
    return DifferenceMap(title=title, sites=sites, rows=rows)


def _write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it appears complete or not at all."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".partial")
        try:
            with os.fdopen(handle, "wb") as file:
                os.fchmod(handle, 0o644)
                file.write(content)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise RunFolderError(
            f"The page {path} cannot be written: {error.strerror or error}.",
            "The comparison is saved as a file there.",
            "Pass another path with --out.",
        ) from None
