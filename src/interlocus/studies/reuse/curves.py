"""Re-use in a study: measured in each network, stored in the run folder, and averaged over networks."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from interlocus.alignment.alignment import Alignment
from interlocus.core.statistics import Interval, bootstrap_over_networks
from interlocus.studies.plan import Trial
from interlocus.studies.reuse.learners import REUSE_TEST_ROWS, REUSE_WAYS, Way
from interlocus.studies.reuse.measure import LabelDraws, Reuse, ReuseRow, measure_reuse, new_question
from interlocus.studies.spec.networks import NetworkGroup
from interlocus.studies.spec.study import Study
from interlocus.studies.store import Store


@dataclass(frozen=True, kw_only=True)
class ReuseCurve:
    """How well one way answers the new question, over the networks of a group.

    Args:
        group: Name of the network group.
        question: Name of the question.
        way: What the question is answered from.
        labels: Numbers of labels that were given.
        accuracy: For each number of labels the mean over draws and networks, with its interval over networks.
        commonest: Accuracy of always answering with the commonest label, mean over networks.
        networks: Number of networks.
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
    """One row of the table of re-use, with the group and the name of the network."""

    group: str
    network: str


def reuse_places(study: Study, store: Store) -> list[tuple[NetworkGroup, int]]:
    """The networks in which re-use is still to be measured, as a group and an index in it.

    Args:
        study: The study; without the key `reuse` there are none.
        store: The run folder. Networks whose variables were not searched yet are left out.
    """
    if study.reuse is None:
        return []
    return [
        (group, index)
        for group in study.networks
        for index, network in enumerate(group.networks)
        if group.trained and store.has(_trial(study, group, index)) and store.reuse(network) is None
    ]


def measure_network_reuse(
    study: Study,
    group: NetworkGroup,
    index: int,
    folder: str | Path,
    device: str,
    on_progress: Callable[[float], None],
) -> None:
    """Answer the new question of a study about one network, and store the result.

    Args:
        study: The study, with the key `reuse`.
        group: The network group.
        index: Index of the network in its group.
        folder: The run folder, which holds the network and its alignment.
        device: Device of the network, `cpu` or `cuda`.
        on_progress: Called with the share of the work that is done, from 0 to 1.
    """
    assert study.reuse is not None
    task, store = study.task.build(), Store(folder)
    stacks = group.source.load(task, [store.network_path(name) for name in group.networks], seed=study.seed)
    network = [networks[i] for networks in stacks for i in range(len(networks))][index].to(device)
    path = store.folder / "alignments" / f"{_trial(study, group, index).name}.safetensors"
    alignment = Alignment.load(path, size=study.reuse.size)
    reuse = measure_reuse(
        alignment,
        network,
        task,
        new_question(study.reuse.question, alignment.variables),
        labels=LabelDraws(counts=study.reuse.labels, draws=study.reuse.draws),
        seed=study.seed,
        on_progress=on_progress,
    )
    store.add_reuse(group.networks[index], reuse.to_json())


def reuse_curves(study: Study, store: Store) -> list[ReuseCurve]:
    """One curve for each group and way, from what a run folder holds.

    Args:
        study: The study of the run folder.
        store: The run folder. Groups in which nothing was measured yet are left out.
    """
    curves: list[ReuseCurve] = []
    for group in study.networks if study.reuse else ():
        stored = [store.reuse(name) for name in group.networks]
        measured = [Reuse.from_json(data) for data in stored if data is not None]
        if measured:
            ways = [way for way in REUSE_WAYS if way in measured[0].accuracy]
            curves += [_curve(study, group, way, measured) for way in ways]
    return curves


def reuse_rows(study: Study, store: Store) -> list[NetworkReuseRow]:
    """One row for each network, way, number of labels and draw.

    Args:
        study: The study of the run folder.
        store: The run folder. Networks in which nothing was measured yet are left out.
    """
    stored = [(group.name, name, store.reuse(name)) for group in study.networks for name in group.networks]
    return [
        {"group": group, "network": network, **row}
        for group, network, data in stored
        if data is not None
        for row in Reuse.from_json(data).to_rows()
    ]


def _curve(study: Study, group: NetworkGroup, way: Way, measured: Sequence[Reuse]) -> ReuseCurve:
    by_count = zip(*(reuse.mean(way) for reuse in measured), strict=True)
    rows = [REUSE_TEST_ROWS] * len(measured)
    return ReuseCurve(
        group=group.name,
        question=measured[0].question,
        way=way,
        labels=measured[0].labels,
        accuracy=tuple(bootstrap_over_networks(values, rows, seed=study.seed) for values in by_count),
        commonest=sum(reuse.commonest for reuse in measured) / len(measured),
        networks=len(measured),
    )


def _trial(study: Study, group: NetworkGroup, index: int) -> Trial:
    """The trial whose alignment the question is about."""
    assert study.reuse is not None
    return Trial(
        group=group.name,
        network=group.networks[index],
        site=study.reuse.site,
        hypothesis=study.reused,
        featurizer=study.reuse.featurizer,
    )
