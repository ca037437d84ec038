"""What is measured beside the searches of a study, so that a score can be told from what looks like one.

Each site of each trained family is one piece of work: how little of the state the rest of the network needs, the same
searches again inside that, the output and rival routes inside it, what directions score that nobody searched for, and
what no map could exceed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.dimensions import Size, parse_size
from interlocus.causal.hypothesis import Hypothesis
from interlocus.controls.asides import Aside, aside_of
from interlocus.controls.linear_ceiling import additive_ceiling, is_linear_behind
from interlocus.controls.negative_controls import NegativeControls, measure_negative_controls
from interlocus.controls.nulls import random_subspaces
from interlocus.controls.probes import decodable
from interlocus.controls.restricted_search import NEARLY_FOUND, RestrictedSearch
from interlocus.controls.used_subspace import UsedSubspace, hint_of, used_subspaces
from interlocus.networks import AbstractNetworks
from interlocus.searches.portfolio import reached
from interlocus.searches.results import Restarts
from interlocus.studies.plan import Trial
from interlocus.studies.spec.networks import NetworkGroup
from interlocus.studies.spec.study import Study
from interlocus.studies.store import Store
from interlocus.tasks import AbstractTask
from interlocus.tasks.splits import DataSplits

NULL_DRAWS = 200
"""Random subspaces of each size."""
NULL_INTERVENTIONS = 1024
"""Interventions are enough for a random subspace: nothing of it is reported but a percentile."""


@dataclass(frozen=True, kw_only=True)
class ControlRecord:
    """What controls say of one network at one site.

    Args:
        network: its name.
        group: of which it is one.
        site: where.
        rank: directions that the rest of the network needs; `None` where that was not asked.
        width: of the site.
        agreement: share of its own answers that the network keeps when confined to them.
        structural: what no linear map can exceed here; `None` where there is no such ceiling.
        random: 95th percentile, over random subspaces, of the best IIA of the sizes searched.
        inside: for each hypothesis and class of maps what was found inside the used subspace, an entry a size.
        pure: for each variable, class of maps and size how much of the operands rides along (R² at equal value).
        decodable: for each variable the accuracy of each probe; nothing where that was not asked.
        aside: further figures of the alignment that the site is judged by; `None` where that was not asked.
        shuffled: the best IIA of the whole portfolio when it learns and chooses by labels of other interventions;
            `None` where that was not asked.
        decoy: what the whole portfolio makes of decoys of this architecture; `None` where that was not asked, or where
            they cannot be made.
    """

    network: str
    group: str
    site: str
    rank: int | None
    width: int
    agreement: float | None
    structural: float | None
    random: float
    inside: dict[str, dict[str, tuple[Restarts, ...]]]
    pure: dict[str, dict[str, dict[Size, float]]]
    decodable: dict[str, dict[str, float]] = field(default_factory=dict)
    aside: Aside | None = None
    shuffled: float | None = None
    decoy: NegativeControls | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        inside = {
            name: {kind: [entry.to_json() for entry in entries] for kind, entries in maps.items()}
            for name, maps in self.inside.items()
        }
        aside = None if self.aside is None else self.aside.to_json()
        decoy = None if self.decoy is None else self.decoy.to_json()
        plain = {name: value for name, value in vars(self).items() if name not in {"inside", "aside", "decoy"}}
        return plain | {"inside": inside, "aside": aside, "decoy": decoy}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> ControlRecord:
        """What `to_json` wrote."""
        inside = {
            name: {kind: tuple(map(Restarts.from_json, entries)) for kind, entries in maps.items()}
            for name, maps in data["inside"].items()
        }
        pure = {
            name: {kind: {parse_size(size): value for size, value in sizes.items()} for kind, sizes in maps.items()}
            for name, maps in data["pure"].items()
        }
        aside = Aside(**data["aside"]) if data.get("aside") else None
        decoy = NegativeControls(**data["decoy"]) if data.get("decoy") else None
        return cls(**(data | {"inside": inside, "pure": pure, "aside": aside, "decoy": decoy}))


def measure_controls(
    study: Study, group: NetworkGroup, site: str, folder: str | Path, device: str, report: Callable[[float], None]
) -> None:
    """Measure the controls of a family at a site, and keep one record a network."""
    task, store = study.task.build(), Store(folder)
    stacks = group.source.load(task, [store.network_path(name) for name in group.networks], seed=study.seed)
    names = iter(group.networks)
    for number, networks in enumerate(stacks):
        own = [next(names) for _ in range(len(networks))]
        found = controls_of(
            study,
            task,
            networks.to(device),
            site,
            names=own,
            group=group.name,
            best=[_best(study, store, group.name, name, site) for name in own],
            report=lambda share, number=number: report((number + share) / len(stacks)),
        )
        for control in found:
            store.add_control(control.network, site, control.to_json())


def controls_of(
    study: Study,
    task: AbstractTask,
    networks: AbstractNetworks,
    site: str,
    *,
    names: Sequence[str],
    group: str,
    best: Sequence[Alignment | None] = (),
    report: Callable[[float], None] = lambda share: None,
) -> list[ControlRecord]:
    """The same for networks in hand.

    Args:
        study: says what is asked.
        task: what the networks solve.
        networks: whose site it is.
        site: where.
        names: of the networks.
        group: theirs.
        best: for each the alignment that the site is judged by, if there is one.
        report: is told the share that is done.
    """
    asked = task.hypothesis(study.asked)
    ceiling = additive_ceiling(task, asked) if is_linear_behind(networks, task, site) else None
    random = _random(study, task, networks, site, asked)
    needed: list[UsedSubspace] = []
    if "used" in study.controls:
        needed = used_subspaces(
            networks,
            task,
            site=site,
            agreement=study.verdict.agreement,
            hints=[hint_of(alignment) for alignment in best],
            seed=study.seed,
        )
    probed = _probed(study, task, networks, site, asked)
    asides = _asides(study, task, networks, best)
    shuffled = _shuffled(study, task, networks, site, asked)
    decoy = measure_negative_controls(study, task, networks, site) if "decoy" in study.controls else None
    report(0.2)
    inside = RestrictedSearch(study=study, task=task, networks=networks, site=site)
    found = inside.search(needed, lambda share: report(0.2 + 0.8 * share))
    return [
        ControlRecord(
            network=name,
            group=group,
            site=site,
            rank=needed[i].rank if needed else None,
            width=networks.width(site),
            agreement=needed[i].agreement if needed else None,
            structural=ceiling if ceiling is not None and ceiling < study.verdict.found else None,
            random=float(random[i]),
            inside=found.get(i, ({}, {}))[0],
            pure=found.get(i, ({}, {}))[1],
            decodable=probed[i],
            aside=asides[i],
            shuffled=shuffled[i],
            decoy=decoy,
        )
        for i, name in enumerate(names)
    ]


def _probed(
    study: Study, task: AbstractTask, networks: AbstractNetworks, site: str, asked: Hypothesis
) -> list[dict[str, dict[str, float]]]:
    """For each network and variable with values to tell apart the accuracy of each probe."""
    discrete = all(asked.model.variables[name].values is not None for name in asked.variables)
    if "decodable" not in study.controls or not discrete:
        return [{} for _ in range(len(networks))]
    found = decodable(networks, task, hypothesis=asked.name, site=site, seed=study.seed)
    return [{name: one.to_json() for name, one in own.items()} for own in found]


def _best(study: Study, store: Store, group: str, network: str, site: str) -> Alignment | None:
    """The best alignment of a study at a site, at the smallest size that is about as good."""
    best: tuple[float, Size, str] | None = None
    for featurizer in study.featurizers_of(study.asked, site):
        trial = Trial(
            group=group,
            network=network,
            site=site,
            hypothesis=study.asked,
            featurizer=featurizer,
            schedule=study.schedule,
        )
        if store.has(trial):
            scores = {entry.size: entry.best.score.iia for entry in store.record(trial.name).sizes}
            size = min(size for size, iia in scores.items() if iia >= max(scores.values()) - NEARLY_FOUND)
            if best is None or scores[size] > best[0] + NEARLY_FOUND:
                best = scores[size], size, trial.name
    if best is None:
        return None
    return Alignment.load(store.alignment_path(best[2]), size=best[1])


def _asides(
    study: Study, task: AbstractTask, networks: AbstractNetworks, best: Sequence[Alignment | None]
) -> list[Aside | None]:
    """For each network further figures of its alignment."""
    if "aside" not in study.controls:
        return [None] * len(networks)
    about: dict[str, Any] = {"rivals": study.rivals, "budget": study.budget, "seed": study.seed}
    return [
        None if one is None else aside_of(one, networks[i], task, **about)
        for i, one in enumerate(best or [None] * len(networks))
    ]


def _shuffled(
    study: Study, task: AbstractTask, networks: AbstractNetworks, site: str, asked: Hypothesis
) -> list[float | None]:
    """For each network what the whole portfolio reaches by luck: its labels, and those it chooses by, are others'."""
    if "shuffled" not in study.controls:
        return [None] * len(networks)
    data = DataSplits.draw(task, study.budget, seed=study.seed, hypotheses=(asked.name,))
    return [*reached(study, networks, data, site=site, hypothesis=asked, shuffle=True)]


def _random(
    study: Study, task: AbstractTask, networks: AbstractNetworks, site: str, asked: Hypothesis
) -> Float[np.ndarray, " network"]:
    """For each network the 95th percentile of the best of all sizes, over directions drawn at random."""
    sizes = [size for size in study.sizes_of(study.asked, site) if size * len(asked.variables) <= networks.width(site)]
    drawn = random_subspaces(
        networks,
        task,
        hypothesis=asked.name,
        site=site,
        sizes=sizes,
        draws=NULL_DRAWS,
        budget=study.budget.model_copy(update={"test": min(study.budget.test, NULL_INTERVENTIONS)}),
        seed=study.seed,
    )
    return np.quantile(drawn.max(1), 0.95, axis=1)
