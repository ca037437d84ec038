"""Two or more runs side by side: differences of scores, with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from interlocus.alignment.dimensions import Size
from interlocus.core.errors import SpecificationError
from interlocus.core.statistics import CONFIDENCE, RESAMPLES, Interval
from interlocus.studies.results.scores import Row
from interlocus.studies.run import Run


class ComparisonKey(NamedTuple):
    """What has to be the same for two scores to be compared."""

    group: str
    site: str
    hypothesis: str
    featurizer: str
    size: Size
    schedule: str = ""


@dataclass(frozen=True, kw_only=True)
class ScoreDifference:
    """How one entry scores in another run.

    Args:
        key: the family, site, hypothesis, featurizer, size and schedule.
        run: number of the other run, counted from 1; run 0 is what it is held against.
        first: mean IIA over networks in run 0.
        other: in the other run.
        difference: other minus first, with its 95 % bootstrap interval over networks.
        paired: whether both runs searched the same networks, which are then held against each other one by one.
    """

    key: ComparisonKey
    run: int
    first: float
    other: float
    difference: Interval
    paired: bool

    @property
    def clear(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.difference.low > 0 or self.difference.high < 0


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Several runs.

    Args:
        runs: in the order in which they were given.
        differences: of every entry that the first and another have in common, in the order of the first.
        only: for each run how many entries of it the comparison leaves out.
    """

    runs: tuple[Run, ...]
    differences: tuple[ScoreDifference, ...]
    only: tuple[int, ...]


def compare_runs(runs: Sequence[Run], *, seed: int = 0) -> Comparison:
    """Hold every run against the first.

    Args:
        runs: two or more.
        seed: of the bootstrap.

    Raises:
        SpecificationError: fewer than two runs, or nothing that two of them have in common.
    """
    if len(runs) < 2:
        raise SpecificationError(
            f"{len(runs)} run is to be compared.", "There is nothing to hold it against.", "Pass two run folders."
        )
    tables = [_entries(run.table) for run in runs]
    first = tables[0]
    differences = []
    for number, (run, table) in enumerate(zip(runs[1:], tables[1:], strict=True), start=1):
        common = [key for key in first if key in table]
        if not common:
            raise SpecificationError(
                f"{runs[0].store.folder} and {run.store.folder} have no entry in common.",
                "Entries are compared that agree in family, site, hypothesis, featurizer and size.",
                "Pass runs of studies that ask the same of families of the same names.",
            )
        differences += [_difference(key, number, first[key], table[key], runs[0], run, seed) for key in common]
    kept = [{difference.key for difference in differences if difference.run == n} for n in range(1, len(runs))]
    only = [len(first) - len(set().union(*kept)), *(len(t) - len(k) for t, k in zip(tables[1:], kept, strict=True))]
    return Comparison(runs=tuple(runs), differences=tuple(differences), only=tuple(only))


def _entries(table: Sequence[Row]) -> dict[ComparisonKey, dict[str, float]]:
    """For each entry the IIA of each network."""
    entries: dict[ComparisonKey, dict[str, float]] = {}
    for row in table:
        key = ComparisonKey(row.group, row.site, row.hypothesis, row.featurizer, row.size, row.schedule)
        entries.setdefault(key, {})[row.network] = row.iia
    return entries


def _difference(
    key: ComparisonKey, number: int, first: dict[str, float], other: dict[str, float], one: Run, two: Run, seed: int
) -> ScoreDifference:
    paired = list(first) == list(other) and all(_same_network(one, two, name) for name in first)
    generator = np.random.default_rng(seed)
    ours, theirs = (np.array(list(iias.values())) for iias in (first, other))
    drawn = _resampled(ours, generator)
    rows = drawn if paired else _resampled(theirs, generator)
    moved = theirs[rows].mean(1) - ours[drawn].mean(1)
    low, high = np.quantile(moved, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return ScoreDifference(
        key=key,
        run=number,
        first=float(ours.mean()),
        other=float(theirs.mean()),
        difference=Interval(float(theirs.mean() - ours.mean()), float(low), float(high)),
        paired=paired,
    )


def _resampled(iias: Float[np.ndarray, " network"], generator: np.random.Generator) -> np.ndarray:
    return generator.integers(len(iias), size=(RESAMPLES, len(iias)))


def _same_network(one: Run, two: Run, name: str) -> bool:
    paths = [run.store.network_path(name) for run in (one, two)]
    return all(path.is_file() for path in paths) and paths[0].read_bytes() == paths[1].read_bytes()
