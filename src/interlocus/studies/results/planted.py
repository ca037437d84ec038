"""Planted networks of a run: names of their records, the power measured in them, and the verdicts that need them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from interlocus.controls.ground_truth.planted_result import PlantedResult, Power, power_of
from interlocus.controls.ground_truth.recipes import PLANTING_RECIPES
from interlocus.studies.records import Measurements
from interlocus.studies.spec.networks import NetworkGroup
from interlocus.studies.spec.study import Study
from interlocus.verdicts.network import NetworkVerdict
from interlocus.verdicts.rules import PLANTED


def planted_name(group: NetworkGroup, site: str, kind: str) -> str:
    """The name of a record: newly made networks belong to an architecture, fine-tuned ones to a group.

    Args:
        group: The studied group, whose architecture or networks were used.
        site: Name of the site with planted variables.
        kind: Way of planting, a key of `PLANTING_RECIPES`.
    """
    is_of_group = PLANTING_RECIPES[kind].changes_studied_networks
    return f"{group.name if is_of_group else group.source.architecture}.{site}.{kind}"


def power_at(planted: Mapping[str, PlantedResult], group: NetworkGroup, site: str, least: float) -> Power | None:
    """The power of a study's searches for the hardest way of planting; `None` while that is not known.

    Args:
        planted: All results in planted networks, by `planted_name`.
        group: The studied group whose verdicts need the power.
        site: Name of the site with planted variables.
        least: Threshold for the lower end of the share that is found, from 0 to 1 (`Thresholds.power`).
    """
    names = [planted_name(group, site, kind) for kind in PLANTING_RECIPES]
    return power_of([planted[name] for name in names if name in planted], least)


def sites_that_wait(
    study: Study, verdicts: Sequence[NetworkVerdict], measurements: Measurements, kind: str
) -> list[tuple[NetworkGroup, str]]:
    """Groups and sites at which a verdict needs a result of one way of planting that the run does not hold yet.

    Groups of one architecture share a result of newly made networks, so only the first of them is returned.

    Args:
        study: The study of the run.
        verdicts: The verdicts on its networks so far.
        measurements: Its records, controls and results in planted networks so far.
        kind: Way of planting, a key of `PLANTING_RECIPES`.
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
