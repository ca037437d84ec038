"""Learning curves of re-use: accuracy on the new question by number of labels, over the networks of each group."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from interlocus.core.statistics import Interval, mean_over_networks
from interlocus.studies.reuse.learners import REUSE_TEST_ROWS, REUSE_WAYS, Way
from interlocus.studies.reuse.measure import Reuse, ReuseRow
from interlocus.studies.spec.networks import NetworkGroup
from interlocus.studies.spec.study import Study


@dataclass(frozen=True, kw_only=True)
class ReuseCurve:
    """Accuracy of one way of answering the new question, over the networks of a group.

    Args:
        group: Name of the network group.
        question: Name of the question.
        way: The way of answering, such as features of the alignment or the whole state (`REUSE_WAYS`).
        labels: The numbers of labelled examples, in increasing order.
        accuracy: For each number of labels the mean accuracy over draws and networks, with its interval over networks.
        commonest: Accuracy of always answering with the commonest label, mean over networks.
        networks: Number of networks in the mean.
    """

    group: str
    question: str
    way: str
    labels: tuple[int, ...]
    accuracy: tuple[Interval, ...]
    commonest: float
    networks: int

    def needed(self, level: float) -> int | None:
        """The smallest number of labels from which on the mean accuracy stays at a level; `None` if there is none.

        Args:
            level: The accuracy, from 0 to 1.
        """
        reached = [interval.value >= level for interval in self.accuracy]
        first = len(reached) - sum(1 for _ in itertools.takewhile(bool, reversed(reached)))
        return self.labels[first] if first < len(reached) else None


class NetworkReuseRow(ReuseRow):
    """One row of the table of re-use: a network, way, number of labels and draw."""

    group: str
    network: str


def reuse_curves(study: Study, reuse: Mapping[str, Reuse]) -> list[ReuseCurve]:
    """One curve for each group and way.

    Args:
        study: The study that asks the question.
        reuse: The results, by the names of networks. Groups without a result are left out.
    """
    curves: list[ReuseCurve] = []
    for group in study.networks if study.reuse else ():
        measured = [reuse[name] for name in group.networks if name in reuse]
        if measured:
            ways: list[Way] = [way for way in REUSE_WAYS if way in measured[0].accuracy]
            curves += [_curve(study, group, way, measured) for way in ways]
    return curves


def reuse_rows(study: Study, reuse: Mapping[str, Reuse]) -> list[NetworkReuseRow]:
    """One row for each network, way, number of labels and draw.

    Args:
        study: The study that asks the question.
        reuse: The results by the names of networks. Networks without a result are left out.
    """
    return [
        {"group": group.name, "network": name, **row}
        for group in study.networks
        for name in group.networks
        if name in reuse
        for row in reuse[name].to_rows()
    ]


def _curve(study: Study, group: NetworkGroup, way: Way, measured: Sequence[Reuse]) -> ReuseCurve:
    by_count = zip(*(reuse.mean(way) for reuse in measured), strict=True)
    rows = [REUSE_TEST_ROWS] * len(measured)
    return ReuseCurve(
        group=group.name,
        question=measured[0].question,
        way=way,
        labels=measured[0].labels,
        accuracy=tuple(mean_over_networks(values, rows) for values in by_count),
        commonest=sum(reuse.commonest for reuse in measured) / len(measured),
        networks=len(measured),
    )
