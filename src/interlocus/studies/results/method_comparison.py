"""Was it the method? Every class of maps at every site, over all trained networks, beside untrained ones."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from interlocus.alignment.dimensions import Size
from interlocus.core.statistics import Interval, bootstrap_over_networks
from interlocus.studies.records import Record
from interlocus.studies.results.scores import Row
from interlocus.studies.spec.study import Study


@dataclass(frozen=True, kw_only=True)
class MethodScore:
    """One class of maps at one site, for the hypothesis that is asked for.

    Args:
        map: the class of maps, with its schedule where that has a name.
        site: where.
        size: features a variable: of all sizes the one with the highest mean.
        networks: how many trained ones.
        iia: mean over all trained networks, with its bootstrap interval.
        untrained: the same over untrained networks at the size that is best for these: what such maps find in nothing;
            `None` where the study has none.
        seconds: spent on all searches of this method here.
    """

    map: str
    site: str
    size: Size
    networks: int
    iia: Interval
    untrained: Interval | None
    seconds: float


def compare_methods(study: Study, table: Sequence[Row], records: Iterable[Record]) -> list[MethodScore]:
    """One entry a class of maps and site, in the order of the study; nothing for what no trained network was put to.

    Args:
        study: whose.
        table: its rows.
        records: keep the time.
    """
    trained = {group.name for group in study.networks if group.trained}
    own = [row for row in table if row.hypothesis == study.asked]
    spent: dict[tuple[str, str, str], float] = {}
    for record in records:
        trial = record.trial
        if trial.hypothesis == study.asked:
            about = trial.featurizer, trial.schedule, trial.site
            spent[about] = spent.get(about, 0.0) + record.seconds
    maps = dict.fromkeys(
        (featurizer, search.schedule)
        for search in study.searches
        if study.asked in search.hypotheses
        for featurizer in search.featurizers
    )
    found = []
    for (featurizer, schedule), site in itertools.product(maps, study.sites):
        here = [row for row in own if (row.featurizer, row.schedule, row.site) == (featurizer, schedule, site)]
        seen = _best(study, [row for row in here if row.group in trained])
        blank = _best(study, [row for row in here if row.group not in trained])
        if seen is not None:
            size, networks, iia = seen
            found.append(
                MethodScore(
                    map=f"{featurizer}, {schedule}" if schedule else featurizer,
                    site=site,
                    size=size,
                    networks=networks,
                    iia=iia,
                    untrained=None if blank is None else blank[2],
                    seconds=spent.get((featurizer, schedule, site), 0.0),
                )
            )
    return found


def _best(study: Study, rows: Sequence[Row]) -> tuple[Size, int, Interval] | None:
    """The size with the highest mean, how many networks, and that mean with its interval."""
    sizes = {row.size: [one for one in rows if one.size == row.size] for row in rows}
    if not sizes:
        return None
    size = max(sizes, key=lambda size: sum(row.iia for row in sizes[size]) / len(sizes[size]))
    best = sizes[size]
    iia = bootstrap_over_networks([row.iia for row in best], [row.interventions for row in best], seed=study.seed)
    return size, len(best), iia
