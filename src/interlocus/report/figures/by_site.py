"""Figures with a panel a family and a curve a thing, by site."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from interlocus.report.figures._base import GREY, Look, faint_line, house_style, looks, mean_line

COLUMNS = 3


def by_site(
    groups: Sequence[str],
    sites: Sequence[str],
    things: Sequence[str],
    draw: Callable[[Axes, str, Look], None],
    *,
    label: str,
) -> Figure:
    """Panels that share their axes, with one legend.

    Args:
        networks: a panel each, by name.
        sites: along the axis.
        things: of which curves are drawn.
        draw: draws the curve of a thing (its look) of a family in a panel, where there is one.
        label: of the vertical axis.
    """
    columns = min(COLUMNS, len(groups))
    rows = -(-len(groups) // columns)
    with house_style():
        figure = Figure(figsize=(max(5.6, 2.9 * columns + 0.6), 2.5 * rows + 0.8), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        for axes in panels.flat[len(groups) :]:
            axes.remove()
        for axes, group in zip(panels.flat, groups, strict=False):
            axes.set_title(group)
            axes.tick_params(labelbottom=True)
            for look in looks(things):
                draw(axes, group, look)
        panels[0, 0].set(xlim=(-0.3, len(sites) - 0.7), ylim=(0.38, 1.02))
        panels[0, 0].set_xticks(range(len(sites)), sites)
        figure.supylabel(label, fontsize="medium")
        handles = [mean_line([], [], look, look.name) for look in looks(things)]
        handles.append(faint_line([], [], GREY, "one network"))
        figure.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), columns + 1))
    return figure
