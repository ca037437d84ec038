"""The hierarchy index and the stage gap of every network of a run, and their means over groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from interlocus.controls.used_subspace import UsedSubspaceControl
from interlocus.core.json_record import JsonObject
from interlocus.networks.site import INPUT_SITE
from interlocus.studies.records import Measurements
from interlocus.studies.spec.study import Study
from interlocus.verdicts.indices import Indices, Summary, index_interval, indices, levels_of, measured_in
from interlocus.verdicts.network import NetworkVerdict


@dataclass(frozen=True, kw_only=True)
class GroupIndices:
    """The indices of one network group.

    Args:
        group: Name of the group.
        networks: The indices of each network that solves the task, by its name.
        summary: Means over these networks, with intervals.
    """

    group: str
    networks: dict[str, Indices]
    summary: Summary

    def to_json(self) -> JsonObject:
        """Plain values: one entry of `indices` in `verdict.json`."""
        each = {name: network.to_json() for name, network in self.networks.items()}
        return {"group": self.group, **self.summary.to_json(), "each": each}


def indices_of(study: Study, measurements: Measurements, verdicts: Sequence[NetworkVerdict]) -> list[GroupIndices]:
    """The indices of all groups with networks that solve the task and whose used subspaces were measured.

    Args:
        study: The study of the run.
        measurements: The records and controls of the run.
        verdicts: The verdicts, which hold the accuracy of each network and the null of each site.
    """
    task = study.task.build()
    hypothesis = task.hypothesis(study.asked)
    model = hypothesis.model
    if not all(model.variables[name].values for name in (*hypothesis.variables, model.output)):
        return []  # chance levels need variables with declared values
    result = []
    for group in study.networks:
        able = [network for network in verdicts if network.group == group.name and network.accuracy >= study.competence]
        sites = [site for site in study.sites if site != INPUT_SITE and site in group.sites(task)]
        used = {
            network.network: {
                site: inside
                for site in sites
                if (control := measurements.controls.get((network.network, site)))
                and (inside := control.result(UsedSubspaceControl))
            }
            for network in able
        }
        if not any(used.values()):
            continue
        nulls = [
            row[0].observation.null for network in able for row in network.sites if row[0].observation.null is not None
        ]
        levels = levels_of(task, study.asked, rivals=study.rivals, null=max(nulls, default=0.0))
        measured = {
            name: [measured_in(site, inside, hypothesis, levels) for site, inside in by_site.items()]
            for name, by_site in used.items()
            if by_site
        }
        if measured:
            each = {name: indices(sites, levels) for name, sites in measured.items()}
            summary = index_interval(list(measured.values()), levels, seed=study.seed)
            result.append(GroupIndices(group=group.name, networks=each, summary=summary))
    return result
