"""Runs side by side -> one page: what differs, by how much, and how sure that is."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from interlocus.alignment.dimensions import Size
from interlocus.core.errors import RunFolderError
from interlocus.report.page.colours import step
from interlocus.report.page.page import fill
from interlocus.studies.results.compare_runs import Comparison, ScoreDifference


@dataclass(frozen=True, kw_only=True)
class DifferenceMap:
    """One map: differences by size and site.

    Args:
        title: above it.
        sites: the columns.
        rows: for each size a difference a site, `None` where there is none.
    """

    title: str
    sites: tuple[str, ...]
    rows: tuple[tuple[Size, tuple[ScoreDifference | None, ...]], ...]


def write_comparison(found: Comparison, path: Path) -> Path:
    """Write a comparison as a self-contained page; returns its path.

    Raises:
        RunFolderError: the page cannot be written there.
    """
    folders = [str(run.store.folder) for run in found.runs]
    reach = max([0.05, *(max(abs(one.difference.low), abs(one.difference.high)) for one in found.differences)])
    values = {
        "found": found,
        "folders": folders,
        "maps": [_maps(found, number) for number in range(1, len(found.runs))],
        "reach": reach,
        "shade": lambda value: step(value, low=-reach, high=reach),
        "again": shlex.join(["interlocus", "compare", *folders, "--out", str(path)]),
    }
    _write(path, fill("compare.html.jinja", values).encode())
    return path


def _maps(found: Comparison, number: int) -> list[DifferenceMap]:
    own = [one for one in found.differences if one.run == number]
    groups: dict[tuple[str, str, str], list[ScoreDifference]] = {}
    for one in own:
        name = one.key.map
        groups.setdefault((one.key.hypothesis, one.key.group, name), []).append(one)
    return [_map(" · ".join(name), parts) for name, parts in groups.items()]


def _map(title: str, own: Sequence[ScoreDifference]) -> DifferenceMap:
    sites = tuple(dict.fromkeys(one.key.site for one in own))
    at = {(one.key.size, one.key.site): one for one in own}
    sizes = sorted({one.key.size for one in own}, reverse=True)
    rows = tuple((size, tuple(at.get((size, site)) for site in sites)) for size in sizes)
    return DifferenceMap(title=title, sites=sites, rows=rows)


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all."""
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
            "The comparison is kept there.",
            "Pass another place with --out.",
        ) from None
