"""The control `used_subspace`: how few directions the rest of the network needs, and what is found inside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from interlocus.controls._base import AbstractControl, ControlContext, Evidence, EvidenceContext
from interlocus.controls.criteria import is_found
from interlocus.controls.restricted_search import ByFeaturizer
from interlocus.searches.results import Restarts


@dataclass(frozen=True, kw_only=True)
class UsedSubspaceResult:
    """The used subspace of one network at one site.

    Args:
        rank: Directions that the rest of the network needs.
        width: Width of the site.
        agreement: Share of its own answers that the network keeps when its states are restricted to them.
        found: For each hypothesis and featurizer the restarts of every size inside the used subspace.
    """

    rank: int
    width: int
    agreement: float
    found: dict[str, ByFeaturizer]

    def restarts_of(self, hypothesis: str) -> ByFeaturizer:
        """What was found for one hypothesis; empty where its variables have no room."""
        return self.found.get(hypothesis, {})


class UsedSubspaceControl(AbstractControl[UsedSubspaceResult]):
    """A map can be found through a copy of a variable that nobody reads; inside the used subspace there is none."""

    name = "used_subspace"
    description = (
        "the lowest-rank part of a site with which a network keeps {agreement:.1%} of its own answers was found, and "
        "the searches were repeated inside it"
    )

    def measure(self, context: ControlContext) -> list[UsedSubspaceResult | None]:
        width = context.networks.width(context.site)
        return [
            UsedSubspaceResult(rank=used.rank, width=width, agreement=used.agreement, found=restricted.restarts)
            for used, restricted in zip(context.used, context.restricted, strict=True)
        ]

    def to_json(self, result: UsedSubspaceResult) -> dict[str, Any]:
        found = {
            hypothesis: {featurizer: [entry.to_json() for entry in entries] for featurizer, entries in maps.items()}
            for hypothesis, maps in result.found.items()
        }
        return {"rank": result.rank, "width": result.width, "agreement": result.agreement, "found": found}

    def from_json(self, data: dict[str, Any]) -> UsedSubspaceResult:
        found = {
            hypothesis: {featurizer: tuple(map(Restarts.from_json, entries)) for featurizer, entries in maps.items()}
            for hypothesis, maps in data["found"].items()
        }
        return UsedSubspaceResult(rank=data["rank"], width=data["width"], agreement=data["agreement"], found=found)

    def evidence(self, result: UsedSubspaceResult | None, context: EvidenceContext) -> list[Evidence]:
        if result is None:
            text = "It was not measured how many directions the rest of the network needs."
            return [Evidence(control="used subspace", text=text, passes=None)]
        text = f"{result.rank} of {result.width} directions keep {result.agreement:.4f} of the network's own answers; "
        if not context.inside:
            text += "the variables have no room in them."
            return [Evidence(control="used subspace", text=text, passes=False)]
        best = max(context.inside, key=lambda effect: effect.iia)
        text += f"inside, IIA {best.iia:.3f} [{best.low:.3f}, {best.high:.3f}] at size {best.size} ({best.featurizer})."
        passes = any(is_found(effect, context.thresholds, context.bar) for effect in context.inside)
        return [Evidence(control="used subspace", text=text, passes=passes)]
