"""The indices of every network of a run, and of its families."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from interlocus.controls.used_subspace import UsedSubspaceControl
from interlocus.networks.site import INPUT_SITE
from interlocus.studies.records import Measurements
from interlocus.studies.spec.study import Study
from interlocus.verdicts.indices import Indices, Summary, index_interval, indices, levels_of, measured_in
from interlocus.verdicts.network import NetworkVerdict


@dataclass(frozen=True, kw_only=True)
class GroupIndices:
    """The indices of one family.

    Args:
        group: its name.
        networks: of each of its networks that solves the task.
        summary: means over them.
    """

    group: str
    networks: dict[str, Indices]
    summary: Summary

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        each = {name: one.to_json() for name, one in self.networks.items()}
        return {"group": self.group, **self.summary.to_json(), "each": each}


def indices_of(study: Study, measurements: Measurements, found: Sequence[NetworkVerdict]) -> list[GroupIndices]:
    """The indices of all families whose networks solve the task and have their controls measured.

    Args:
        study: what was asked.
        measurements: The records and controls of the run.
        found: the verdicts, for the competence of networks and for the nulls.
    """
    task = study.task.build()
    sought = task.hypothesis(study.asked)
    if not all(sought.model.variables[name].values for name in (*sought.variables, sought.model.output)):
        return []  # the floors are of values that can be counted
    result = []
    for group in study.networks:
        able = [one for one in found if one.group == group.name and one.accuracy >= study.competence]
        sites = [site for site in study.sites if site != INPUT_SITE and site in group.sites(task)]
        used = {
            one.network: {
                site: inside
                for site in sites
                if (control := measurements.controls.get((one.network, site)))
                and (inside := control.result(UsedSubspaceControl))
            }
            for one in able
        }
        if not any(used.values()):
            continue
        nulls = [row[0].observation.null for one in able for row in one.sites if row[0].observation.null is not None]
        levels = levels_of(task, study.asked, rivals=study.rivals, null=max(nulls, default=0.0))
        measured = {
            name: [measured_in(site, inside, sought, levels) for site, inside in by_site.items()]
            for name, by_site in used.items()
            if by_site
        }
        if measured:
            each = {name: indices(sites, levels) for name, sites in measured.items()}
            summary = index_interval(list(measured.values()), levels, seed=study.seed)
            result.append(GroupIndices(group=group.name, networks=each, summary=summary))
    return result
