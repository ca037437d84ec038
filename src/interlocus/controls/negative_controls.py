"""The control `negative_controls`: what the searches find where the variables can be decoded and nobody reads them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from interlocus.controls._base import AbstractControl, ControlContext, Evidence, EvidenceContext
from interlocus.controls.ground_truth.unused_copies import unused_copies_like
from interlocus.controls.restricted_search import search_restricted
from interlocus.controls.sufficient_subspace import used_subspaces
from interlocus.core.random import derived_generator
from interlocus.networks import MLP

NEGATIVE_CONTROLS_BEGUN = 6
"""Networks that are trained; not all of them become negative controls."""
NEGATIVE_CONTROLS_KEPT = 4


@dataclass(frozen=True, kw_only=True)
class NegativeControls:
    """What the searches of a portfolio reach in networks with unused copies of the variables.

    Args:
        count: Number of such networks that could be made.
        decodable: Accuracy of a linear probe for the variable that is hardest to decode in any of them.
        full: The best IIA of all searches in the full state.
        inside: The best IIA inside the used subspaces; 0 where these have no room for the variables.
    """

    count: int
    decodable: float
    full: float
    inside: float


class NegativeControlsControl(AbstractControl[NegativeControls]):
    """Networks of the same architecture in which a finding would be false. Only perceptrons can be made so."""

    name = "negative_controls"
    description = (
        "the same searches were made in networks of the same architecture in which the variables can be decoded and "
        "nobody reads them"
    )

    def measure(self, context: ControlContext) -> list[NegativeControls | None]:
        hypothesis, networks = context.task.hypothesis(context.portfolio.hypothesis), context.networks
        values = [hypothesis.model.variables[name].values for name in hypothesis.variables]
        if not isinstance(networks, MLP) or None in values:
            return [None] * len(networks)
        return [self._measured(context, networks)] * len(networks)

    def _measured(self, context: ControlContext, like: MLP) -> NegativeControls:
        portfolio, task, site = context.portfolio, context.task, context.site
        seed = derived_generator(portfolio.seed, "decoys", site).initial_seed() % 2**31
        made = unused_copies_like(
            task, hypothesis=portfolio.hypothesis, site=site, like=like, count=NEGATIVE_CONTROLS_BEGUN, seed=seed
        )
        kept = made.admitted[:NEGATIVE_CONTROLS_KEPT]
        if not kept:
            return NegativeControls(count=0, decodable=0.0, full=0.0, inside=0.0)
        networks = made.networks.select(kept)
        used = used_subspaces(networks, task, site=site, agreement=context.thresholds.agreement, seed=portfolio.seed)
        inside = [
            restarts.best.score.iia
            for restricted in search_restricted(portfolio, networks, task, site, used)
            for entries in restricted.restarts.get(portfolio.hypothesis, {}).values()
            for restarts in entries
        ]
        return NegativeControls(
            count=len(kept),
            decodable=min(made.decodable[i] for i in kept),
            full=max(portfolio.best_iia(networks, task, site)),
            inside=max(inside, default=0.0),
        )

    def to_json(self, result: NegativeControls) -> dict[str, Any]:
        return asdict(result)

    def from_json(self, data: dict[str, Any]) -> NegativeControls:
        return NegativeControls(**data)

    def evidence(self, result: NegativeControls | None, context: EvidenceContext) -> list[Evidence]:
        if result is None:
            return []
        if not result.count:
            text = "No network could be made here in which the variables can be decoded and nobody reads them."
            return [Evidence(control="negative controls", text=text, passes=None)]
        text = (
            f"In {result.count} networks in which the variables can be decoded (accuracy at least "
            f"{result.decodable:.3f}) and nobody reads them, the same searches reach {result.full:.3f} in the full "
            f"state and {result.inside:.3f} inside the used subspace."
        )
        highest = max((effect.low for effect in context.inside), default=None)
        passes = None if highest is None else highest > result.inside
        return [Evidence(control="negative controls", text=text, passes=passes)]
