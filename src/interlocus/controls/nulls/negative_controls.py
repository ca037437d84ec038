"""The control `negative_controls`: scores of the same searches in networks that do not use the variables."""

from __future__ import annotations

from dataclasses import dataclass

from interlocus.controls._base import AbstractControl, ControlContext, Evidence, EvidenceContext
from interlocus.controls.ground_truth.unused_copies import unused_copies_like
from interlocus.controls.used.search import search_restricted
from interlocus.controls.used.subspace import used_subspaces
from interlocus.core.random import derived_generator
from interlocus.networks import MLP

NEGATIVE_CONTROLS_TRAINED = 6
"""Networks that are trained; not all of them become negative controls."""
MAX_NEGATIVE_CONTROLS = 4
"""Negative controls that are searched; further ones are left out."""


@dataclass(frozen=True, kw_only=True)
class NegativeControls:
    """The best scores of a portfolio in networks that hold copies of the variables and do not use them.

    Args:
        count: Number of such networks that were searched, from 0 to `MAX_NEGATIVE_CONTROLS`.
        decodable: Lowest accuracy of a linear probe, over networks and variables.
        full: Best IIA of all searches in the full state.
        inside: Best IIA inside the used subspaces; 0 if these have fewer directions than there are variables.
    """

    count: int
    decodable: float
    full: float
    inside: float


class NegativeControlsControl(AbstractControl[NegativeControls]):
    """Networks of the same architecture in which any finding is false. Only perceptrons can be trained this way."""

    name = "negative_controls"
    description = (
        "the same searches were made in networks of the same architecture in which the variables can be decoded but "
        "are not used"
    )

    def measure(self, context: ControlContext) -> list[NegativeControls | None]:
        hypothesis, networks = context.task.hypothesis(context.portfolio.hypothesis), context.networks
        values = [hypothesis.model.variables[name].values for name in hypothesis.variables]
        if not isinstance(networks, MLP) or None in values:
            return [None] * len(networks)
        return [self._search(context, networks)] * len(networks)

    def _search(self, context: ControlContext, like: MLP) -> NegativeControls:
        """Train negative controls like some networks, and search them."""
        portfolio, task, site = context.portfolio, context.task, context.site
        # "decoys" names a random stream; another name would change results
        seed = derived_generator(portfolio.seed, "decoys", site).initial_seed() % 2**31
        trained = unused_copies_like(
            task, hypothesis=portfolio.hypothesis, site=site, like=like, count=NEGATIVE_CONTROLS_TRAINED, seed=seed
        )
        admitted = trained.admitted[:MAX_NEGATIVE_CONTROLS]
        if not admitted:
            return NegativeControls(count=0, decodable=0.0, full=0.0, inside=0.0)
        networks = trained.networks.select(admitted)
        used = used_subspaces(networks, task, site=site, agreement=context.thresholds.agreement, seed=portfolio.seed)
        inside = [
            restarts.best.score.iia
            for restricted in search_restricted(portfolio, networks, task, site, used)
            for entries in restricted.restarts.get(portfolio.hypothesis, {}).values()
            for restarts in entries
        ]
        return NegativeControls(
            count=len(admitted),
            decodable=min(trained.decodable[i] for i in admitted),
            full=max(portfolio.best_iia(networks, task, site)),
            inside=max(inside, default=0.0),
        )

    def evidence(self, result: NegativeControls | None, context: EvidenceContext) -> list[Evidence]:
        if result is None:
            return []
        if not result.count:
            text = "No network could be trained here in which the variables can be decoded but are not used."
            return [Evidence(control="negative controls", text=text, passes=None)]
        text = (
            f"In {result.count} networks in which the variables can be decoded (accuracy at least "
            f"{result.decodable:.3f}) but are not used, the same searches reach {result.full:.3f} in the full "
            f"state and {result.inside:.3f} inside the used subspace."
        )
        highest = max((effect.low for effect in context.inside or ()), default=None)
        passes = None if highest is None else highest > result.inside
        return [Evidence(control="negative controls", text=text, passes=passes)]
