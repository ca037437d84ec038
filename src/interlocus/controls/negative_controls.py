"""The searches of a study, put to networks in which the variables can be decoded and nobody reads them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from interlocus.controls.ground_truth.unused_copies import unused_copies_like
from interlocus.controls.restricted_search import RestrictedSearch
from interlocus.controls.used_subspace import used_subspaces
from interlocus.core.random import derived_generator
from interlocus.networks import MLP, AbstractNetworks
from interlocus.searches.portfolio import reached
from interlocus.studies.spec.study import Study
from interlocus.tasks import AbstractTask
from interlocus.tasks.splits import DataSplits

NEGATIVE_CONTROLS_BEGUN = 6
"""Not all become what they should."""
NEGATIVE_CONTROLS_KEPT = 4


@dataclass(frozen=True, kw_only=True)
class NegativeControls:
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


def measure_negative_controls(
    study: Study, task: AbstractTask, networks: AbstractNetworks, site: str
) -> NegativeControls | None:
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
    seed = derived_generator(study.seed, "decoys", site).initial_seed() % 2**31
    made = unused_copies_like(
        task, hypothesis=asked.name, site=site, like=networks, count=NEGATIVE_CONTROLS_BEGUN, seed=seed
    )
    chosen = made.admitted[:NEGATIVE_CONTROLS_KEPT]
    if not chosen:
        return NegativeControls(count=0, decodable=0.0, full=0.0, inside=0.0)
    decoys = made.networks.select(chosen)
    data = DataSplits.draw(task, study.budget, seed=study.seed, hypotheses=[asked.name])
    needed = used_subspaces(decoys, task, site=site, agreement=study.verdict.agreement, seed=study.seed)
    inside = RestrictedSearch(study=study, task=task, networks=decoys, site=site).search(needed, lambda share: None)
    found = [
        restarts.best.score.iia
        for own, _ in inside.values()
        for sizes in own.get(asked.name, {}).values()
        for restarts in sizes
    ]
    return NegativeControls(
        count=len(chosen),
        decodable=min(made.decodable[i] for i in chosen),
        full=max(reached(study, decoys, data, site=site, hypothesis=asked)),
        inside=max(found, default=0.0),
    )
