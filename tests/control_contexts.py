"""Contexts in which controls are measured, and observations with made-up numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from interlocus.alignment.alignment import Alignment
from interlocus.controls._base import ControlContext, Evidence
from interlocus.controls.criteria import Effect, Thresholds
from interlocus.featurizers import Frames
from interlocus.networks import AbstractNetworks
from interlocus.searches.budget import Budget, Phase
from interlocus.searches.portfolio import Portfolio
from interlocus.tasks import AbstractTask
from interlocus.verdicts.evidence import collect_evidence
from interlocus.verdicts.observation import SiteObservation, UsedSubspaceEvidence

SMALL = Budget(pool=2048, held_out=2048, partners=64, batch=64, check_every=10, validation=512, test=1000)


def portfolio_of(**changes: object) -> Portfolio:
    """Searches that take a second; keyword arguments replace fields."""
    fields = {
        "hypothesis": "both",
        "sizes": (1,),
        "featurizers": ("rotation",),
        "starts": {"random": 1, "covariance": 1},
        "phases": (Phase(steps=20),),
        "budget": SMALL,
        "seed": 0,
    }
    return Portfolio(**(fields | changes))


def alignment_of(
    network: AbstractNetworks,
    task: AbstractTask,
    rows: Tensor,
    *,
    site: str,
    hypothesis: str = "both",
    variables: Sequence[str] = (),
    featurizer: str = "rotation",
) -> Alignment:
    """An alignment that reads and writes the given directions, `[variable, feature, width]`.

    Without `variables` it aligns all variables of the hypothesis.
    """
    return Alignment(
        site=site,
        hypothesis=hypothesis,
        variables=tuple(variables) or task.hypothesis(hypothesis).variables,
        featurizer=featurizer,
        network=network.fingerprint(),
        task=task.name,
        frames=Frames(read=rows, write=rows),
    )


def context_of(
    networks: AbstractNetworks,
    task: AbstractTask,
    *,
    site: str,
    alignments: Sequence[Alignment | None] | None = None,
    portfolio: Portfolio | None = None,
    controls: Sequence[str] = (),
) -> ControlContext:
    """A context with the default thresholds; without `alignments` no network has one."""
    return ControlContext(
        portfolio=portfolio or portfolio_of(),
        task=task,
        networks=networks,
        site=site,
        controls=tuple(controls),
        alignments=[None] * len(networks) if alignments is None else alignments,
        thresholds=Thresholds(),
    )


def effect_with(low: float, **changes: object) -> Effect:
    """An effect whose interval begins at `low` and whose other figures fit."""
    fields = {
        "featurizer": "rotation",
        "size": 2,
        "iia": min(1.0, low + 0.01),
        "low": low,
        "high": min(1.0, low + 0.02),
        "worst_transition": low,
        "value_change": low,
        "single": low,
        "joint": low,
        "answer_change_rate": 0.5,
    }
    return Effect(**(fields | changes))


def used_with(*inside: Effect, rank: int = 2, width: int = 16) -> UsedSubspaceEvidence:
    """A used subspace in which these effects were measured."""
    return UsedSubspaceEvidence(rank=rank, width=width, agreement=0.9995, effects=inside, output={})


def observation_of(*, results: Mapping[str, object] | None = None, **changes: object) -> SiteObservation:
    """What is known of `left` at layer 1, where a search found it with size 2."""
    fields = {
        "site": "layer1",
        "variable": "left",
        "hidden": True,
        "effects": (effect_with(0.98),),
        "no_effect": 0.5,
        "one_directional": 0.7,
        "null": 0.6,
        "results": results or {},
    }
    return SiteObservation(**(fields | changes))


def evidence_of(observation: SiteObservation, control: str) -> list[Evidence]:
    """The rows of evidence that carry this name."""
    (entry,) = observation.effects
    rows = collect_evidence(entry, [entry], observation, Thresholds())
    return [row for row in rows if row.control == control]
