"""The figure of states in a located subspace: bases, sources, and bases after an interchange."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Literal, final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from interlocus.report.figures._base import AbstractFigure, Picture, Section, house_style
from interlocus.studies.projection import Projection, States
from interlocus.studies.run import Run

DOT_WIDTH = 4.2
"""Diameter of a dot in points."""
_DOT_ENDS: tuple[Literal["round", "projecting"], ...] = ("round", "projecting")


@final
class SubspaceFigure(AbstractFigure):
    """One picture a trained group and site, of the first network of the group."""

    name = "subspace"
    section = Section(
        anchor="subspace",
        title="States in the located subspace",
        link="The located subspace",
        introduction=(
            "The first network of each group. Each dot is a state of the site, in the plane of the first two principal "
            "components of the located features (a single feature is drawn against the first component of the rest). "
            "Left: bases. Middle: sources. Right: the bases after the sources' value was put in. Colour and shape are "
            "the value that the variable has, or was given; a cross marks states after which the network does not "
            "answer as the causal model says."
        ),
    )
    label = "States in the located subspace, {subject}"
    caption = "{subject}."

    def available(self, run: Run) -> bool:
        return bool(run.projections)

    def draw(self, run: Run) -> Sequence[Picture]:
        return [
            Picture(
                drawing=subspace_picture(list(variables)),
                suffix=f"{group}_{site}",
                subject=f"{group} at {site}",
                group=group,
            )
            for (group, site), variables in groupby(run.projections, key=lambda entry: (entry.group, entry.site))
        ]


def subspace_picture(variables: Sequence[Projection]) -> Figure:
    """One row a variable: states of bases, of sources, and of bases after an interchange of the variable.

    Colour and shape give the value that a state has or was given. A cross marks a state after which the network does
    not answer as the causal model says.

    Args:
        variables: One projection a variable, of one network at one site.
    """
    with house_style():
        height = 2.2 * len(variables) + 0.5
        figure = Figure(figsize=(7.4, height))
        panels = figure.subplots(len(variables), 3, squeeze=False, sharex="row", sharey="row")
        figure.subplots_adjust(0.05, 0.3 / height, 0.985, 1 - 0.65 / height, wspace=0.06, hspace=0.32)
        for row, projection in zip(panels, variables, strict=True):
            for axes, (name, states) in zip(row, projection.states.items(), strict=True):
                axes.set_title(f"{projection.variable}: {name}")
                _draw_states(axes, states, projection.values)
            row[0].set(xlabel=projection.labels[0], ylabel=projection.labels[1])
        handles = _legend(variables)
        figure.legend(handles=handles, loc="upper center", ncols=len(handles))
    return figure


def _legend(variables: Sequence[Projection]) -> list[Line2D]:
    values = list(dict.fromkeys(value for projection in variables for value in projection.values))
    dots = {"linestyle": "", "markersize": 4}
    handles = [
        Line2D([], [], color=colour, marker=marker, label=f"value {value}", **dots)
        for value, colour, marker in _value_styles(values)
    ]
    if any(not all(projection.patched.follows) for projection in variables):
        handles.append(Line2D([], [], color="black", marker="x", label="does not follow", **dots))
    return handles


def _value_styles(values: Sequence[int]) -> list[tuple[int, str, str]]:
    """Each value with its colour and marker."""
    colours = [entry["color"] for entry in mpl.rcParams["axes.prop_cycle"]]
    return [(value, colours[i % len(colours)], "os"[i % 2]) for i, value in enumerate(values)]


def _draw_states(axes: Axes, states: States, values: Sequence[int]) -> None:
    places = np.column_stack([states.x, states.y])
    for number, (value, colour, _) in enumerate(_value_styles(values)):
        of_value = places[np.array(states.value) == value]
        if len(of_value):
            axes.add_patch(_dots(of_value, colour, _DOT_ENDS[number % 2]))
    wrong = places[~np.array(states.follows, dtype=bool)]
    axes.plot(*wrong.T, color="black", marker="x", linestyle="", markersize=3.5, markeredgewidth=0.8)
    axes.update_datalim(places)
    axes.margins(0.08)
    axes.autoscale_view()
    axes.tick_params(labelbottom=False, labelleft=False, length=0)


def _dots(places: np.ndarray, colour: str, ends: Literal["round", "projecting"]) -> PathPatch:
    """All dots as one path of very short strokes, which makes a much smaller file than a marker each."""
    corners = np.repeat(places, 2, axis=0)
    corners[1::2, 0] += 2e-3 * max(float(np.ptp(places)), 1e-6)
    codes = np.tile([Path.MOVETO, Path.LINETO], len(places))
    path = Path(corners, codes, closed=False)
    path.should_simplify = False  # else strokes of less than a pixel are dropped
    width = DOT_WIDTH if ends == "round" else 0.85 * DOT_WIDTH
    return PathPatch(path, fill=False, edgecolor=colour, linewidth=width, capstyle=ends, alpha=0.6, snap=False)
