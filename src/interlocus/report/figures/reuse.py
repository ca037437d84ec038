"""Re-use of located variables: how well a new question is answered from few labels, and from many."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from interlocus.report.figures._base import GREY, AbstractFigure, Picture, Section, house_style
from interlocus.studies.results.reuse_curves import ReuseCurve
from interlocus.studies.run import Run

WAY_LABELS: Mapping[str, str] = {
    "read": "values read from the located directions",
    "probed": "values read from the whole layer",
    "features": "located directions",
    "random": "equally many random directions",
    "layer": "whole layer (probe)",
    "retrained": "network, trained further",
}
"""What the legend calls each way of answering the new question."""


@final
class ReuseFigure(AbstractFigure):
    """Accuracy on fresh examples against the number of labels, one curve a way of answering, one panel a group."""

    name = "reuse"
    section = Section(anchor="reuse", title="What locating saves: a new question", link="A new question")
    label = "Accuracy on a new question against the number of labels, one curve a way of answering"
    caption = (
        "A new question about the located variables, {subject}, answered from few labels and from many. Points: "
        "accuracy on fresh examples, mean over networks with its 95 % interval. Dotted: accuracy of the most frequent "
        "label. Curves of values use more than these labels: their read-outs were fitted to examples whose values the "
        "causal model gives, for the located directions and for the whole layer alike."
    )

    def available(self, run: Run) -> bool:
        return bool(run.reuse)

    def draw(self, run: Run) -> Sequence[Picture]:
        curves = run.reuse
        return [Picture(drawing=reuse_figure(curves), subject=curves[0].question)]


def reuse_figure(curves: Sequence[ReuseCurve]) -> Figure:
    """Draw curves of one question or several.

    Args:
        curves: One or more curves; those of one group share a panel.
    """
    groups = list(dict.fromkeys(curve.group for curve in curves))
    with house_style():
        figure = Figure(figsize=(max(6.0, 4.0 * len(groups)), 4.2), layout="constrained")
        panels = figure.subplots(1, len(groups), squeeze=False, sharey=True)[0]
        for axes, group in zip(panels, groups, strict=True):
            _draw_panel(axes, [curve for curve in curves if curve.group == group])
        figure.supylabel("accuracy on fresh examples", fontsize="medium")
        handles, names = panels[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper center", ncols=2)
    return figure


def _draw_panel(axes: Axes, curves: Sequence[ReuseCurve]) -> None:
    styles = itertools.cycle((entry["color"], entry["marker"]) for entry in mpl.rcParams["axes.prop_cycle"])
    middle = (len(curves) - 1) / 2
    for number, (curve, (colour, marker)) in enumerate(zip(curves, styles, strict=False)):
        labels = [count * 1.04 ** (number - middle) for count in curve.labels]  # side by side, not on top of each other
        accuracy = [interval.value for interval in curve.accuracy]
        dashes = "--" if curve.way == "probed" else "-"  # it may coincide with the curve of `read`
        name = WAY_LABELS[curve.way]
        axes.plot(labels, accuracy, color=colour, marker=marker, linestyle=dashes, label=name, zorder=3)
        low, high = [interval.low for interval in curve.accuracy], [interval.high for interval in curve.accuracy]
        axes.vlines(labels, low, high, color=colour, zorder=3)
    first = curves[0]
    axes.axhline(first.commonest, color=GREY, linewidth=0.8, linestyle=":", zorder=1)
    transform = axes.get_yaxis_transform()
    axes.text(1.01, first.commonest, "most\nfrequent\nlabel", transform=transform, va="center", color=GREY)
    axes.set_xscale("log")
    axes.set_xticks(first.labels, [f"{count:,}" for count in first.labels])
    axes.minorticks_off()
    axes.set_title(f"{first.group} · {first.question} · {first.networks} networks")
    axes.set_xlabel("labels")
