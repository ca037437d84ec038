"""The searches of a study, put to networks in which the variables can be decoded and nobody reads them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from interlocus.data import Data
from interlocus.inside import Inside
from interlocus.networks import MLP, AbstractNetworks
from interlocus.portfolio import reached
from interlocus.seeds import stream
from interlocus.study import Study
from interlocus.tasks import AbstractTask
from interlocus.unread import unread_like
from interlocus.used import used_subspaces

BEGUN = 6
"""Not all become what they should."""
ENOUGH = 4


@dataclass(frozen=True, kw_only=True)
class Decoy:
    """What the searches of a study make of such networks.

    Args:
        count: how many could be made.
        decodable: accuracy of a linear probe, of the variable that is told worst in any of them.
        full: the best IIA of all searches in the full state.
        inside: the best IIA inside the used subspaces; nothing where these have no room for the variables.
    """

    count: int
    decodable: float
    full: float
    inside: float

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def decoy_of(study: Study, task: AbstractTask, networks: AbstractNetworks, site: str) -> Decoy | None:
    """What the whole portfolio reaches in decoys of an architecture, in the full state and inside what is read on.

    `None` where they cannot be made: of modules, and of variables without declared values.

    Args:
        study: whose searches they are.
        task: what the networks solve.
        networks: like which decoys are made.
        site: where.
    """
    asked = task.hypothesis(study.asked)
    if not isinstance(networks, MLP) or any(asked.model.variables[name].values is None for name in asked.variables):
        return None
    seed = stream(study.seed, "decoys", site).initial_seed() % 2**31
    made = unread_like(task, hypothesis=asked.name, site=site, like=networks, count=BEGUN, seed=seed)
    chosen = made.admitted[:ENOUGH]
    if not chosen:
        return Decoy(count=0, decodable=0.0, full=0.0, inside=0.0)
    decoys = made.networks.only(chosen)
    data = Data.draw(task, study.budget, seed=study.seed, hypotheses=[asked.name])
    needed = used_subspaces(decoys, task, site=site, agreement=study.verdict.agreement, seed=study.seed)
    inside = Inside(study=study, task=task, networks=decoys, site=site).search(needed, lambda share: None)
    found = [
        attempts.best.score.iia
        for own, _ in inside.values()
        for sizes in own.get(asked.name, {}).values()
        for attempts in sizes
    ]
    return Decoy(
        count=len(chosen),
        decodable=min(made.decodable[i] for i in chosen),
        full=max(reached(study, decoys, data, site=site, hypothesis=asked)),
        inside=max(found, default=0.0),
    )
