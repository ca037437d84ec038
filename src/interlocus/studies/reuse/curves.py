"""Re-use in a study: measured in each network, kept, and drawn together over networks."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlocus.alignment.alignment import Alignment
from interlocus.core.statistics import Interval, bootstrap_over_networks
from interlocus.studies.plan import Trial
from interlocus.studies.reuse.measure import REUSE_TEST_ROWS, REUSE_WAYS, Reuse, measure_reuse, new_question
from interlocus.studies.spec.networks import NetworkGroup
from interlocus.studies.spec.study import Study
from interlocus.studies.store import Store


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


def reuse_places(study: Study, store: Store) -> list[tuple[NetworkGroup, int]]:
    """Networks, as families with places in them, whose variables were searched and not yet asked about anew."""
    if study.reuse is None:
        return []
    return [
        (group, index)
        for group in study.networks
        for index, network in enumerate(group.networks)
        if group.trained and store.has(_trial(study, group, index)) and store.reuse(network) is None
    ]


def measure_network_reuse(
    study: Study, group: NetworkGroup, index: int, folder: str | Path, device: str, report: Callable[[float], None]
) -> None:
    """Ask the new question of one network, and keep the answer."""
    assert study.reuse is not None
    task, store = study.task.build(), Store(folder)
    stacks = group.source.load(task, [store.network_path(name) for name in group.networks], seed=study.seed)
    network = [networks[i] for networks in stacks for i in range(len(networks))][index].to(device)
    path = store.folder / "alignments" / f"{_trial(study, group, index).name}.safetensors"
    alignment = Alignment.load(path, size=study.reuse.size)
    found = measure_reuse(
        alignment,
        network,
        task,
        new_question(study.reuse.question, alignment.variables),
        labels=study.reuse.labels,
        draws=study.reuse.draws,
        seed=study.seed,
        progress=report,
    )
    store.add_reuse(group.networks[index], found.to_json())


def reuse_curves(study: Study, store: Store) -> list[ReuseCurve]:
    """One curve a family and way, of what a folder holds."""
    curves = []
    for group in study.networks if study.reuse else ():
        kept = [store.reuse(name) for name in group.networks]
        own = [Reuse.from_json(data) for data in kept if data is not None]
        curves += [_curve(study, group, way, own) for way in REUSE_WAYS if own and way in own[0].accuracy]
    return curves


def reuse_rows(study: Study, store: Store) -> list[dict[str, Any]]:
    """One mapping a network, way, number of labels and draw."""
    kept = [(group.name, name, store.reuse(name)) for group in study.networks for name in group.networks]
    return [
        {"group": group, "network": network, **row}
        for group, network, data in kept
        if data is not None
        for row in Reuse.from_json(data).to_rows()
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


def _trial(study: Study, group: NetworkGroup, index: int) -> Trial:
    assert study.reuse is not None
    return Trial(
        group=group.name,
        network=group.networks[index],
        site=study.reuse.site,
        hypothesis=study.reused,
        featurizer=study.reuse.featurizer,
    )
