"""What the used subspace holds, layer by layer: the variables under study, those of rival hypotheses, the output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from interlocus.controls.used.search import OUTPUT
from interlocus.controls.used_subspace import UsedSubspaceControl, UsedSubspaceResult
from interlocus.core.statistics import mean_over_networks
from interlocus.report.figures._base import AbstractFigure, LineStyle, Picture, Section, mean_line, network_line
from interlocus.report.figures.by_site import panels_by_site
from interlocus.studies.run import Run
from interlocus.studies.spec.networks import NetworkGroup


@dataclass(frozen=True, kw_only=True)
class StageScores:
    """The best scores of one variable, rival or output at one site, in each network in which it was searched.

    Args:
        iias: IIA by name of the network.
        interventions: Number of interventions behind each of these IIAs, in the same order.
    """

    iias: Mapping[str, float]
    interventions: Sequence[int]


Stages = dict[str, dict[str, StageScores]]
"""Curve name → site → scores."""


@final
class StagesFigure(AbstractFigure):
    """IIA inside the used subspace by site, one panel a group: mean over networks, with its interval as a band."""

    name = "stages"
    section = Section(anchor="stages", title="Layer by layer", link="Layer by layer")
    label = (
        "Interchange intervention accuracy inside the used subspace by site, for the variables, their rivals and the "
        "output"
    )
    caption = (
        "What can be exchanged inside the subspace that the rest of the network uses, by site: the variables under "
        "study, those of rival hypotheses, and the output itself at sizes too small for all variables together. Bold: "
        "mean over networks, with its 95 % interval as a band. Thin: one network."
    )

    def available(self, run: Run) -> bool:
        return any(stage_scores(run, group) for group in run.study.networks)

    def draw(self, run: Run) -> Sequence[Picture]:
        return [Picture(drawing=stage_curve(run))]


def stage_scores(run: Run, group: NetworkGroup) -> Stages:
    """The scores in the controls of a group; empty where no used subspace was searched."""
    result: Stages = {}
    for site in run.study.sites:
        controls = {name: run.controls.get((name, site)) for name in group.networks}
        used = {name: control.result(UsedSubspaceControl) for name, control in controls.items() if control}
        by_network = {name: _best_scores(run, result) for name, result in used.items() if result and result.found}
        for curve in dict.fromkeys(curve for scores in by_network.values() for curve in scores):
            scores = {name: by_curve[curve] for name, by_curve in by_network.items() if curve in by_curve}
            result.setdefault(curve, {})[site] = StageScores(
                iias={name: iia for name, (iia, _) in scores.items()},
                interventions=[count for _, count in scores.values()],
            )
    return result


def _best_scores(run: Run, used: UsedSubspaceResult) -> dict[str, tuple[float, int]]:
    """For each curve, in one network at one site, the best IIA and the number of interventions behind it."""
    study, best = run.study, {}
    for hypothesis, featurizers in used.found.items():
        entries = [entry for restarts in featurizers.values() for entry in restarts]
        if not entries:
            continue
        score = max((entry.best for entry in entries), key=lambda restart: restart.validation).score
        if hypothesis == study.asked:
            single = {name: iia for name, iia in score.kinds.items() if "+" not in name}
            best |= {name: (iia, score.count // len(score.kinds)) for name, iia in single.items()}
        else:
            best["the output" if hypothesis == OUTPUT else f"{hypothesis} (rival)"] = (score.iia, score.count)
    return best


def stage_curve(run: Run) -> Figure:
    """Draw the figure of a run in which used subspaces were searched."""
    by_group = {group.name: stages for group in run.study.networks if (stages := stage_scores(run, group))}
    curves = list(dict.fromkeys(curve for stages in by_group.values() for curve in stages))
    measured = {site for stages in by_group.values() for by_site in stages.values() for site in by_site}
    sites = [site for site in run.study.sites if site in measured]

    def draw(axes: Axes, group: str, style: LineStyle) -> None:
        _draw_curve(axes, by_group[group].get(style.name, {}), style, sites)

    return panels_by_site(list(by_group), sites, curves, draw, label="IIA inside the used subspace")


def _draw_curve(axes: Axes, by_site: Mapping[str, StageScores], style: LineStyle, sites: Sequence[str]) -> None:
    places = [place for place, site in enumerate(sites) if site in by_site]
    stages = [by_site[sites[place]] for place in places]
    for name in dict.fromkeys(name for stage in stages for name in stage.iias):
        points = [
            (float(place), stage.iias[name]) for place, stage in zip(places, stages, strict=True) if name in stage.iias
        ]
        axes.add_line(network_line([x for x, _ in points], [y for _, y in points], style.colour))
    means = [mean_over_networks(list(stage.iias.values()), list(stage.interventions)) for stage in stages]
    lows, highs = np.array([mean.low for mean in means]), np.array([mean.high for mean in means])
    axes.fill_between(places, lows, highs, color=style.colour, alpha=0.18, linewidth=0)
    axes.add_line(mean_line(list(map(float, places)), [mean.value for mean in means], style))
