"""What can be decoded at a site beside what the network uses there: the first is often more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from interlocus.controls.probes import ProbesControl
from interlocus.report.figures._base import Look, faint_line, mean_line
from interlocus.report.figures.by_site import by_site
from interlocus.studies.run import Run
from interlocus.studies.spec.networks import NetworkGroup

Curves = dict[str, dict[str, dict[str, float]]]
"""For each curve and site the value of each network."""

WHOLE, INSIDE = "IIA, whole layer", "IIA, used subspace"


def curves(run: Run, group: NetworkGroup) -> Curves:
    """Means over the variables that are asked for; empty where no probe was fitted."""
    found: Curves = {}
    for site in run.study.sites:
        for network in group.networks:
            control = run.controls.get((network, site))
            probes = (control.result(ProbesControl) or {}) if control else {}
            means = {
                "decodable, linear": [probe.linear for probe in probes.values()],
                "decodable, mlp": [probe.mlp for probe in probes.values()],
                "most frequent value": [probe.guess for probe in probes.values()],
            }
            for name, accuracies in means.items() if probes else ():
                found.setdefault(name, {}).setdefault(site, {})[network] = float(np.mean(accuracies))
    return found and found | _used(run, group)


def _used(run: Run, group: NetworkGroup) -> Curves:
    """The IIA of the verdicts of a family."""
    found: Curves = {WHOLE: {}, INSIDE: {}}
    for one in run.verdicts:
        if one.group != group.name:
            continue
        for row in one.sites:
            site, inside = row[0].seen.site, [verdict.used_iia for verdict in row if verdict.used_iia is not None]
            found[WHOLE].setdefault(site, {})[one.network] = float(np.mean([verdict.entry.iia for verdict in row]))
            if inside:
                found[INSIDE].setdefault(site, {})[one.network] = float(np.mean(inside))
    return found


def has_decodable(run: Run) -> bool:
    """Whether any probe was fitted."""
    return any(curves(run, group) for group in run.study.networks)


def decodable_curve(run: Run) -> Figure:
    """Accuracy of probes and IIA by site, a panel a family; thin lines are networks."""
    kept = {group.name: curves(run, group) for group in run.study.networks}
    kept = {name: own for name, own in kept.items() if own}
    things = list(dict.fromkeys(thing for own in kept.values() for thing in own))
    sites = run.study.sites

    def draw(axes: Axes, group: str, look: Look) -> None:
        _draw(axes, kept[group].get(look.name, {}), look, sites)

    return by_site(list(kept), sites, things, draw, label="accuracy, or IIA")


def _draw(axes: Axes, own: Mapping[str, Mapping[str, float]], look: Look, sites: Sequence[str]) -> None:
    places = [place for place, site in enumerate(sites) if own.get(site)]
    for name in dict.fromkeys(name for values in own.values() for name in values):
        line = [(float(place), own[sites[place]][name]) for place in places if name in own[sites[place]]]
        axes.add_line(faint_line([x for x, _ in line], [y for _, y in line], look.colour))
    means = [float(np.mean(list(own[sites[place]].values()))) for place in places]
    axes.add_line(mean_line(list(map(float, places)), means, look))
