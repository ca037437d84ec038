"""The heat maps of the page, and what each of their entries shows when it is opened, as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypedDict

import numpy as np

from interlocus.alignment.dimensions import Size
from interlocus.alignment.metrics import JOINT
from interlocus.report.figures._base import HypothesisScores, hypotheses
from interlocus.searches.results import Restart, Restarts
from interlocus.studies.records import Record
from interlocus.studies.results.answers import SOLVED_WITHIN
from interlocus.studies.results.scores import featurizer_label
from interlocus.studies.results.summary import Line, SizeLine
from interlocus.studies.run import Run

PAGE_DIGITS = 4


class EntryDetails(TypedDict):
    """What the script of the page shows of one entry.

    `cells` holds rows of kind, change, mean IIA, IIA of the worst network and interventions a network; `starts` rows of
    start, searches, networks in which it won, share near the best, mean and best IIA; `networks` rows of network, IIA,
    answer change rate, start and outcome.
    """

    title: str
    description: str
    group: str
    site: str
    hypothesis: str
    variables: list[str]
    iia: list[float]
    range: list[float]
    no_effect: float
    one_directional: float | None
    cells: list[tuple[str, str, float, float, int]]
    starts: list[tuple[str, int, int, float, float, float]]
    agreement: float | None
    networks: list[tuple[str, float, float, str, str]]


@dataclass(frozen=True, kw_only=True)
class HeatMapEntry:
    """One entry of a heat map.

    Args:
        number: Index of its details in `HeatMaps.entries`.
        iia: Mean IIA over the networks of a group, from 0 to 1.
        above: Whether the whole 95 % interval lies above the chance levels.
        text: The entry in words, read aloud in place of the number.
    """

    number: int
    iia: float
    above: bool
    text: str


@dataclass(frozen=True, kw_only=True)
class HeatMap:
    """One heat map of the page.

    Args:
        title: Text above the map.
        corner: Heading of the column of row names, "size" or "group".
        sites: Names of the columns.
        rows: The name of each row with one entry a site, `None` where nothing is measured.
    """

    title: str
    corner: str
    sites: tuple[str, ...]
    rows: tuple[tuple[str, tuple[HeatMapEntry | None, ...]], ...]


class LineKey(NamedTuple):
    """What the entries of one column of a heat map have in common; `featurizer` includes the schedule."""

    group: str
    site: str
    hypothesis: str
    featurizer: str


class MapRow(NamedTuple):
    """One row of a heat map before it is filled in."""

    name: str
    group: str
    size: Size


@dataclass(frozen=True, kw_only=True)
class HeatMaps:
    """All heat maps of a run.

    Args:
        maps: For each hypothesis rows of maps that stand side by side.
        entries: What each entry shows when it is opened.
    """

    maps: dict[str, list[list[HeatMap]]]
    entries: list[EntryDetails]


def heat_map_details(run: Run) -> HeatMaps:
    """Lay out the heat maps of a run, and the details of their entries."""
    records: dict[LineKey, list[Record]] = {}
    for record in run.records:
        trial = record.trial
        featurizer = featurizer_label(trial.featurizer, trial.schedule)
        records.setdefault(LineKey(trial.group, trial.site, trial.hypothesis, featurizer), []).append(record)
    layout = _Layout(
        run=run,
        records=records,
        lines={LineKey(line.group, line.site, line.hypothesis, line.map): line for line in run.lines},
        entries=[],
        variables=run.study.task.build().hypothesis(run.study.asked).variables,
    )
    return HeatMaps(maps={name: layout.maps(name) for name in hypotheses(run.study)}, entries=layout.entries)


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """Builds maps and collects the details of their entries on the way; `variables` are those with verdicts."""

    run: Run
    records: dict[LineKey, list[Record]]
    lines: dict[LineKey, Line]
    entries: list[EntryDetails]
    variables: tuple[str, ...]

    def maps(self, hypothesis: str) -> list[list[HeatMap]]:
        """One row of maps a group, or a single row for all groups where there is only one size."""
        scores = HypothesisScores.of(self.run, hypothesis)
        groups = [group.name for group in self.run.study.networks]
        if len(scores.sizes) == 1:
            (size,) = scores.sizes
            rows = [MapRow(group, group, size) for group in groups]
            titles = {featurizer: f"{featurizer}, size {size}" for featurizer in scores.featurizers}
            return [[self._map(title, "group", rows, hypothesis, name) for name, title in titles.items()]]
        return [
            [
                self._map(
                    f"{group} · {featurizer}",
                    "size",
                    [MapRow(str(size), group, size) for size in scores.sizes[::-1]],
                    hypothesis,
                    featurizer,
                )
                for featurizer in scores.featurizers
            ]
            for group in groups
        ]

    def _map(self, title: str, corner: str, rows: Sequence[MapRow], hypothesis: str, featurizer: str) -> HeatMap:
        sites = self.run.study.sites
        filled = []
        for row in rows:
            keys = [LineKey(row.group, site, hypothesis, featurizer) for site in sites]
            filled.append((row.name, tuple(self._entry(key, row.size) for key in keys)))
        return HeatMap(title=title, corner=corner, sites=tuple(sites), rows=tuple(filled))

    def _entry(self, key: LineKey, size: Size) -> HeatMapEntry | None:
        line = self.lines.get(key)
        scores = next((entry for entry in line.sizes if entry.size == size), None) if line else None
        if line is None or scores is None:
            return None
        networks = [(record, entry) for record in self.records[key] for entry in record.sizes if entry.size == size]
        variables = list(self.variables) if key.hypothesis == self.run.study.asked else []
        self.entries.append(_details(line, scores, networks, variables))
        return HeatMapEntry(
            number=len(self.entries) - 1,
            iia=scores.iia.value,
            above=scores.iia.low > line.chance_level,
            text=f"{scores.iia.value:.3f}, {key.hypothesis} in {key.group} at {key.site}, "
            f"{key.featurizer}, size {size}",
        )


def _details(
    line: Line, scores: SizeLine, networks: Sequence[tuple[Record, Restarts]], variables: list[str]
) -> EntryDetails:
    restarts = [restarts for _, restarts in networks]
    return {
        "title": f"{line.group} · {line.site}",
        "description": f"{line.hypothesis}, {line.map}, size {scores.size}",
        "group": line.group,
        "site": line.site,
        "hypothesis": line.hypothesis,
        "variables": variables,
        "iia": [_round(value) for value in scores.iia],
        "range": [_round(scores.lowest), _round(scores.highest)],
        "no_effect": _round(line.no_effect),
        "one_directional": None if line.one_directional is None else _round(line.one_directional),
        "cells": _cells([entry.best for entry in restarts]),
        "starts": _starts(restarts),
        "agreement": _agreement(restarts),
        "networks": [_network(record, entry.best) for record, entry in networks],
    }


def _network(record: Record, best: Restart) -> tuple[str, float, float, str, str]:
    score = best.score
    return record.trial.network, _round(score.iia), _round(score.answer_change_rate), best.start, best.outcome


def _cells(best: Sequence[Restart]) -> list[tuple[str, str, float, float, int]]:
    """One row a kind of intervention and change of value, over networks."""
    rows: dict[tuple[str, str], list[tuple[float, int]]] = {}
    for restart in best:
        for cell in restart.score.cells:
            if cell.count:
                rows.setdefault((cell.kind.replace(JOINT, " and "), cell.change), []).append((cell.iia, cell.count))
    return [
        (
            kind,
            change,
            _round(float(np.mean([iia for iia, _ in scores]))),
            _round(min(scores)[0]),
            max(count for _, count in scores),
        )
        for (kind, change), scores in rows.items()
    ]


def _starts(networks: Sequence[Restarts]) -> list[tuple[str, int, int, float, float, float]]:
    """One row a start, over networks."""
    rows: dict[str, list[tuple[bool, bool, float]]] = {}
    for restarts in networks:
        for number, restart in enumerate(restarts.restarts):
            iia = restart.score.iia
            near = iia >= restarts.best.score.iia - SOLVED_WITHIN
            rows.setdefault(restart.start, []).append((number == restarts.best_index, near, iia))
    return [
        (
            start,
            len(searches),
            sum(won for won, _, _ in searches),
            _round(sum(near for _, near, _ in searches) / len(searches)),
            _round(float(np.mean([iia for *_, iia in searches]))),
            _round(max(iia for *_, iia in searches)),
        )
        for start, searches in rows.items()
    ]


def _agreement(networks: Sequence[Restarts]) -> float | None:
    """Share of directions that restarts near the best have in common with it, mean over networks; `None` if unknown."""
    shares = [share for restarts in networks for share in restarts.agreeing(SOLVED_WITHIN)]
    return _round(float(np.mean(shares))) if shares else None


def _round(value: float) -> float:
    return round(float(value), PAGE_DIGITS)
