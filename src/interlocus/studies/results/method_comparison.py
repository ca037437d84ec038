"""Was it the method? Every featurizer at every site, over all trained networks, beside untrained ones."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from interlocus.alignment.dimensions import Size
from interlocus.core.statistics import Interval, mean_over_networks
from interlocus.studies.records import Record
from interlocus.studies.results.scores import Row, featurizer_label
from interlocus.studies.spec.study import Study


@dataclass(frozen=True, kw_only=True)
class MethodScore:
    """One featurizer at one site, for the first hypothesis of the study.

    Args:
        map: The featurizer, with its schedule if that has a name.
        site: Name of the site.
        size: Features per variable: of all sizes the one with the highest mean IIA.
        networks: Number of trained networks.
        iia: Mean IIA over all trained networks, with Student's interval.
        untrained: The same over untrained networks, at the size that is best for these: what the featurizer reaches
            where nothing was learned. `None` where the study has no untrained networks.
        seconds: Run time of all searches of this method at this site.
    """

    map: str
    site: str
    size: Size
    networks: int
    iia: Interval
    untrained: Interval | None
    seconds: float


class _Method(NamedTuple):
    featurizer: str
    schedule: str
    site: str


class _BestSize(NamedTuple):
    size: Size
    networks: int
    iia: Interval


def compare_methods(study: Study, table: Sequence[Row], records: Iterable[Record]) -> list[MethodScore]:
    """One entry for each featurizer, schedule and site, in the order of the study.

    Args:
        study: The study that the table belongs to.
        table: The rows of finished trials. A method without a row of a trained network is left out.
        records: The records of the same trials, which hold the run times.
    """
    trained = {group.name for group in study.networks if group.trained}
    rows = [row for row in table if row.hypothesis == study.asked]
    seconds = _seconds(study, records)
    featurizers = dict.fromkeys(
        (featurizer, search.schedule)
        for search in study.searches
        if study.asked in search.hypotheses
        for featurizer in search.featurizers
    )
    scores = []
    for (featurizer, schedule), site in itertools.product(featurizers, study.sites):
        method = _Method(featurizer, schedule, site)
        here = [row for row in rows if _Method(row.featurizer, row.schedule, row.site) == method]
        best = _best_size(study, [row for row in here if row.group in trained])
        untrained = _best_size(study, [row for row in here if row.group not in trained])
        if best is not None:
            scores.append(
                MethodScore(
                    map=featurizer_label(featurizer, schedule),
                    site=site,
                    size=best.size,
                    networks=best.networks,
                    iia=best.iia,
                    untrained=None if untrained is None else untrained.iia,
                    seconds=seconds.get(method, 0.0),
                )
            )
    return scores


def _seconds(study: Study, records: Iterable[Record]) -> dict[_Method, float]:
    """Run time of the searches of each method, for the first hypothesis of the study."""
    seconds: dict[_Method, float] = {}
    for record in records:
        trial = record.trial
        if trial.hypothesis == study.asked:
            method = _Method(trial.featurizer, trial.schedule, trial.site)
            seconds[method] = seconds.get(method, 0.0) + record.seconds
    return seconds


def _best_size(study: Study, rows: Sequence[Row]) -> _BestSize | None:
    """The size with the highest mean IIA, if there is any row."""
    by_size = {row.size: [other for other in rows if other.size == row.size] for row in rows}
    if not by_size:
        return None
    size = max(by_size, key=lambda size: sum(row.iia for row in by_size[size]) / len(by_size[size]))
    best = by_size[size]
    iia = mean_over_networks([row.iia for row in best], [row.interventions for row in best])
    return _BestSize(size, len(best), iia)
