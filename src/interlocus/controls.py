"""What is measured beside the searches of a study, so that a score can be told from what looks like one.

Each site of each trained family is one piece of work: how little of the state the rest of the network needs, the same
searches again inside that, the output and rival routes inside it, what directions score that nobody searched for, and
what no map could exceed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.alignment import Alignment
from interlocus.causal import Hypothesis
from interlocus.data import Data
from interlocus.engine import solve
from interlocus.family import Family
from interlocus.featurizers import Frames
from interlocus.networks import AbstractNetworks
from interlocus.networks.confined import Confined
from interlocus.nulls import random_subspaces
from interlocus.plan import Trial
from interlocus.portfolio import portfolio
from interlocus.probes import decodable
from interlocus.purity import operands_ride
from interlocus.request import Request
from interlocus.results import Attempts, Finding
from interlocus.size import Size, parse_size
from interlocus.starts import find_start
from interlocus.store import Store
from interlocus.structural import additive_ceiling, is_linear_behind
from interlocus.study import Study
from interlocus.tasks import AbstractTask
from interlocus.used import UsedSubspace, confine, used_subspaces

SUBSPACES = 200
"""Random subspaces of each size."""
FEW = 1024
"""Interventions are enough for a random subspace: nothing of it is reported but a percentile."""
OUTPUT_SIZES = (1, 2)
"""Smaller than the variables together, which determine the output."""
OUTPUT = "output"
CLOSED_FORM = ("covariance", "mean_difference")
"""Starts that are put to used subspaces whatever a study begins with: values coded by spread, and by means."""
RUNG = 200
"""Steps after which the better half of the searches inside a used subspace go on: only the best of them counts."""
NEAR = 0.02
"""Whose IIA is so far below what counts as found is not looked into."""


@dataclass(frozen=True, kw_only=True)
class Control:
    """What controls say of one network at one site.

    Args:
        network: its name.
        family: of which it is one.
        site: where.
        rank: directions that the rest of the network needs; `None` where that was not asked.
        width: of the site.
        agreement: share of its own answers that the network keeps when confined to them.
        structural: what no linear map can exceed here; `None` where there is no such ceiling.
        random: 95th percentile, over random subspaces, of the best IIA of the sizes searched.
        inside: for each hypothesis and class of maps what was found inside the used subspace, an entry a size.
        pure: for each variable, class of maps and size how much of the operands rides along (R² at equal value).
        decodable: for each variable the accuracy of each probe; nothing where that was not asked.
    """

    network: str
    family: str
    site: str
    rank: int | None
    width: int
    agreement: float | None
    structural: float | None
    random: float
    inside: dict[str, dict[str, tuple[Attempts, ...]]]
    pure: dict[str, dict[str, dict[Size, float]]]
    decodable: dict[str, dict[str, float]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        inside = {
            name: {kind: [entry.to_json() for entry in entries] for kind, entries in maps.items()}
            for name, maps in self.inside.items()
        }
        return {name: value for name, value in vars(self).items() if name != "inside"} | {"inside": inside}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Control:
        """What `to_json` wrote."""
        inside = {
            name: {kind: tuple(map(Attempts.from_json, entries)) for kind, entries in maps.items()}
            for name, maps in data["inside"].items()
        }
        pure = {
            name: {kind: {parse_size(size): value for size, value in sizes.items()} for kind, sizes in maps.items()}
            for name, maps in data["pure"].items()
        }
        return cls(**(data | {"inside": inside, "pure": pure}))


def measure_controls(
    study: Study, family: Family, site: str, folder: str | Path, device: str, report: Callable[[float], None]
) -> None:
    """Measure the controls of a family at a site, and keep one record a network."""
    task, store = study.task.build(), Store(folder)
    stacks = family.kind.load(task, [store.network_path(name) for name in family.networks], seed=study.seed)
    names = iter(family.networks)
    for number, networks in enumerate(stacks):
        own = [next(names) for _ in range(len(networks))]
        found = controls_of(
            study,
            task,
            networks.to(device),
            site,
            names=own,
            family=family.name,
            hints=[_hint(study, store, family.name, name, site) for name in own],
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
    family: str,
    hints: Sequence[Float[Tensor, "_ width"] | None] = (),
    report: Callable[[float], None] = lambda share: None,
) -> list[Control]:
    """The same for networks in hand.

    Args:
        study: says what is asked.
        task: what the networks solve.
        networks: whose site it is.
        site: where.
        names: of the networks.
        family: theirs.
        hints: for each directions in which the variables were found, if they were.
        report: is told the share that is done.
    """
    asked = task.hypothesis(study.asked)
    ceiling = additive_ceiling(task, asked) if is_linear_behind(networks, task, site) else None
    random = _random(study, task, networks, site, asked)
    needed: list[UsedSubspace] = []
    if "used" in study.controls:
        needed = used_subspaces(
            networks, task, site=site, agreement=study.verdict.agreement, hints=hints, seed=study.seed
        )
    probed = _probed(study, task, networks, site, asked)
    report(0.2)
    inside = _Inside(study=study, task=task, networks=networks, site=site)
    found = inside.search(needed, lambda share: report(0.2 + 0.8 * share))
    return [
        Control(
            network=name,
            family=family,
            site=site,
            rank=needed[i].rank if needed else None,
            width=networks.width(site),
            agreement=needed[i].agreement if needed else None,
            structural=ceiling if ceiling is not None and ceiling < study.verdict.found else None,
            random=float(random[i]),
            inside=found.get(i, ({}, {}))[0],
            pure=found.get(i, ({}, {}))[1],
            decodable=probed[i],
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


def _hint(study: Study, store: Store, family: str, network: str, site: str) -> Float[Tensor, "_ width"] | None:
    """Orthonormal directions that the best alignment of a study reads, at the smallest size that is about as good."""
    best: tuple[float, Size, str] | None = None
    for featurizer in study.featurizers_of(study.asked, site):
        trial = Trial(
            family=family,
            network=network,
            site=site,
            hypothesis=study.asked,
            featurizer=featurizer,
            schedule=study.schedule,
        )
        if store.has(trial):
            scores = {entry.size: entry.best.score.iia for entry in store.record(trial.name).sizes}
            size = min(size for size, iia in scores.items() if iia >= max(scores.values()) - NEAR)
            if best is None or scores[size] > best[0] + NEAR:
                best = scores[size], size, trial.name
    if best is None:
        return None
    frames = Alignment.load(store.alignment_path(best[2]), size=best[1]).frames
    return torch.linalg.qr(frames.read.flatten(0, 1).T).Q.T if isinstance(frames, Frames) else None


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
        draws=SUBSPACES,
        budget=study.budget.model_copy(update={"test": min(study.budget.test, FEW)}),
        seed=study.seed,
    )
    return np.quantile(drawn.max(1), 0.95, axis=1)


@dataclass(frozen=True, kw_only=True)
class _Inside:
    """The searches of a study, repeated inside used subspaces."""

    study: Study
    task: AbstractTask
    networks: AbstractNetworks
    site: str

    def search(self, needed: Sequence[UsedSubspace], report: Callable[[float], None]) -> dict[int, tuple[Any, Any]]:
        """For each network what was found, and how much of the operands rides along in it.

        Networks that need about equally many directions are searched together.
        """
        variables = len(self.task.hypothesis(self.study.asked).variables)
        rooms = [one.rank if one.rank < variables else _room(one.rank, variables) for one in needed]
        result: dict[int, tuple[Any, Any]] = {}
        for done, room in enumerate(sorted(set(rooms))):
            indices = [i for i, other in enumerate(rooms) if other == room]
            confined = confine(self.networks.only(indices), [needed[i] for i in indices], room=room)
            report(done / len(set(rooms)))
            for i, own in zip(indices, self._together(confined, room), strict=True):
                result[i] = own
        return result

    def _together(self, confined: Confined, room: int) -> list[tuple[Any, Any]]:
        study, task = self.study, self.task
        output = Hypothesis(name=OUTPUT, model=task.model, variables=(task.model.output,))
        sought = [task.hypothesis(name) for name in (study.asked, *study.rivals)]
        data = Data.draw(task, study.budget, seed=study.seed, hypotheses=[one.name for one in sought])
        inside: list[dict[str, dict[str, tuple[Attempts, ...]]]] = [{} for _ in range(len(confined))]
        pure: list[dict[str, dict[str, dict[Size, float]]]] = [{} for _ in range(len(confined))]
        for hypothesis in (*sought, output):
            variables = len(hypothesis.variables)
            own = OUTPUT_SIZES if hypothesis is output else (*study.sizes_of(study.asked, self.site), room // variables)
            sizes = sorted({size for size in own if 0 < size * variables <= room})
            maps = study.featurizers_of(study.asked, self.site) if sizes else ()
            for featurizer in maps if hypothesis is sought[0] else maps[:1]:
                request = portfolio(study, site=self.site, hypotheses=(hypothesis,), sizes=sizes, featurizer=featurizer)
                for finding in solve(confined, data, _eased(request)):
                    inside[finding.network].setdefault(hypothesis.name, {})[featurizer] = finding.sizes
                    if hypothesis is not output and "purity" in study.controls:
                        for variable, by_size in self._pure(confined[finding.network], finding, featurizer).items():
                            pure[finding.network].setdefault(variable, {})[featurizer] = by_size
        return list(zip(inside, pure, strict=True))

    def _pure(self, network: Confined, finding: Finding, featurizer: str) -> dict[str, dict[Size, float]]:
        """How much of the operands rides along, wherever the variables are about found."""
        hypothesis = self.task.hypothesis(finding.hypothesis)
        found: dict[str, dict[Size, float]] = {name: {} for name in hypothesis.variables}
        for entry, frames in zip(finding.sizes, finding.frames, strict=True):
            if entry.best.score.iia < self.study.verdict.found - NEAR:
                continue
            alignment = Alignment(
                site=self.site,
                hypothesis=hypothesis.name,
                variables=hypothesis.variables,
                featurizer=featurizer,
                network=network.fingerprint(),
                task=self.task.name,
                frames=frames,
            )
            for variable in hypothesis.variables:
                riding = operands_ride(alignment, variable, network, self.task, seed=self.study.seed)
                found[variable][entry.size] = riding.r2
        return found


def _eased(request: Request) -> Request:
    """The same as a race, with one of each closed-form start: what is missed inside the used subspace would be called
    unused.

    What a search finds in the whole state it may well miss in two directions, where a random start has little to hold
    on to; power is shown for the whole state only.
    """
    known = {start.name for start, _ in request.starts}
    more = tuple((find_start(name), 1) for name in CLOSED_FORM if name not in known)
    budget = request.budget if request.budget.rung else request.budget.model_copy(update={"rung": RUNG})
    return replace(request, starts=request.starts + more, budget=budget)


def _room(rank: int, variables: int) -> int:
    """Directions in which a used subspace is searched: enough for equal sizes, and few different numbers of them.

    What is beyond the rank has no effect on the network, so nothing can be read or written there.
    """
    room = variables
    while room < rank:
        room *= 2
    return room
