"""What is in the used subspace, layer by layer: the variables that are asked for, their rivals, the output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from interlocus.controls.restricted_search import OUTPUT
from interlocus.controls.used_subspace import UsedSubspaceControl, UsedSubspaceResult
from interlocus.core.statistics import bootstrap_over_networks
from interlocus.report.figures._base import Look, faint_line, mean_line
from interlocus.report.figures.by_site import by_site
from interlocus.studies.run import Run
from interlocus.studies.spec.networks import NetworkGroup


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The best score of one thing at one site, in each network in which it was searched.

    Args:
        iias: of each network by its name.
        interventions: on how many each rests.
    """

    iias: Mapping[str, float]
    interventions: Sequence[int]


Stages = dict[str, dict[str, Stage]]
"""For each thing that was sought and each site what was found."""


def stages(run: Run, group: NetworkGroup) -> Stages:
    """From the controls that a run holds of a family; empty where none was measured."""
    found: Stages = {}
    for site in run.study.sites:
        kept = {name: run.controls.get((name, site)) for name in group.networks}
        used = {name: control.result(UsedSubspaceControl) for name, control in kept.items() if control}
        scores = {name: _scores(run, result) for name, result in used.items() if result and result.found}
        for thing in dict.fromkeys(thing for own in scores.values() for thing in own):
            there = {name: own[thing] for name, own in scores.items() if thing in own}
            found.setdefault(thing, {})[site] = Stage(
                iias={name: iia for name, (iia, _) in there.items()},
                interventions=[count for _, count in there.values()],
            )
    return found


def _scores(run: Run, used: UsedSubspaceResult) -> dict[str, tuple[float, int]]:
    """Of one network at one site the best IIA of each thing, and on how many interventions it rests."""
    study, best = run.study, {}
    for hypothesis, maps in used.found.items():
        entries = [entry for entries in maps.values() for entry in entries]
        if not entries:
            continue
        score = max((entry.best for entry in entries), key=lambda restart: restart.validation).score
        if hypothesis == study.asked:
            kinds = {name: iia for name, iia in score.kinds.items() if "+" not in name}
            best |= {name: (iia, score.count // len(score.kinds)) for name, iia in kinds.items()}
        else:
            best["the output" if hypothesis == OUTPUT else f"{hypothesis} (rival)"] = (score.iia, score.count)
    return best


def has_stages(run: Run) -> bool:
    """Whether there is anything to be drawn."""
    return any(stages(run, group) for group in run.study.networks)


def stage_curve(run: Run) -> Figure:
    """IIA inside the used subspace by site, a panel a family: mean over networks, its interval as a band."""
    kept = {group.name: stages(run, group) for group in run.study.networks}
    kept = {name: own for name, own in kept.items() if own}
    things = list(dict.fromkeys(thing for own in kept.values() for thing in own))
    sites = [site for site in run.study.sites if any(site in at for own in kept.values() for at in own.values())]

    def draw(axes: Axes, group: str, look: Look) -> None:
        _draw(axes, kept[group].get(look.name, {}), look, sites, run.study.seed)

    return by_site(list(kept), sites, things, draw, label="IIA inside the used subspace")


def _draw(axes: Axes, own: Mapping[str, Stage], look: Look, sites: Sequence[str], seed: int) -> None:
    places = [place for place, site in enumerate(sites) if site in own]
    here = [own[sites[place]] for place in places]
    for name in dict.fromkeys(name for stage in here for name in stage.iias):
        line = [
            (float(place), stage.iias[name]) for place, stage in zip(places, here, strict=True) if name in stage.iias
        ]
        axes.add_line(faint_line([x for x, _ in line], [y for _, y in line], look.colour))
    means = [bootstrap_over_networks(list(stage.iias.values()), list(stage.interventions), seed=seed) for stage in here]
    lows, highs = np.array([mean.low for mean in means]), np.array([mean.high for mean in means])
    axes.fill_between(places, lows, highs, color=look.colour, alpha=0.18, linewidth=0)
    axes.add_line(mean_line(list(map(float, places)), [mean.value for mean in means], look))
