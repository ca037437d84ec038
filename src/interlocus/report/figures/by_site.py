"""Figures with one panel a group of networks and one curve a quantity, over the sites."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from interlocus.report.figures._base import GREY, LineStyle, house_style, line_styles, mean_line, network_line

PANEL_COLUMNS = 3


def panels_by_site(
    groups: Sequence[str],
    sites: Sequence[str],
    curves: Sequence[str],
    draw: Callable[[Axes, str, LineStyle], None],
    *,
    label: str,
) -> Figure:
    """Panels that share their axes, with one legend.

    Args:
        groups: Names of the groups of networks, one panel each.
        sites: Names of the sites, along the horizontal axis.
        curves: Names of the curves, as the legend shows them.
        draw: Draws one curve of one group into a panel, or nothing where the group has no such curve.
        label: Label of the vertical axis.
    """
    columns = min(PANEL_COLUMNS, len(groups))
    rows = -(-len(groups) // columns)
    with house_style():
        figure = Figure(figsize=(max(5.6, 2.9 * columns + 0.6), 2.5 * rows + 0.8), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        for axes in panels.flat[len(groups) :]:
            axes.remove()
        for axes, group in zip(panels.flat, groups, strict=False):
            axes.set_title(group)
            axes.tick_params(labelbottom=True)
            for style in line_styles(curves):
                draw(axes, group, style)
        panels[0, 0].set(xlim=(-0.3, len(sites) - 0.7), ylim=(0.38, 1.02))
        panels[0, 0].set_xticks(range(len(sites)), sites)
        figure.supylabel(label, fontsize="medium")
        handles = [mean_line([], [], style, style.name) for style in line_styles(curves)]
        handles.append(network_line([], [], GREY, "one network"))
        figure.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), columns + 1))
    return figure
