"""How restarts agree: where each search ended, by the start from which it began."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from interlocus.report.figures._base import GREY, AskedScores, Look, house_style, looks, starts_of
from interlocus.studies.records import Record
from interlocus.studies.results.scores import map_label
from interlocus.studies.run import Run


def restart_strips(run: Run) -> Figure:
    """A dot a search for what the study asks in the first place: test IIA at the best size of its network, by site.

    A panel a family and map, a row a site, colours and markers by start. Dots that lie on each other agree.
    Where there are trained networks, the others, which hold nothing to agree on, are left out.
    """
    asked = AskedScores.of(run, run.study.asked)
    searched = [group for group in run.study.networks if any(line[0] == group.name for line in asked.lines)]
    groups = [group for group in searched if group.trained] or searched
    records = [record for record in run.records if record.trial.hypothesis == asked.hypothesis]
    sites, starts = run.study.sites, list(starts_of(run.study))
    shape = len(groups), len(asked.maps)
    height = shape[0] * (0.16 * len(sites) * (len(starts) + 1) + 0.55) + 1.0
    with house_style():
        figure = Figure(figsize=(max(6.0, 3.7 * shape[1] + 0.8), height), layout="constrained")
        panels = figure.subplots(*shape, squeeze=False, sharex=True, sharey=True)
        for (row, column), axes in np.ndenumerate(panels):
            group, map_ = groups[row].name, asked.maps[column]
            axes.set_title(f"{group} · {map_}")
            own = [
                one
                for one in records
                if (one.trial.group, map_label(one.trial.featurizer, one.trial.schedule)) == (group, map_)
            ]
            _draw(axes, own, sites, looks(starts))
            if asked.levels and asked.levels.one_directional is not None:
                axes.axvline(asked.levels.one_directional, color=GREY, linewidth=0.8, linestyle=":", zorder=1)
        panels[0, 0].set(yticks=range(len(sites)), yticklabels=sites, ylim=(len(sites) - 0.5, -0.5), xlim=(None, 1.02))
        figure.supxlabel(
            f"IIA of {asked.hypothesis}, one dot a search; dotted: the one-sided ceiling", fontsize="medium"
        )
        handles = [_dots([], [], look, look.name) for look in looks(starts)]
        figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), title="started from")
    return figure


def _draw(axes: Axes, records: Sequence[Record], sites: Sequence[str], starts: Sequence[Look]) -> None:
    for place, site in enumerate(sites):
        here = [record for record in records if record.trial.site == site]
        best = [max(record.sizes, key=lambda entry: entry.best.validation) for record in here]
        for number, look in enumerate(starts):
            iias = [one.score.iia for entry in best for one in entry.restarts if one.start == look.name]
            height = place + 0.7 * ((number + 0.5) / len(starts) - 0.5)
            axes.add_line(_dots(iias, [height] * len(iias), look))
    axes.autoscale_view()


def _dots(xs: Sequence[float], ys: Sequence[float], look: Look, label: str = "") -> Line2D:
    return Line2D(xs, ys, color=look.colour, marker=look.marker, linestyle="", alpha=0.55, markersize=4, label=label)
