"""Where a hypothesis holds: mean IIA over networks, size by site."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from interlocus.report.figures._base import AskedScores, house_style
from interlocus.studies.run import Run

SCALE = Normalize(0.5, 1.0)  # from IIA to colour, the same in every figure, so that colours can be compared


def heat_map(run: Run, hypothesis: str) -> Figure:
    """Mean IIA over networks, size by site, a panel a family and map; with one size family by site.

    Colours run from .5 to 1 in every figure; the one-sided ceiling is marked in the colour bar.
    """
    asked, groups = AskedScores.of(run, hypothesis), [group.name for group in run.study.networks]
    blocks = [groups] if len(asked.sizes) == 1 else [[group] for group in groups]
    height = len(blocks) * (0.32 * len(blocks[0]) * len(asked.sizes) + 0.75) + 0.9
    width = len(asked.maps) * (0.7 * len(run.study.sites) + 0.9)
    with house_style():
        figure, shades = Figure(figsize=(max(5.5, width), height), layout="constrained"), ScalarMappable(SCALE)
        panels = figure.subplots(len(blocks), len(asked.maps), squeeze=False)
        for (row, column), axes in np.ndenumerate(panels):
            _draw_cells(axes, asked, blocks[row], asked.maps[column], shades)
        _draw_colours(figure, panels, asked, shades)
    return figure


def _draw_cells(axes: Axes, asked: AskedScores, groups: Sequence[str], map_: str, shades: ScalarMappable) -> None:
    sites, rows = asked.study.sites, [(group, size) for group in groups for size in reversed(asked.sizes)]
    means = {(*key, entry.size): entry.iia.value for key, line in asked.lines.items() for entry in line.sizes}
    values = np.array([[means.get((name, site, map_, size), np.nan) for site in sites] for name, size in rows])
    axes.pcolormesh(np.ma.masked_invalid(values), norm=SCALE, edgecolor="white", linewidth=1.5)
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            colour = _readable(*shades.to_rgba(value)[:3])
            axes.text(column + 0.5, row + 0.5, f"{value:.3f}", color=colour, ha="center", va="center_baseline")
    axes.set_xticks(np.arange(len(sites)) + 0.5, sites, rotation=30 if max(map(len, sites)) > 8 else 0)
    axes.set(ylim=(len(rows), 0), yticks=np.arange(len(rows)) + 0.5)
    if len(asked.sizes) == 1:
        axes.set(title=f"{map_}, size {asked.sizes[0]}", ylabel="group", yticklabels=groups)
    else:
        axes.set(title=f"{groups[0]} · {map_}", ylabel="size", yticklabels=[size for _, size in rows])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _draw_colours(figure: Figure, panels: np.ndarray, asked: AskedScores, shades: ScalarMappable) -> None:
    """The colour bar, as far from the panels in a tall figure as in a low one."""
    pad, label = 0.3 / figure.get_figheight(), f"IIA of {asked.hypothesis}, mean over networks"
    bar = figure.colorbar(shades, ax=panels, location="top", extend="min", shrink=0.6, aspect=30, pad=pad, label=label)
    if asked.levels and asked.levels.one_directional is not None:
        level = asked.levels.one_directional
        bar.ax.axvline(level, color="black", linewidth=1.5)
        bar.ax.secondary_xaxis("bottom").set_xticks([level], [f"one-sided {level:.3f}"], fontsize="small")


def _readable(red: float, green: float, blue: float) -> str:
    """Black or white, whichever has more contrast to a colour: at luminance .18 both have the same (WCAG 2)."""
    return "black" if 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2 > 0.18 else "white"
