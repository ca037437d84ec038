"""How restarts agree: where each search ended, by the start from which it began."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from interlocus.report.figures._base import (
    GREY,
    AbstractFigure,
    HypothesisScores,
    LineStyle,
    Picture,
    Section,
    house_style,
    hypothesis_text,
    line_styles,
    starts_of,
)
from interlocus.studies.records import Record
from interlocus.studies.results.scores import featurizer_label
from interlocus.studies.run import Run


@final
class RestartsFigure(AbstractFigure):
    """One dot a search for the hypothesis under study: test IIA at the best size of its network, by site."""

    name = "restarts"
    section = Section(
        anchor="starts", title="Which start won, and how restarts agree", link="Starts and restarts", required=True
    )
    label = "Test accuracy of every search, by site and start"
    caption = (
        "Every search for {subject}, at the best size of its network. Dots of one start that lie together reached the "
        "same score; dots far to the left of others missed what another search found."
    )

    def available(self, run: Run) -> bool:
        return any(line.hypothesis == run.study.asked for line in run.lines)

    def draw(self, run: Run) -> Sequence[Picture]:
        return [Picture(drawing=restart_strips(run), subject=hypothesis_text(run.study, run.study.asked))]


def restart_strips(run: Run) -> Figure:
    """One panel a group and featurizer, one row a site, colours and markers by start.

    Where the study has trained networks, untrained ones are left out: they hold nothing to agree on.
    """
    scores = HypothesisScores.of(run, run.study.asked)
    searched = [group for group in run.study.networks if any(line[0] == group.name for line in scores.lines)]
    groups = [group.name for group in searched if group.trained] or [group.name for group in searched]
    records = _by_group_and_featurizer(run, scores.hypothesis)
    sites, starts = run.study.sites, list(starts_of(run.study))
    shape = len(groups), len(scores.featurizers)
    height = shape[0] * (0.16 * len(sites) * (len(starts) + 1) + 0.55) + 1.0
    with house_style():
        figure = Figure(figsize=(max(6.0, 3.7 * shape[1] + 0.8), height), layout="constrained")
        panels = figure.subplots(*shape, squeeze=False, sharex=True, sharey=True)
        for (row, column), axes in np.ndenumerate(panels):
            group, featurizer = groups[row], scores.featurizers[column]
            axes.set_title(f"{group} · {featurizer}")
            _draw_panel(axes, records.get((group, featurizer), []), sites, line_styles(starts))
            if scores.any_line and scores.any_line.one_directional is not None:
                axes.axvline(scores.any_line.one_directional, color=GREY, linewidth=0.8, linestyle=":", zorder=1)
        panels[0, 0].set(yticks=range(len(sites)), yticklabels=sites, ylim=(len(sites) - 0.5, -0.5), xlim=(None, 1.02))
        label = f"IIA of {scores.hypothesis}, one dot a search; dotted: one-directional chance level"
        figure.supxlabel(label, fontsize="medium")
        handles = [_dots([], [], style, style.name) for style in line_styles(starts)]
        figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), title="started from")
    return figure


def _by_group_and_featurizer(run: Run, hypothesis: str) -> dict[tuple[str, str], list[Record]]:
    records: dict[tuple[str, str], list[Record]] = {}
    for record in run.records:
        trial = record.trial
        if trial.hypothesis == hypothesis:
            records.setdefault((trial.group, featurizer_label(trial.featurizer, trial.schedule)), []).append(record)
    return records


def _draw_panel(axes: Axes, records: Sequence[Record], sites: Sequence[str], starts: Sequence[LineStyle]) -> None:
    for place, site in enumerate(sites):
        at_site = [record for record in records if record.trial.site == site]
        best = [max(record.sizes, key=lambda entry: entry.best.validation) for record in at_site]
        for number, style in enumerate(starts):
            iias = [restart.score.iia for entry in best for restart in entry.restarts if restart.start == style.name]
            height = place + 0.7 * ((number + 0.5) / len(starts) - 0.5)
            axes.add_line(_dots(iias, [height] * len(iias), style))
    axes.autoscale_view()


def _dots(xs: Sequence[float], ys: Sequence[float], style: LineStyle, label: str = "") -> Line2D:
    return Line2D(xs, ys, color=style.colour, marker=style.marker, linestyle="", alpha=0.55, markersize=4, label=label)
