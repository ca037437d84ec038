"""The figure of re-use: how well a new question is answered from few labels, and from many."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import matplotlib as mpl
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from interlocus.studies.results.reuse_curves import ReuseCurve
from interlocus.studies.run import Run

GREY = "#555555"
NAMES = {
    "read": "values read from the directions found",
    "probed": "values read from the whole layer",
    "features": "directions found",
    "random": "as many random directions",
    "layer": "whole layer (probe)",
    "retrained": "network, trained further",
}
"""How the ways are called in the legend."""


def reuse_figure(run: Run) -> Figure | None:
    """Accuracy on fresh examples against the number of labels, a line a way, a panel a family.

    Points are means over networks with their 95 % bootstrap intervals; dotted is what is right without looking. `None`
    where the study asks nothing new, or nothing is measured yet.
    """
    groups = list(dict.fromkeys(curve.group for curve in run.reuse))
    if not groups:
        return None
    with style.context(["default", "interlocus.interlocus"]):
        figure = Figure(figsize=(max(6.0, 4.0 * len(groups)), 4.2), layout="constrained")
        panels = figure.subplots(1, len(groups), squeeze=False, sharey=True)[0]
        for axes, group in zip(panels, groups, strict=True):
            _draw(axes, [curve for curve in run.reuse if curve.group == group])
        figure.supylabel("accuracy on fresh examples", fontsize="medium")
        handles, names = panels[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper center", ncols=2)
    return figure


def _draw(axes: Axes, curves: Sequence[ReuseCurve]) -> None:
    looks = itertools.cycle((look["color"], look["marker"]) for look in mpl.rcParams["axes.prop_cycle"])
    middle = (len(curves) - 1) / 2
    for number, (curve, (colour, marker)) in enumerate(zip(curves, looks, strict=False)):
        labels = [count * 1.04 ** (number - middle) for count in curve.labels]  # beside each other, not on top
        accuracy = [interval.value for interval in curve.accuracy]
        dashes = "--" if curve.way == "probed" else "-"  # it may lie on that of `read`
        axes.plot(labels, accuracy, color=colour, marker=marker, linestyle=dashes, label=NAMES[curve.way], zorder=3)
        low, high = [interval.low for interval in curve.accuracy], [interval.high for interval in curve.accuracy]
        axes.vlines(labels, low, high, color=colour, zorder=3)
    first = curves[0]
    axes.axhline(first.commonest, color=GREY, linewidth=0.8, linestyle=":", zorder=1)
    axes.text(1.01, first.commonest, "commonest", transform=axes.get_yaxis_transform(), va="center", color=GREY)
    axes.set_xscale("log")
    axes.set_xticks(first.labels, [f"{count:,}" for count in first.labels])
    axes.minorticks_off()
    axes.set_title(f"{first.group} · {first.question} · {first.networks} networks")
    axes.set_xlabel("labels")
