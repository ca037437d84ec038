"""What probes decode at a site, beside what the network uses there; the first is often more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from interlocus.controls.probes import ProbesControl
from interlocus.report.figures._base import AbstractFigure, LineStyle, Picture, Section, mean_line, network_line
from interlocus.report.figures.by_site import panels_by_site
from interlocus.studies.run import Run
from interlocus.studies.spec.networks import NetworkGroup

Curves = dict[str, dict[str, dict[str, float]]]
"""Curve name → site → network → value."""

WHOLE_LAYER, USED_SUBSPACE = "IIA, whole layer", "IIA, used subspace"
"""Names of the curves of interchange scores."""


@final
class DecodableFigure(AbstractFigure):
    """Accuracy of probes and IIA by site, one panel a group; thin lines are networks."""

    name = "decodable"
    section = Section(anchor="decodable", title="Decodable and used", link="Decodable and used")
    label = "Accuracy of probes beside interchange intervention accuracy, by site"
    caption = (
        "What a probe decodes from a site, beside what can be exchanged there. Where the first is high and the second "
        "low, the variable can be decoded, but the network does not use it. Thin: one network."
    )

    def available(self, run: Run) -> bool:
        return any(probe_curves(run, group) for group in run.study.networks)

    def draw(self, run: Run) -> Sequence[Picture]:
        return [Picture(drawing=decodable_curve(run))]


def probe_curves(run: Run, group: NetworkGroup) -> Curves:
    """Probe accuracies and IIAs of a group, means over the variables under study; empty where no probe was fitted."""
    result: Curves = {}
    for site in run.study.sites:
        for network in group.networks:
            control = run.controls.get((network, site))
            probes = (control.result(ProbesControl) or {}) if control else {}
            accuracies = {
                "decodable, linear": [probe.linear for probe in probes.values()],
                "decodable, mlp": [probe.mlp for probe in probes.values()],
                "most frequent value": [probe.guess for probe in probes.values()],
            }
            for curve, values in accuracies.items() if probes else ():
                result.setdefault(curve, {}).setdefault(site, {})[network] = float(np.mean(values))
    return result and result | _iia_curves(run, group)


def _iia_curves(run: Run, group: NetworkGroup) -> Curves:
    """The IIAs that the verdicts on a group rest on."""
    result: Curves = {WHOLE_LAYER: {}, USED_SUBSPACE: {}}
    for verdict in run.verdicts:
        if verdict.group != group.name:
            continue
        for variables in verdict.sites:
            site = variables[0].observation.site
            whole = float(np.mean([variable.effect.iia for variable in variables]))
            result[WHOLE_LAYER].setdefault(site, {})[verdict.network] = whole
            used = [variable.used_iia for variable in variables if variable.used_iia is not None]
            if used:
                result[USED_SUBSPACE].setdefault(site, {})[verdict.network] = float(np.mean(used))
    return result


def decodable_curve(run: Run) -> Figure:
    """Draw the figure of a run in which probes were fitted."""
    by_group = {group.name: curves for group in run.study.networks if (curves := probe_curves(run, group))}
    names = list(dict.fromkeys(name for curves in by_group.values() for name in curves))
    sites = run.study.sites

    def draw(axes: Axes, group: str, style: LineStyle) -> None:
        _draw_curve(axes, by_group[group].get(style.name, {}), style, sites)

    return panels_by_site(list(by_group), sites, names, draw, label="accuracy, or IIA")


def _draw_curve(axes: Axes, by_site: Mapping[str, Mapping[str, float]], style: LineStyle, sites: Sequence[str]) -> None:
    places = [place for place, site in enumerate(sites) if by_site.get(site)]
    for network in dict.fromkeys(network for values in by_site.values() for network in values):
        points = [
            (float(place), by_site[sites[place]][network]) for place in places if network in by_site[sites[place]]
        ]
        axes.add_line(network_line([x for x, _ in points], [y for _, y in points], style.colour))
    means = [float(np.mean(list(by_site[sites[place]].values()))) for place in places]
    axes.add_line(mean_line(list(map(float, places)), means, style))
