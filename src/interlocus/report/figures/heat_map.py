"""Where a hypothesis holds: mean IIA over networks, by size and site."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from interlocus.report.figures._base import (
    AbstractFigure,
    HypothesisScores,
    Picture,
    house_style,
    hypotheses,
    hypothesis_text,
)
from interlocus.studies.run import Run

IIA_SCALE = Normalize(0.5, 1.0)
"""From IIA to colour, equal in every figure, so that colours can be compared."""


@final
class HeatMapFigure(AbstractFigure):
    """One picture a hypothesis. The page shows these scores as tables of its own, which open on a click."""

    name = "heat_map"
    section = None
    label = "Mean interchange intervention accuracy by site and size, for {subject}"
    caption = "Mean IIA for {subject} over networks, by site and size."

    def available(self, run: Run) -> bool:
        return True  # an empty map says that nothing is measured yet

    def draw(self, run: Run) -> Sequence[Picture]:
        return [
            Picture(drawing=heat_map(run, name), suffix=name, subject=hypothesis_text(run.study, name))
            for name in hypotheses(run.study)
        ]


def heat_map(run: Run, hypothesis: str) -> Figure:
    """Mean IIA over networks, size by site, one panel a group and featurizer; with a single size, group by site.

    Colours run from .5 to 1 in every figure; the colour bar marks the one-directional chance level.
    """
    scores, groups = HypothesisScores.of(run, hypothesis), [group.name for group in run.study.networks]
    blocks = [groups] if len(scores.sizes) == 1 else [[group] for group in groups]
    height = len(blocks) * (0.32 * len(blocks[0]) * len(scores.sizes) + 0.75) + 0.9
    width = len(scores.featurizers) * (0.7 * len(run.study.sites) + 0.9)
    with house_style():
        figure, shades = Figure(figsize=(max(5.5, width), height), layout="constrained"), ScalarMappable(IIA_SCALE)
        panels = figure.subplots(len(blocks), len(scores.featurizers), squeeze=False)
        for (row, column), axes in np.ndenumerate(panels):
            _draw_cells(axes, scores, blocks[row], scores.featurizers[column], shades)
        _draw_colour_bar(figure, panels, scores, shades)
    return figure


def _draw_cells(
    axes: Axes, scores: HypothesisScores, groups: Sequence[str], featurizer: str, shades: ScalarMappable
) -> None:
    sites, rows = scores.study.sites, [(group, size) for group in groups for size in reversed(scores.sizes)]
    means = {(*key, entry.size): entry.iia.value for key, line in scores.lines.items() for entry in line.sizes}
    values = np.array([[means.get((name, site, featurizer, size), np.nan) for site in sites] for name, size in rows])
    axes.pcolormesh(np.ma.masked_invalid(values), norm=IIA_SCALE, edgecolor="white", linewidth=1.5)
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            colour = _text_colour(*shades.to_rgba(value)[:3])
            axes.text(column + 0.5, row + 0.5, f"{value:.3f}", color=colour, ha="center", va="center_baseline")
    axes.set_xticks(np.arange(len(sites)) + 0.5, sites, rotation=30 if max(map(len, sites)) > 8 else 0)
    axes.set(ylim=(len(rows), 0), yticks=np.arange(len(rows)) + 0.5)
    if len(scores.sizes) == 1:
        axes.set(title=f"{featurizer}, size {scores.sizes[0]}", ylabel="group", yticklabels=groups)
    else:
        axes.set(title=f"{groups[0]} · {featurizer}", ylabel="size", yticklabels=[size for _, size in rows])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _draw_colour_bar(figure: Figure, panels: np.ndarray, scores: HypothesisScores, shades: ScalarMappable) -> None:
    """The colour bar, at the same distance from the panels in a tall figure as in a low one."""
    pad, label = 0.3 / figure.get_figheight(), f"IIA of {scores.hypothesis}, mean over networks"
    bar = figure.colorbar(shades, ax=panels, location="top", extend="min", shrink=0.6, aspect=30, pad=pad, label=label)
    if scores.any_line and scores.any_line.one_directional is not None:
        level = scores.any_line.one_directional
        bar.ax.axvline(level, color="black", linewidth=1.5)
        bar.ax.secondary_xaxis("bottom").set_xticks([level], [f"one-directional {level:.3f}"], fontsize="small")


def _text_colour(red: float, green: float, blue: float) -> str:
    """Black or white, whichever contrasts more with a colour; at luminance .18 both contrast equally (WCAG 2)."""
    return "black" if 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2 > 0.18 else "white"
