"""The measurements of an audit, from controls to verdicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.evaluation import evaluate
from interlocus.alignment.metrics import Score
from interlocus.controls._base import ControlContext, Evidence
from interlocus.controls.criteria import Effect, Thresholds, is_found
from interlocus.controls.ground_truth.planted_result import Power
from interlocus.controls.nulls.linear_ceiling import LinearCeiling
from interlocus.controls.nulls.random_directions import RandomDirections, level_at
from interlocus.controls.nulls.untrained import NullLevel
from interlocus.controls.operand_leakage import OperandLeakage, OperandLeakageControl, operand_leakage, with_leakage
from interlocus.controls.power import PowerControl
from interlocus.controls.probes import ProbesControl
from interlocus.controls.record import ControlRecord, measure_controls
from interlocus.controls.used.alignments import restricted_alignment
from interlocus.controls.used.subspace import restrict_to
from interlocus.controls.used_subspace import UsedSubspaceControl, UsedSubspaceResult
from interlocus.core.errors import AlignmentError
from interlocus.featurizers import Frames
from interlocus.networks import AbstractNetworks
from interlocus.networks.site import INPUT_SITE
from interlocus.networks.sources.untrained import untrained_like
from interlocus.searches.portfolio import Portfolio
from interlocus.studies.results.effects import by_cell_means, cases_of, effects_inside
from interlocus.tasks import AbstractTask
from interlocus.tasks.chance_levels import chance_levels
from interlocus.verdicts.observation import SiteObservation, UsedSubspaceEvidence
from interlocus.verdicts.rules import PLANTED, judge_network
from interlocus.verdicts.verdict import Verdict
from interlocus.verdicts.words import MISSING

OnAuditStage = Callable[[str], None]
"""Called with a short text when a part of an audit begins."""

AUDITED_SCORES = 2
"""Scores of the audited alignment, on which its words rest: in the full state and inside the used subspace."""


@dataclass(frozen=True, kw_only=True)
class Auditor:
    """Measures the controls of one alignment and judges them.

    Args:
        alignment: The alignment that is audited.
        network: The one network in which it was found, a stack of one.
        task: The task that the network solves.
        portfolio: The searches that controls make, and the seed of all examples.
        controls: Names of the controls to measure.
        competence: Accuracy below which every verdict is `not-learned`, from 0 to 1.
        thresholds: The scores from which a variable counts as found.
        on_progress: Called with a short text when a part of the audit begins.
    """

    alignment: Alignment
    network: AbstractNetworks
    task: AbstractTask
    portfolio: Portfolio
    controls: tuple[str, ...]
    competence: float
    thresholds: Thresholds
    on_progress: OnAuditStage

    @cached_property
    def readable(self) -> Alignment:
        """The alignment, with read-outs if its variables have declared values."""
        try:
            return self.alignment.fitted(self.network, self.task, seed=self.portfolio.seed)
        except AlignmentError:
            return self.alignment

    def score(self) -> Score:
        """The score of the alignment on fresh interventions."""
        portfolio = self.portfolio
        return evaluate(self.alignment, self.network, self.task, budget=portfolio.budget, seed=portfolio.seed)

    @cached_property
    def _context(self) -> ControlContext:
        return ControlContext(
            portfolio=self.portfolio,
            task=self.task,
            networks=self.network,
            site=self.alignment.site,
            controls=self.controls,
            alignments=[self.alignment],
            thresholds=self.thresholds,
        )

    def verdicts(self, accuracy: float, score: Score) -> tuple[Verdict, ...]:
        """One verdict for each variable, with the evidence of all controls.

        Args:
            accuracy: Accuracy of the network on fresh examples, from 0 to 1.
            score: Score of the alignment, as `score` returns it.
        """
        self.on_progress("used subspace and random directions")
        (control,) = measure_controls(self._context, names=["audited"], group="audited")
        searched = self._searched(control)
        extra = [self._map(), *self._decoding()]
        return tuple(
            replace(verdict, evidence=(*verdict.evidence, *_others(searched[verdict.observation.variable]), *extra))
            for verdict in self._judged(accuracy, self._observed(score, control), searched)
        )

    def _observed(self, score: Score, control: ControlRecord) -> list[SiteObservation]:
        """One observation for each variable."""
        alignment, used = self.alignment, control.result(UsedSubspaceControl)
        random = level_at(control.result(RandomDirections), max(self.portfolio.sizes))  # its size, as far as it fits
        inside = self._inside(random) if used is not None else {}
        self.on_progress("untrained networks")
        null = self._null()
        level = chance_levels(self.task, self.task.hypothesis(alignment.hypothesis))
        results, probes = dict(control.results), control.result(ProbesControl)
        if not inside:  # a non-linear alignment has no score inside the used subspace
            results.pop(UsedSubspaceControl.name, None)
        return [
            SiteObservation(
                site=alignment.site,
                variable=variable,
                hidden=alignment.site != INPUT_SITE,
                effects=(self._effect(score, variable, random),),
                no_effect=level.no_effect,
                one_directional=level.one_directional,
                null=null.highest if null else None,
                null_limit=null.limit if null else None,
                untrained_count=null.count if null else 0,
                untrained=self.network.untrained_parameters,
                linear_ceiling=control.result(LinearCeiling) if alignment.frames.linear else None,
                decodable=probes[variable].linear if probes and variable in probes else None,
                used=None if used is None or variable not in inside else _used(used, inside[variable]),
                **by_cell_means(control, self.thresholds),
                cases=cases_of(control, variable),
                results=results,
                failed=control.failed,
            )
            for variable in alignment.variables
        ]

    def _judged(
        self, accuracy: float, rows: list[SiteObservation], searched: dict[str, tuple[Effect, ...]]
    ) -> list[Verdict]:
        """The verdicts. Power is measured only if one of them depends on it."""

        def judge(rows: list[SiteObservation]) -> list[Verdict]:
            (judged,) = judge_network(accuracy, [rows], competence=self.competence, thresholds=self.thresholds)
            return [
                _of_alignment(verdict, searched[verdict.observation.variable], self.thresholds) for verdict in judged
            ]

        judged = judge(rows)
        if any(PLANTED in verdict.missing_evidence for verdict in judged) and PowerControl.name in self.controls:
            power = self._power()
            if power is not None:
                rows = [replace(row, power=power, results={**row.results, PowerControl.name: power}) for row in rows]
            judged = judge(rows)
        return judged

    def _effect(self, score: Score, variable: str, random_directions: float | None) -> Effect:
        """The effect of the audited alignment, from its score in the full state or inside the used subspace."""
        return Effect.from_score(
            score,
            variable,
            featurizer=self.alignment.featurizer,
            size=self.alignment.size,
            comparisons=AUDITED_SCORES,
            width=self.network.width(self.alignment.site),
            random_directions=random_directions,
        )

    def _inside(self, random_directions: float | None) -> dict[str, Effect]:
        """For each variable the effect of the alignment itself when states are restricted to the used subspace."""
        if not isinstance(self.alignment.frames, Frames):
            return {}
        portfolio = self.portfolio
        network = restrict_to(self.network, self._context.used)
        alignment = restricted_alignment(self.alignment, network)
        score = evaluate(alignment, network, self.task, budget=portfolio.budget, seed=portfolio.seed)
        effects = {}
        for variable in alignment.variables:
            effect = self._effect(score, variable, random_directions)
            effects[variable] = with_leakage(effect, self._leakage(alignment, variable, network))
        return effects

    def _leakage(self, alignment: Alignment, variable: str, network: AbstractNetworks) -> OperandLeakage | None:
        if OperandLeakageControl.name not in self.controls:
            return None
        try:
            return operand_leakage(alignment, variable, network, self.task, seed=self.portfolio.seed)
        except AlignmentError:  # a continuous variable, or too few examples of each value
            return None

    def _searched(self, control: ControlRecord) -> dict[str, tuple[Effect, ...]]:
        """For each variable the effects of the alignments that searches find inside the used subspace."""
        used = control.result(UsedSubspaceControl)
        hypothesis = self.alignment.hypothesis
        comparisons = sum(map(len, used.restarts_of(hypothesis).values())) if used else 0
        return {
            variable: effects_inside(control, hypothesis, variable, comparisons)
            for variable in self.alignment.variables
        }

    def _null(self) -> NullLevel | None:
        """What the searches reach in untrained networks of the same architecture."""
        stacks = untrained_like(self.network, seed=self.portfolio.seed)
        return NullLevel.of(
            [iia for stack in stacks for iia in self.portfolio.best_iia(stack, self.task, self.alignment.site)]
        )

    def _power(self) -> Power | None:
        """The share of planted networks in which the searches find the variables, for the hardest way of planting."""
        self.on_progress("planted variables")
        (power,) = PowerControl().measure(self._context)
        return power

    def _map(self) -> Evidence:
        """How oblique the alignment's projections are."""
        if not isinstance(self.alignment.frames, Frames):
            return Evidence(control="map", text="The alignment is not linear.", passes=None)
        norms = {name: self.alignment.projection_norm(name) for name in self.alignment.variables}
        shown = ", ".join(f"{norm:.2f} for {name}" for name, norm in norms.items())
        return Evidence(control="map", text=f"‖P‖ of the projection: {shown}; 1 is that of a rotation.", passes=None)

    def _decoding(self) -> list[Evidence]:
        accuracy = self.readable.read_accuracy
        shown = ", ".join(f"{name} {share:.3f}" for name, share in accuracy.items())
        text = f"Accuracy of the values extracted from fresh items: {shown}. What can be extracted need not be used."
        return [Evidence(control="extraction", text=text, passes=None)] if accuracy else []


