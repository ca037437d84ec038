"""In how many features: IIA against size, with everything it is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from interlocus.alignment.dimensions import mean_size
from interlocus.controls.ground_truth.recipes import PLANTING_RECIPES
from interlocus.report.figures._base import (
    GREY,
    AbstractFigure,
    HypothesisScores,
    LineStyle,
    Picture,
    Section,
    fill_rows_first,
    house_style,
    hypotheses,
    hypothesis_text,
    line_styles,
    mean_line,
    network_line,
    planted_line,
    untrained_counterpart,
    untrained_line,
)
from interlocus.studies.results.planted import planted_name
from interlocus.studies.results.scores import Row, featurizer_label
from interlocus.studies.results.summary import Line
from interlocus.studies.run import Run
from interlocus.studies.spec.networks import NetworkGroup


@final
class SizeCurveFigure(AbstractFigure):
    """One picture a hypothesis that is searched at several sizes."""

    name = "size_curve"
    section = Section(anchor="curves", title="In how many features: size curves", link="In how many features")
    label = "Interchange intervention accuracy against size, one line a site, for {subject}"
    caption = (
        "IIA for {subject} against size. Bold: mean over networks with its 95 % interval; sites stand side by side at "
        "each size. Thin: one network. Dashed: mean of untrained networks of the same architecture. Dash-dotted: mean "
        "of the best scores in networks with planted variables, where that was measured. Dotted: the no-effect and "
        "one-directional chance levels."
    )

    def available(self, run: Run) -> bool:
        return bool(_hypotheses_with_sizes(run))

    def draw(self, run: Run) -> Sequence[Picture]:
        return [
            Picture(drawing=size_curve(run, name), suffix=name, subject=hypothesis_text(run.study, name))
            for name in _hypotheses_with_sizes(run)
        ]


def _hypotheses_with_sizes(run: Run) -> list[str]:
    return [name for name in hypotheses(run.study) if len(HypothesisScores.of(run, name).sizes) > 1]


def size_curve(run: Run, hypothesis: str) -> Figure:
    """Mean IIA over networks against size with its interval, one line a site, one panel a group and featurizer.

    Each network is a faint line. Untrained networks of the same architecture are dashed in the panels of the trained
    ones, and the best score in networks with planted variables is a horizontal line, where they were searched.
    """
    scores, groups = HypothesisScores.of(run, hypothesis), run.study.networks
    size = (max(6.0, 3.9 * len(scores.featurizers) + 1.0), 2.3 * len(groups) + 0.7)
    with house_style():
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(len(groups), len(scores.featurizers), squeeze=False, sharex=True, sharey=True)
        for (row, column), axes in np.ndenumerate(panels):
            _draw_curves(axes, scores, groups[row], scores.featurizers[column])
            _draw_planted(axes, run, scores, groups[row])
        _set_axes(panels[0, 0], scores)  # the others share its axes
        figure.supxlabel("size (features a variable)", fontsize="medium")
        figure.supylabel(f"IIA of {hypothesis}", fontsize="medium")
        _draw_chance_levels(panels, scores.any_line)
        columns = max(4, len(run.study.sites))  # all sites in the first row
        handles = fill_rows_first(_legend(run), columns)
        figure.legend(handles=handles, loc="outside upper center", ncols=columns)
    return figure


def _draw_curves(axes: Axes, scores: HypothesisScores, group: NetworkGroup, featurizer: str) -> None:
    axes.set_title(f"{group.name} · {featurizer}")
    untrained = untrained_counterpart(scores.study, group)
    rows = [row for row in scores.rows if _panel(row) == (group.name, featurizer)]
    for style in line_styles(scores.study.sites):
        for network in group.networks:
            points = [row for row in rows if (row.network, row.site) == (network, style.name)]
            sizes = [mean_size(row.size) * style.shift for row in points]
            axes.add_line(network_line(sizes, [row.iia for row in points], style.colour))
        if untrained and (line := scores.lines.get((untrained.name, style.name, featurizer))):
            means = [entry.iia.value for entry in line.sizes]
            axes.add_line(untrained_line(_positions(line, style), means, style.colour))
        if line := scores.lines.get((group.name, style.name, featurizer)):
            sizes, iias = _positions(line, style), [entry.iia for entry in line.sizes]
            axes.add_line(mean_line(sizes, [iia.value for iia in iias], style))
            axes.vlines(sizes, [iia.low for iia in iias], [iia.high for iia in iias], color=style.colour, zorder=3)


def _panel(row: Row) -> tuple[str, str]:
    return row.group, featurizer_label(row.featurizer, row.schedule)


def _positions(line: Line, style: LineStyle) -> list[float]:
    """Where the sizes of a line stand on the horizontal axis."""
    return [mean_size(entry.size) * style.shift for entry in line.sizes]


def _draw_planted(axes: Axes, run: Run, scores: HypothesisScores, group: NetworkGroup) -> None:
    """A horizontal line a site: what the same searches reach in networks with planted variables, at any size."""
    if scores.hypothesis != run.study.asked or not scores.sizes:
        return
    ends = [mean_size(scores.sizes[0]), mean_size(scores.sizes[-1])]
    for style in line_styles(run.study.sites):
        if best := _planted_scores(run, group, style.name):
            axes.add_line(planted_line(ends, [float(np.mean(best))] * 2, style.colour))


def _planted_scores(run: Run, group: NetworkGroup, site: str) -> list[float]:
    """The best score of the study's searches in each network with variables planted at a site."""
    names = [planted_name(group, site, kind) for kind in PLANTING_RECIPES] if group.trained else []
    planted = run.measurements.planted
    return [iia for name in names if name in planted for iia in planted[name].best]


def _set_axes(first: Axes, scores: HypothesisScores) -> None:
    first.set_xscale("log", base=2)
    places = [mean_size(size) for size in scores.sizes]
    first.set_xticks(places, [str(size) for size in scores.sizes])
    first.set_xlim(places[0] / 1.3, places[-1] * 1.3)
    first.set_ylim(min([0.45, *(row.iia - 0.02 for row in scores.rows)]), 1.02)


def _draw_chance_levels(panels: np.ndarray, line: Line | None) -> None:
    """A dotted line a chance level in each panel, named beside the last panel of each row."""
    levels = (("no effect", line.no_effect), ("one-directional", line.one_directional)) if line else ()
    for name, level in levels:
        if level is None:
            continue
        for axes in panels.flat:
            axes.axhline(level, color=GREY, linewidth=0.8, linestyle=":", zorder=1)
        for axes in panels[:, -1]:
            transform = axes.get_yaxis_transform()  # x in widths of the panel, y in IIA
            text = f"{name}\n{level:.3f}"
            axes.text(1.02, level, text, transform=transform, va="center", color=GREY, fontsize="small")


def _legend(run: Run) -> list[Line2D]:
    study = run.study
    handles = [mean_line([], [], style, style.name) for style in line_styles(study.sites)]
    handles.append(network_line([], [], GREY, "one network"))
    if any(untrained_counterpart(study, group) for group in study.networks):
        handles.append(untrained_line([], [], GREY, "untrained networks, mean"))
    if any(_planted_scores(run, group, site) for group in study.networks for site in study.sites):
        handles.append(planted_line([], [], GREY, "planted networks, best"))
    return handles
