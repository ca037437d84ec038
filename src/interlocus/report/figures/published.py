"""Scores of this run beside published scores of networks of the same kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from interlocus.report.figures._base import AbstractFigure, Picture, Section
from interlocus.studies.results.published import PublishedComparison, compare_with_published
from interlocus.studies.run import Run

OURS, PUBLISHED = "#0072b2", "#d55e00"
"""Blue and vermilion of Okabe and Ito, which colour-blind people tell apart; the markers differ as well."""


@final
class PublishedFigure(AbstractFigure):
    """IIA by site and size, one row a featurizer.

    Ours is the mean over networks with its 95 % interval; the published score is a mean with the range over networks.
    """

    name = "published"
    section = Section(anchor="published", title="Comparison with published scores", link="Published scores")
    label = "Scores of this run beside published ones"
    caption = (
        "Means of this run with their 95 % intervals over networks, and published means with their range over "
        "networks, by site and size."
    )

    def available(self, run: Run) -> bool:
        return bool(compare_with_published(run.study, run.lines))

    def draw(self, run: Run) -> Sequence[Picture]:
        return [Picture(drawing=published_figure(compare_with_published(run.study, run.lines)))]


def published_figure(pairs: Sequence[PublishedComparison]) -> Figure:
    """Draw scores of a run beside the published ones.

    Args:
        pairs: One or more pairs of our score and the published one, in the order in which they are drawn.
    """
    rows = list(dict.fromkeys((pair.group, pair.map, pair.published.method) for pair in pairs))
    figure = Figure(figsize=(7, 0.6 + 1.5 * len(rows)), layout="constrained")
    panels = figure.subplots(len(rows), 1, squeeze=False)[:, 0]
    for axes, row in zip(panels, rows, strict=True):
        _draw_row(axes, [pair for pair in pairs if (pair.group, pair.map, pair.published.method) == row])
        axes.set_title(f"{row[0]}, {row[1]}", loc="left", fontsize="small")
        axes.set_ylim(0.4, 1.05)
        axes.set_ylabel("IIA")
    panels[0].legend(fontsize="x-small", loc="upper right", frameon=False)
    return figure


def _draw_row(axes: Axes, pairs: Sequence[PublishedComparison]) -> None:
    for place, pair in enumerate(pairs):
        theirs, value = pair.published, pair.published.value
        assert value is not None
        interval = [[pair.iia.value - pair.iia.low], [pair.iia.high - pair.iia.value]]
        labels = ("here", "published") if place == 0 else (None, None)
        axes.errorbar([place - 0.1], [pair.iia.value], yerr=interval, fmt="o", color=OURS, label=labels[0])
        spread = None
        if theirs.mean is not None and theirs.lowest is not None and theirs.highest is not None:
            spread = [[value - theirs.lowest], [theirs.highest - value]]
        axes.errorbar([place + 0.1], [value], yerr=spread, fmt="D", color=PUBLISHED, label=labels[1])
    ticks = [f"{pair.published.site}\nsize {pair.published.size}" for pair in pairs]
    axes.set_xticks(range(len(pairs)), ticks, fontsize="x-small")
    axes.set_xlim(-0.5, len(pairs) - 0.5)
