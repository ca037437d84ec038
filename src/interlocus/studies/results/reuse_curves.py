"""Re-use in a study: measured in each network, kept, and drawn together over networks."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interlocus.core.statistics import Interval, bootstrap_over_networks
from interlocus.studies.reuse.measure import REUSE_TEST_ROWS, REUSE_WAYS, Reuse
from interlocus.studies.spec.networks import NetworkGroup
from interlocus.studies.spec.study import Study


@dataclass(frozen=True, kw_only=True)
class ReuseCurve:
    """How one way answers the new question, over the networks of a family.

    Args:
        group: whose.
        question: its name.
        way: from what it is answered.
        labels: how many were given.
        accuracy: for each number of labels the mean over draws and networks, with its interval over networks.
        commonest: what is right without looking, mean over networks.
        networks: how many.
    """

    group: str
    question: str
    way: str
    labels: tuple[int, ...]
    accuracy: tuple[Interval, ...]
    commonest: float
    networks: int

    def needed(self, level: float) -> int | None:
        """The smallest number of labels from which on the mean accuracy is at least so high, if there is one."""
        high = [interval.value >= level for interval in self.accuracy]
        first = len(high) - sum(1 for _ in itertools.takewhile(bool, reversed(high)))
        return self.labels[first] if first < len(high) else None


def reuse_curves(study: Study, reuse: Mapping[str, Reuse]) -> list[ReuseCurve]:
    """One curve for each group and way.

    Args:
        study: What is asked.
        reuse: What was measured, by the names of networks.
    """
    curves = []
    for group in study.networks if study.reuse else ():
        own = [reuse[name] for name in group.networks if name in reuse]
        curves += [_curve(study, group, way, own) for way in REUSE_WAYS if own and way in own[0].accuracy]
    return curves


def reuse_rows(study: Study, reuse: Mapping[str, Reuse]) -> list[dict[str, Any]]:
    """One mapping for each network, way, number of labels and draw."""
    return [
        {"group": group.name, "network": name, **row}
        for group in study.networks
        for name in group.networks
        if name in reuse
        for row in reuse[name].to_rows()
    ]


def _curve(study: Study, group: NetworkGroup, way: str, own: list[Reuse]) -> ReuseCurve:
    means = zip(*(reuse.mean(way) for reuse in own), strict=True)
    return ReuseCurve(
        group=group.name,
        question=own[0].question,
        way=way,
        labels=own[0].labels,
        accuracy=tuple(
            bootstrap_over_networks(values, [REUSE_TEST_ROWS] * len(own), seed=study.seed) for values in means
        ),
        commonest=sum(reuse.commonest for reuse in own) / len(own),
        networks=len(own),
    )
