"""In how many features: IIA against size, with all that it is held against."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from interlocus.alignment.dimensions import mean_size
from interlocus.controls.ground_truth.recipes import PLANTING_RECIPES
from interlocus.report.figures._base import (
    GREY,
    AskedScores,
    by_row,
    dashed_line,
    faint_line,
    house_style,
    looks,
    map_name,
    mean_line,
    planted_line,
    untrained_twin,
)
from interlocus.studies.results.planted import planted_name
from interlocus.studies.results.summary import Line
from interlocus.studies.run import Run
from interlocus.studies.spec.networks import NetworkGroup


def size_curve(run: Run, hypothesis: str) -> Figure:
    """Mean IIA over networks against size with its bootstrap interval, a line a site, a panel a family and map.

    Each network is a faint line. Untrained networks that are built alike are dashed in the panels of the trained ones,
    and the best score in networks with planted variables is a line across, where they were searched.
    """
    asked, groups = AskedScores.of(run, hypothesis), run.study.networks
    size = (max(6.0, 3.9 * len(asked.maps) + 1.0), 2.3 * len(groups) + 0.7)
    with house_style():
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(len(groups), len(asked.maps), squeeze=False, sharex=True, sharey=True)
        for (row, column), axes in np.ndenumerate(panels):
            _draw_curves(axes, asked, groups[row], asked.maps[column])
            _draw_planted(axes, run, asked, groups[row])
        _set_axes(panels[0, 0], asked)  # the others share its axes
        figure.supxlabel("size (features a variable)", fontsize="medium")
        figure.supylabel(f"IIA of {hypothesis}", fontsize="medium")
        _draw_levels(panels, asked.levels)
        columns = max(4, len(run.study.sites))  # sites in the first row
        figure.legend(handles=by_row(_legend(run), columns), loc="outside upper center", ncols=columns)
    return figure


def _draw_curves(axes: Axes, asked: AskedScores, group: NetworkGroup, map_: str) -> None:
    axes.set_title(f"{group.name} · {map_}")
    twin = untrained_twin(asked.study, group)
    rows = [row for row in asked.rows if (row.group, map_name(row.featurizer, row.schedule)) == (group.name, map_)]
    for look in looks(asked.study.sites):
        for network in group.networks:
            own = [row for row in rows if (row.network, row.site) == (network, look.name)]
            axes.add_line(
                faint_line([mean_size(row.size) * look.shift for row in own], [row.iia for row in own], look.colour)
            )
        if twin and (line := asked.lines.get((twin.name, look.name, map_))):
            sizes = [mean_size(entry.size) * look.shift for entry in line.sizes]
            axes.add_line(dashed_line(sizes, [entry.iia.value for entry in line.sizes], look.colour))
        if line := asked.lines.get((group.name, look.name, map_)):
            sizes, iias = (
                [mean_size(entry.size) * look.shift for entry in line.sizes],
                [entry.iia for entry in line.sizes],
            )
            axes.add_line(mean_line(sizes, [iia.value for iia in iias], look))
            axes.vlines(sizes, [iia.low for iia in iias], [iia.high for iia in iias], color=look.colour, zorder=3)


def _draw_planted(axes: Axes, run: Run, asked: AskedScores, group: NetworkGroup) -> None:
    """What the same searches reach where the variables certainly are, whatever the size."""
    if asked.hypothesis != run.study.asked or not asked.sizes:
        return
    ends = [mean_size(asked.sizes[0]), mean_size(asked.sizes[-1])]
    for look in looks(run.study.sites):
        if best := _planted(run, group, look.name):
            axes.add_line(planted_line(ends, [float(np.mean(best))] * 2, look.colour))


def _planted(run: Run, group: NetworkGroup, site: str) -> list[float]:
    """For each network in which the variables were planted at a site the best score of the study's searches."""
    names = [planted_name(group, site, kind) for kind in PLANTING_RECIPES] if group.trained else []
    planted = run.measurements.planted
    return [iia for name in names if name in planted for iia in planted[name].best]


def _set_axes(first: Axes, asked: AskedScores) -> None:
    first.set_xscale("log", base=2)
    places = [mean_size(size) for size in asked.sizes]
    first.set_xticks(places, [str(size) for size in asked.sizes])
    first.set_xlim(places[0] / 1.3, places[-1] * 1.3)
    first.set_ylim(min([0.45, *(row.iia - 0.02 for row in asked.rows)]), 1.02)


def _draw_levels(panels: np.ndarray, levels: Line | None) -> None:
    """What is reached without the variable: a dotted line in each panel, named beside the last of each row."""
    named = (("do nothing", levels.no_effect), ("one-sided", levels.one_directional)) if levels else ()
    for name, level in named:
        if level is None:
            continue
        for axes in panels.flat:
            axes.axhline(level, color=GREY, linewidth=0.8, linestyle=":", zorder=1)
        for axes in panels[:, -1]:
            where = axes.get_yaxis_transform()  # x in widths of the panel, y in IIA
            axes.text(1.02, level, f"{name}\n{level:.3f}", transform=where, va="center", color=GREY, fontsize="small")


def _legend(run: Run) -> list[Line2D]:
    study = run.study
    handles = [mean_line([], [], look, look.name) for look in looks(study.sites)]
    handles.append(faint_line([], [], GREY, "one network"))
    if any(untrained_twin(study, group) for group in study.networks):
        handles.append(dashed_line([], [], GREY, "untrained networks, mean"))
    if any(_planted(run, group, site) for group in study.networks for site in study.sites):
        handles.append(planted_line([], [], GREY, "planted networks, best"))
    return handles
