"""Compare two or more runs: differences of scores, with their intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from interlocus.alignment.dimensions import Size
from interlocus.core.errors import SpecificationError
from interlocus.core.statistics import Interval, mean_interval, student_quantile
from interlocus.studies.results.scores import Row, featurizer_label
from interlocus.studies.run import Run

NetworkScores = Mapping[str, float]
"""The IIA of each network, by its name."""


class ComparisonKey(NamedTuple):
    """The values in which two entries have to agree to be compared."""

    group: str
    site: str
    hypothesis: str
    featurizer: str
    size: Size
    schedule: str = ""

    @property
    def map(self) -> str:
        """The featurizer, with the schedule if it has a name."""
        return featurizer_label(self.featurizer, self.schedule)


@dataclass(frozen=True, kw_only=True)
class ScoreDifference:
    """How one entry scores in another run, compared with the first.

    Args:
        key: Group, site, hypothesis, featurizer, size and schedule of the entry.
        run: Number of the other run, from 1 on; run 0 is the first.
        first: Mean IIA over networks in run 0.
        other: Mean IIA over networks in the other run.
        difference: `other` minus `first`, with its 95 % interval over networks (Student's, or Welch's if not paired).
        paired: Whether both runs searched the same networks. If so, differences are taken network by network.
        networks: Number of networks of the first run and of the other one.
    """

    key: ComparisonKey
    run: int
    first: float
    other: float
    difference: Interval
    paired: bool
    networks: tuple[int, int]

    @property
    def clear(self) -> bool:
        """Whether the interval excludes zero."""
        return self.difference.low > 0 or self.difference.high < 0


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A comparison of several runs.

    Args:
        runs: The runs, in the order in which they were given.
        differences: One for every entry that the first run and another one have in common, in the order of the first.
        only: For each run the number of its entries that no other run has in common with it.
    """

    runs: tuple[Run, ...]
    differences: tuple[ScoreDifference, ...]
    only: tuple[int, ...]


def compare_runs(runs: Sequence[Run]) -> Comparison:
    """Compare every run with the first.

    Args:
        runs: Two or more runs; the first is compared with each of the others.

    Raises:
        SpecificationError: There are fewer than two runs, or one has no entry in common with the first.
    """
    if len(runs) < 2:
        raise SpecificationError(
            f"The number of run folders is {len(runs)}.",
            "A comparison needs two runs.",
            "Pass two run folders or more.",
        )
    tables = [_entries(run.table) for run in runs]
    first = tables[0]
    differences: list[ScoreDifference] = []
    for number, (run, table) in enumerate(zip(runs[1:], tables[1:], strict=True), start=1):
        common = [key for key in first if key in table]
        if not common:
            raise SpecificationError(
                f"The runs {runs[0].store.folder} and {run.store.folder} have no entry in common.",
                "Entries are compared if they agree in group, site, hypothesis, featurizer and size.",
                "Pass runs of studies whose groups have the same names and which search the same.",
            )
        for key in common:
            paired = _is_paired(runs[0], run, first[key], table[key])
            differences.append(_difference(key, number, first[key], table[key], paired=paired))
    compared = [{difference.key for difference in differences if difference.run == n} for n in range(1, len(runs))]
    only = [
        len(first) - len(set().union(*compared)),
        *(len(table) - len(keys) for table, keys in zip(tables[1:], compared, strict=True)),
    ]
    return Comparison(runs=tuple(runs), differences=tuple(differences), only=tuple(only))


def _entries(table: Sequence[Row]) -> dict[ComparisonKey, dict[str, float]]:
    """For each entry the IIA of each network."""
    entries: dict[ComparisonKey, dict[str, float]] = {}
    for row in table:
        key = ComparisonKey(row.group, row.site, row.hypothesis, row.featurizer, row.size, row.schedule)
        entries.setdefault(key, {})[row.network] = row.iia
    return entries


def _difference(
    key: ComparisonKey, run: int, first: NetworkScores, other: NetworkScores, *, paired: bool
) -> ScoreDifference:
    first_iias, other_iias = (np.array(list(scores.values())) for scores in (first, other))
    return ScoreDifference(
        key=key,
        run=run,
        first=float(first_iias.mean()),
        other=float(other_iias.mean()),
        difference=_paired(other_iias - first_iias) if paired else _unpaired(first_iias, other_iias),
        paired=paired,
        networks=(len(first_iias), len(other_iias)),
    )


def _paired(differences: Float[np.ndarray, " network"]) -> Interval:
    """The mean difference with Student's interval. A single network shows nothing of others: from −1 to 1."""
    mean = float(differences.mean())
    if len(differences) < 2:
        return Interval(mean, -1.0, 1.0) if mean else Interval(0.0, 0.0, 0.0)
    return mean_interval(differences.tolist(), [0.0] * len(differences))


def _unpaired(first: Float[np.ndarray, " network"], other: Float[np.ndarray, " network"]) -> Interval:
    """The difference of two means with Welch's interval; a single network shows nothing of others."""
    mean = float(other.mean() - first.mean())
    if min(len(first), len(other)) < 2:
        return Interval(mean, -1.0, 1.0)
    parts = [float(iias.var(ddof=1)) / len(iias) for iias in (first, other)]
    if not sum(parts):
        return Interval(mean, mean, mean)
    weights = sum(part**2 / (len(iias) - 1) for part, iias in zip(parts, (first, other), strict=True))
    half = student_quantile(sum(parts) ** 2 / weights) * math.sqrt(sum(parts))
    return Interval(mean, mean - half, mean + half)


def _is_paired(first_run: Run, other_run: Run, first: NetworkScores, second: NetworkScores) -> bool:
    """Whether two runs searched the same networks."""
    return list(first) == list(second) and all(_is_same_network(first_run, other_run, name) for name in first)


def _is_same_network(first_run: Run, other_run: Run, name: str) -> bool:
    paths = [run.store.network_path(name) for run in (first_run, other_run)]
    return all(path.is_file() for path in paths) and paths[0].read_bytes() == paths[1].read_bytes()