def _used(used: UsedSubspaceResult, inside: Effect) -> UsedSubspaceEvidence:
    """The used subspace with the effect of the audited alignment inside. The output was not searched there."""
    return UsedSubspaceEvidence(
        rank=used.rank,
        width=used.width,
        agreement=used.agreement,
        effects=(inside,),
        output={},
        changed=used.changed,
        natural=used.natural,
    )


def _of_alignment(verdict: Verdict, searched: Sequence[Effect], thresholds: Thresholds) -> Verdict:
    """The verdict on the alignment itself, from a verdict that assumes a search.

    An alignment that is found in the full state and keeps nothing inside the used subspace is `merged`, whatever power
    searches have, unless a search finds the variable there. Then the verdict is `undecided`.
    """
    observation = verdict.observation
    if verdict.word not in (*MISSING, "merged") and PLANTED not in verdict.missing_evidence:
        return verdict
    used, null_level = observation.used, observation.null_level
    successful = [effect for effect in searched if is_found(effect, thresholds, null_level)]
    if not successful:
        only_outside = used is not None and used.highest <= observation.chance_level
        if only_outside and is_found(verdict.effect, thresholds, null_level):
            return replace(verdict, word="merged", missing_evidence=())
        return verdict
    best = min(successful, key=lambda effect: effect.size)
    return replace(
        verdict,
        word="undecided",
        missing_evidence=(
            f"Another alignment: what the rest of the network reads of this one does not hold the variable, and a "
            f"search finds it there with IIA {best.iia:.3f} at size {best.size} ({best.featurizer}).",
        ),
    )


def _others(searched: Sequence[Effect]) -> list[Evidence]:
    """The best alignment that a search finds inside the used subspace."""
    if not searched:
        return []
    best = max(searched, key=lambda effect: effect.low)
    measured = [effect for effect in searched if effect.operand_leakage is not None]
    text = f"A search inside the used subspace reaches IIA {best.iia:.3f} at size {best.size} ({best.featurizer})"
    if measured:
        least = min(measured, key=lambda effect: effect.operand_leakage or 0.0)
        text += f"; R² on the operands is {least.operand_leakage:.2f} at size {least.size}"
    return [Evidence(control="others", text=f"{text}.", passes=None)]
