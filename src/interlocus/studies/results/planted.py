"""Planted networks of a run: what they are called, what was found in them, and which verdicts wait for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from interlocus.controls.ground_truth.recipes import PLANTING_RECIPES
from interlocus.controls.power import PlantedResult, Power, hardest_of
from interlocus.studies.records import Measurements
from interlocus.studies.spec.networks import NetworkGroup
from interlocus.studies.spec.study import Study
from interlocus.verdicts.network import NetworkVerdict
from interlocus.verdicts.rules import PLANTED


def planted_name(group: NetworkGroup, site: str, kind: str) -> str:
    """The name of a record. Newly made networks belong to an architecture; fine-tuned ones belong to a group."""
    is_of_group = PLANTING_RECIPES[kind].changes_studied_networks
    return f"{group.name if is_of_group else group.source.architecture}.{site}.{kind}"


def power_at(planted: Mapping[str, PlantedResult], group: NetworkGroup, site: str, least: float) -> Power | None:
    """The power of a study's searches for the hardest way of planting; `None` while that is not known.

    Args:
        planted: All results in planted networks, by `planted_name`.
        group: The networks whose verdict asks for it.
        site: Name of the site.
        least: Lower end of the share that has to be found.
    """
    names = [planted_name(group, site, kind) for kind in PLANTING_RECIPES]
    hardest = hardest_of([planted[name] for name in names if name in planted], least)
    return hardest.power if hardest else None


def sites_that_wait(
    study: Study, verdicts: Sequence[NetworkVerdict], measurements: Measurements, kind: str
) -> list[tuple[NetworkGroup, str]]:
    """Groups and sites at which a verdict waits for one way of planting. Groups of one architecture share a result.

    Args:
        study: What is asked.
        verdicts: The verdicts so far.
        measurements: What was measured so far.
        kind: Name of the way of planting.
    """
    groups, task = {group.name: group for group in study.networks}, study.task.build()
    waiting = {
        (network.group, verdict.observation.site): None
        for network in verdicts
        for row in network.sites
        for verdict in row
        if verdict.word == "undecided" and verdict.observation.power is None and PLANTED in verdict.missing_evidence
    }
    missing: dict[str, tuple[NetworkGroup, str]] = {}
    for name, site in waiting:
        record = planted_name(groups[name], site, kind)
        if record not in measurements.planted and groups[name].source.can_be_trained(task):
            missing.setdefault(record, (groups[name], site))
    return list(missing.values())
