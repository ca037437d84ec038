"""Records -> figures, a file a kind. Nothing is computed here: means and intervals are those of `summary`.

What a run does not hold yet stays empty, and a kind of which it holds nothing is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path

from matplotlib.figure import Figure

from interlocus.report.figures._base import AskedScores, arrange, hypotheses, render, untrained_twin
from interlocus.report.figures.decodable import decodable_curve, has_decodable
from interlocus.report.figures.heat_map import heat_map
from interlocus.report.figures.published import published_figure
from interlocus.report.figures.restarts import restart_strips
from interlocus.report.figures.reuse import reuse_figure
from interlocus.report.figures.size_curve import size_curve
from interlocus.report.figures.stages import has_stages, stage_curve
from interlocus.report.figures.subspace import subspace_picture
from interlocus.studies.projection import Projection
from interlocus.studies.run import Run

__all__ = [
    "decodable_curve",
    "figures",
    "heat_map",
    "render",
    "restart_strips",
    "save_figures",
    "size_curve",
    "stage_curve",
    "subspace_picture",
    "untrained_twin",
]


def figures(run: Run, projections: Sequence[Projection] = ()) -> dict[str, Figure]:
    """Every figure of a run, by the name of its file.

    They are `heat_map_<hypothesis>`, with several sizes `size_curve_<hypothesis>`, `restarts`, and where that was
    measured `stages`, `decodable`, `published`, `subspace_<family>_<site>` and `reuse`.
    """
    drawn = {}
    for hypothesis in hypotheses(run.study):
        drawn[f"heat_map_{hypothesis}"] = heat_map(run, hypothesis)
        if len(AskedScores.of(run, hypothesis).sizes) > 1:
            drawn[f"size_curve_{hypothesis}"] = size_curve(run, hypothesis)
    if has_stages(run):
        drawn["stages"] = stage_curve(run)
    if has_decodable(run):
        drawn["decodable"] = decodable_curve(run)
    if any(line.hypothesis == run.study.asked for line in run.lines):
        drawn["restarts"] = restart_strips(run)
    if (published := published_figure(run)) is not None:
        drawn["published"] = published
    for (group, site), own in groupby(projections, key=lambda one: (one.group, one.site)):
        drawn[f"subspace_{group}_{site}"] = subspace_picture(list(own))
    asked_anew = reuse_figure(run)
    if asked_anew is not None:
        drawn["reuse"] = asked_anew
    return drawn


def save_figures(run: Run, projections: Sequence[Projection] = ()) -> dict[str, Path]:
    """Write every figure as SVG and PNG into the run folder; returns where the SVGs are, the PNGs lie beside them.

    Raises:
        RunFolderError: the folder cannot be written.
    """
    folder = run.store.folder / "figures"
    with suppress(OSError):  # what is wrong is said by the first write
        folder.mkdir(exist_ok=True)
    paths = {}
    for name, figure in figures(run, projections).items():
        paths[name] = folder / f"{name}.svg"
        arrange(figure)
        run.store.write(paths[name], render(figure, "svg"))
        run.store.write(folder / f"{name}.png", render(figure, "png"))
    return paths
