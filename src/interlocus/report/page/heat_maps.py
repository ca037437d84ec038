"""What lies behind an entry of a heat map: its cells, starts, restarts and networks, as plain values for the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from interlocus.alignment.dimensions import Size
from interlocus.alignment.metrics import JOINT
from interlocus.report.figures._base import AskedScores, hypotheses, map_name
from interlocus.searches.results import Restart, Restarts
from interlocus.studies.records import Record
from interlocus.studies.results.answers import SOLVED_WITHIN
from interlocus.studies.results.summary import Line, SizeLine
from interlocus.studies.run import Run

PAGE_DIGITS = 4


@dataclass(frozen=True, kw_only=True)
class PanelEntry:
    """One entry of a heat map.

    Args:
        number: its place among the details.
        iia: mean over networks.
        above: whether the whole interval lies above what can be scored without the variable.
        text: in words.
    """

    number: int
    iia: float
    above: bool
    text: str


@dataclass(frozen=True, kw_only=True)
class HeatMap:
    """One map of the page: rows of entries over sites. A row without a name is a family with one size.

    Args:
        title: above it.
        rows: for each its name, and an entry a site, `None` where nothing is there.
    """

    title: str
    corner: str
    sites: tuple[str, ...]
    rows: tuple[tuple[str, tuple[PanelEntry | None, ...]], ...]


PanelKey = tuple[str, str, str, str]


@dataclass(frozen=True, kw_only=True)
class Details:
    """All entries of a run.

    Args:
        maps: for each hypothesis, and each family or all of them, the maps that stand side by side.
        entries: what is behind each entry.
    """

    maps: dict[str, list[list[HeatMap]]]
    entries: list[dict[str, Any]]


def details(run: Run) -> Details:
    """Lay out the heat maps of a run, and what is behind their entries."""
    records: dict[PanelKey, list[Record]] = {}
    for record in run.records:
        trial = record.trial
        name = map_name(trial.featurizer, trial.schedule)
        records.setdefault((trial.group, trial.site, trial.hypothesis, name), []).append(record)
    lines = {(line.group, line.site, line.hypothesis, line.map): line for line in run.lines}
    maker = _Maker(run=run, records=records, lines=lines, entries=[], asked=_asked(run))
    return Details(maps={name: maker.maps(name) for name in hypotheses(run.study)}, entries=maker.entries)


def _asked(run: Run) -> tuple[str, ...]:
    """The variables on which there are verdicts."""
    return run.study.task.build().hypothesis(run.study.asked).variables


@dataclass(frozen=True, kw_only=True)
class _Maker:
    run: Run
    records: dict[PanelKey, list[Record]]
    lines: dict[PanelKey, Line]
    entries: list[dict[str, Any]]
    asked: tuple[str, ...]

    def maps(self, hypothesis: str) -> list[list[HeatMap]]:
        """A block a family, or one for all where there is one size."""
        asked = AskedScores.of(self.run, hypothesis)
        maps, sizes = asked.maps, asked.sizes
        groups = [group.name for group in self.run.study.networks]
        if len(sizes) == 1:
            return [
                [
                    self._map(f"{name}, size {sizes[0]}", "group", [(f, f, name, sizes[0]) for f in groups], hypothesis)
                    for name in maps
                ]
            ]
        return [
            [
                self._map(f"{group} · {name}", "size", [(str(k), group, name, k) for k in sizes[::-1]], hypothesis)
                for name in maps
            ]
            for group in groups
        ]

    def _map(self, title: str, corner: str, rows: Sequence[tuple[str, str, str, Size]], hypothesis: str) -> HeatMap:
        sites = self.run.study.sites
        made = []
        for name, group, map_, size in rows:
            keys = [(group, site, hypothesis, map_) for site in sites]
            made.append((name, tuple(self._entry(key, size) for key in keys)))
        return HeatMap(title=title, corner=corner, sites=tuple(sites), rows=tuple(made))

    def _entry(self, key: PanelKey, size: Size) -> PanelEntry | None:
        line = self.lines.get(key)
        found = next((entry for entry in line.sizes if entry.size == size), None) if line else None
        if line is None or found is None:
            return None
        group, site, hypothesis, map_ = key
        own = [(r, entry) for r in self.records[key] for entry in r.sizes if entry.size == size]
        variables = self.asked if hypothesis == self.run.study.asked else ()
        self.entries.append(_plain(line, found, own) | {"variables": list(variables)})
        return PanelEntry(
            number=len(self.entries) - 1,
            iia=found.iia.value,
            above=found.iia.low > line.bar,
            text=f"{found.iia.value:.3f}, {hypothesis} in {group} at {site}, {map_}, size {size}",
        )


def _plain(line: Line, found: SizeLine, own: Sequence[tuple[Record, Restarts]]) -> dict[str, Any]:
    return {
        "title": f"{line.group} · {line.site}",
        "about": f"{line.hypothesis}, {line.map} maps, size {found.size}",
        "group": line.group,
        "site": line.site,
        "hypothesis": line.hypothesis,
        "iia": [_round(value) for value in found.iia],
        "range": [_round(found.lowest), _round(found.highest)],
        "no_effect": _round(line.no_effect),
        "one_directional": None if line.one_directional is None else _round(line.one_directional),
        "cells": _cells([restarts.best for _, restarts in own]),
        "starts": _starts([restarts for _, restarts in own]),
        "agreement": _agreement([restarts for _, restarts in own]),
        "networks": [
            [
                record.trial.network,
                _round(best.score.iia),
                _round(best.score.answer_change_rate),
                best.start,
                best.outcome,
            ]
            for record, best in ((record, restarts.best) for record, restarts in own)
        ],
    }


def _cells(best: Sequence[Restart]) -> list[list[Any]]:
    """For each sort of intervention the mean over networks, the worst network, and how often it was asked of each."""
    rows: dict[tuple[str, str], list[tuple[float, int]]] = {}
    for restart in best:
        for cell in restart.score.cells:
            if cell.count:
                rows.setdefault((cell.kind.replace(JOINT, " and "), cell.change), []).append((cell.iia, cell.count))
    return [
        [kind, change, _round(float(np.mean([iia for iia, _ in own]))), _round(min(own)[0]), max(n for _, n in own)]
        for (kind, change), own in rows.items()
    ]


def _starts(own: Sequence[Restarts]) -> list[list[Any]]:
    """For each start: searches, networks in which it won, share that came near to the best, mean and best IIA."""
    rows: dict[str, list[tuple[bool, bool, float]]] = {}
    for restarts in own:
        for number, restart in enumerate(restarts.restarts):
            iia = restart.score.iia
            near = iia >= restarts.best.score.iia - SOLVED_WITHIN
            rows.setdefault(restart.start, []).append((number == restarts.best_index, near, iia))
    return [
        [
            start,
            len(tried),
            sum(won for won, _, _ in tried),
            _round(sum(near for _, near, _ in tried) / len(tried)),
            _round(float(np.mean([iia for *_, iia in tried]))),
            _round(max(iia for *_, iia in tried)),
        ]
        for start, tried in rows.items()
    ]


def _agreement(own: Sequence[Restarts]) -> float | None:
    """How far restarts that came near to the best hold the variables in the same directions, over all networks."""
    shares = [share for restarts in own for share in restarts.agreeing(SOLVED_WITHIN)]
    return _round(float(np.mean(shares))) if shares else None


def _round(value: float) -> float:
    return round(float(value), PAGE_DIGITS)
