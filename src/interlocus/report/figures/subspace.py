"""A look into a found subspace: states of bases and sources, and what the exchange makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from interlocus.report.figures._base import house_style
from interlocus.studies.projection import Projection, States

DOT = 4.2
"""Points across."""
_ENDS: tuple[Literal["round", "projecting"], ...] = ("round", "projecting")


def subspace_picture(projections: Sequence[Projection]) -> Figure:
    """A row a variable; states of bases, of sources, and of bases into which the sources' value was put.

    Colour and shape tell the value that a state has, or was given. A cross: the network's answer does not follow.
    """
    with house_style():
        height = 2.2 * len(projections) + 0.5
        figure = Figure(figsize=(7.4, height))
        panels = figure.subplots(len(projections), 3, squeeze=False, sharex="row", sharey="row")
        figure.subplots_adjust(0.05, 0.3 / height, 0.985, 1 - 0.65 / height, wspace=0.06, hspace=0.32)
        for row, one in zip(panels, projections, strict=True):
            for axes, (name, states) in zip(row, one.states.items(), strict=True):
                axes.set_title(f"{one.variable}: {name}")
                _draw(axes, states, one.values)
            row[0].set(xlabel=one.labels[0], ylabel=one.labels[1])
        values = list(dict.fromkeys(value for one in projections for value in one.values))
        handles = [_handle(colour, marker, f"value {value}") for value, colour, marker in _looks(values)]
        if any(not all(one.patched.follows) for one in projections):
            handles.append(
                Line2D([], [], color="black", marker="x", linestyle="", markersize=4, label="does not follow")
            )
        figure.legend(handles=handles, loc="upper center", ncols=len(handles))
    return figure


def _looks(values: Sequence[int]) -> list[tuple[int, str, str]]:
    colours = [look["color"] for look in mpl.rcParams["axes.prop_cycle"]]
    return [(value, colours[i % len(colours)], "os"[i % 2]) for i, value in enumerate(values)]


def _handle(colour: str, marker: str, label: str) -> Line2D:
    return Line2D([], [], color=colour, marker=marker, linestyle="", markersize=4, label=label)


def _draw(axes: Axes, states: States, values: Sequence[int]) -> None:
    places = np.column_stack([states.x, states.y])
    for number, (value, colour, _) in enumerate(_looks(values)):
        own = places[np.array(states.value) == value]
        if len(own):
            axes.add_patch(_cloud(own, colour, _ENDS[number % 2]))
    wrong = places[~np.array(states.follows, dtype=bool)]
    axes.plot(*wrong.T, color="black", marker="x", linestyle="", markersize=3.5, markeredgewidth=0.8)
    axes.update_datalim(places)
    axes.margins(0.08)
    axes.autoscale_view()
    axes.tick_params(labelbottom=False, labelleft=False, length=0)


def _cloud(places: np.ndarray, colour: str, ends: Literal["round", "projecting"]) -> PathPatch:
    """All dots as one path of strokes of hardly any length, which keeps the file small."""
    corners = np.repeat(places, 2, axis=0)
    corners[1::2, 0] += 2e-3 * max(float(np.ptp(places)), 1e-6)
    codes = np.tile([Path.MOVETO, Path.LINETO], len(places))
    path = Path(corners, codes, closed=False)
    path.should_simplify = False  # short strokes would be taken for nothing, or fall on one pixel and vanish
    width = DOT if ends == "round" else 0.85 * DOT
    return PathPatch(path, fill=False, edgecolor=colour, linewidth=width, capstyle=ends, alpha=0.6, snap=False)
