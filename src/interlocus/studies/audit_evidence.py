"""What is measured of an alignment that is audited."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.evaluation import evaluate
from interlocus.alignment.metrics import Score
from interlocus.controls.criteria import Effect, Thresholds, effect_of, is_found
from interlocus.controls.ground_truth.planting import Plantable
from interlocus.controls.ground_truth.recipes import PLANTING_RECIPES
from interlocus.controls.operand_leakage import operand_leakage
from interlocus.controls.power import PlantedResult, Power, hardest_of, measure_planted
from interlocus.controls.record import ControlRecord, controls_of
from interlocus.controls.used_subspace import hint_of, restrict_to, used_subspaces
from interlocus.core.errors import AlignmentError
from interlocus.featurizers import Frames
from interlocus.networks import AbstractNetworks
from interlocus.networks.site import INPUT_SITE
from interlocus.networks.sources.untrained import untrained_like
from interlocus.networks.subspace import SubspaceRestricted
from interlocus.networks.validation import can_be_trained
from interlocus.searches.portfolio import reached
from interlocus.searches.results import Restarts
from interlocus.studies.spec.study import Study
from interlocus.tasks import AbstractTask
from interlocus.tasks.chance_levels import chance_levels
from interlocus.tasks.splits import DataSplits
from interlocus.verdicts.evidence import Evidence
from interlocus.verdicts.observation import SiteObservation, UsedSubspaceEvidence
from interlocus.verdicts.rules import MISSING, PLANTED, Verdict, judge_network

OnAuditStage = Callable[[str], None]
"""Is told what is being done."""


@dataclass(frozen=True, kw_only=True)
class Audited:
    """An alignment with everything that is asked of it.

    Args:
        alignment: which.
        network: in which it was found.
        task: what the network solves.
        study: what the controls search, and how.
        on_progress: is told what is being done.
    """

    alignment: Alignment
    network: AbstractNetworks
    task: AbstractTask
    study: Study
    on_progress: OnAuditStage

    @cached_property
    def readable(self) -> Alignment:
        """The alignment with read-outs, where its variables have values to be read."""
        try:
            return self.alignment.fitted(self.network, self.task, seed=self.study.seed)
        except AlignmentError:
            return self.alignment

    def score(self) -> Score:
        """Of the alignment, on fresh items."""
        return evaluate(self.alignment, self.network, self.task, budget=self.study.budget, seed=self.study.seed)

    def verdicts(self, accuracy: float, score: Score) -> tuple[Verdict, ...]:
        """A verdict a variable, with the evidence of all controls.

        Args:
            accuracy: of the network on fresh items.
            score: of the alignment.
        """
        self.on_progress("used subspace and random directions")
        (control,) = controls_of(
            self.study,
            self.task,
            self.network,
            self.alignment.site,
            names=["audited"],
            group="audited",
            best=[self.alignment],
        )
        searched = self._searched(control.inside, control.pure)
        extra = [self._map(), *self._decoding()]
        return tuple(
            replace(verdict, evidence=(*verdict.evidence, *_others(searched[verdict.seen.variable]), *extra))
            for verdict in self._judged(accuracy, self._seen(score, control), searched)
        )

    def _seen(self, score: Score, control: ControlRecord) -> list[SiteObservation]:
        """All that is known of each variable."""
        alignment, inside = self.alignment, self._inside(control.rank is not None)
        self.on_progress("networks that were never trained")
        null = self._null()
        level = chance_levels(self.task, self.task.hypothesis(alignment.hypothesis))

        def used(variable: str) -> UsedSubspaceEvidence | None:
            if control.rank is None or control.agreement is None or variable not in inside:
                return None
            # of one site nothing can be said of the way to the output
            return UsedSubspaceEvidence(
                rank=control.rank,
                width=control.width,
                agreement=control.agreement,
                entries=(inside[variable],),
                output={},
            )

        return [
            SiteObservation(
                site=alignment.site,
                variable=variable,
                hidden=alignment.site != INPUT_SITE,
                entries=(effect_of(score, variable, map=alignment.featurizer, size=alignment.size, looks=1),),
                no_effect=level.no_effect,
                one_directional=level.one_directional,
                null=null,
                random=control.random,
                structural=control.structural if alignment.frames.linear else None,
                used=used(variable),
            )
            for variable in alignment.variables
        ]

    def _judged(self, accuracy: float, rows: list[SiteObservation], searched: dict[str, list[Effect]]) -> list[Verdict]:
        """The verdicts; power is measured where one waits for it."""

        def scorer(rows: list[SiteObservation]) -> list[Verdict]:
            about = {"competence": self.study.competence, "thresholds": self.study.verdict}
            (judged,) = judge_network(accuracy, [rows], **about)
            return [_of_alignment(verdict, searched[verdict.seen.variable], self.study.verdict) for verdict in judged]

        judged = scorer(rows)
        if any(PLANTED in verdict.wanted for verdict in judged) and "power" in self.study.controls:
            power = self._power()
            judged = scorer([replace(row, power=power) for row in rows])
        return judged

    def _inside(self, asked: bool) -> dict[str, Effect]:
        """What the alignment itself scores when states are confined to the used subspace, for each variable."""
        if not asked or not isinstance(self.alignment.frames, Frames):
            return {}
        study, site, hints = self.study, self.alignment.site, [hint_of(self.alignment)]
        used = used_subspaces(
            self.network, self.task, site=site, agreement=study.verdict.agreement, hints=hints, seed=study.seed
        )
        network = restrict_to(self.network, used)
        alignment = confined(self.alignment, network)
        score = evaluate(alignment, network, self.task, budget=study.budget, seed=study.seed)
        found = {}
        for variable in alignment.variables:
            entry = effect_of(score, variable, map=alignment.featurizer, size=alignment.size, looks=1)
            found[variable] = replace(entry, pure=self._pure(alignment, variable, network))
        return found

    def _pure(self, alignment: Alignment, variable: str, network: AbstractNetworks) -> float | None:
        if "purity" not in self.study.controls:
            return None
        try:
            return operand_leakage(alignment, variable, network, self.task, seed=self.study.seed).r2
        except AlignmentError:  # a continuous variable, or too few examples of each value
            return None

    def _searched(self, inside: dict[str, dict[str, tuple[Restarts, ...]]], pure: Any) -> dict[str, list[Effect]]:
        """What searches find inside the used subspace, for each variable."""
        found: dict[str, list[Effect]] = {variable: [] for variable in self.alignment.variables}
        maps = inside.get(self.alignment.hypothesis, {})
        looks = sum(map(len, maps.values()))
        for variable, entries in found.items():
            for name, sizes in maps.items():
                known = pure.get(variable, {}).get(name, {})
                for restarts in sizes:
                    entry = effect_of(restarts.best.score, variable, map=name, size=restarts.size, looks=looks)
                    entries.append(replace(entry, pure=known.get(restarts.size)))
        return found

    def _null(self) -> float | None:
        """The best score of the searches in networks of the same architecture that were never trained."""
        blank = untrained_like(self.network, seed=self.study.seed)
        if not blank:
            return None
        asked, site = self.task.hypothesis(self.alignment.hypothesis), self.alignment.site
        data = DataSplits.draw(self.task, self.study.budget, seed=self.study.seed, hypotheses=[asked.name])
        return max(
            iia for networks in blank for iia in reached(self.study, networks, data, site=site, hypothesis=asked)
        )

    def _power(self) -> Power | None:
        """In how many networks with planted variables the searches find them, for the hardest kind."""
        if not (isinstance(self.network, Plantable) and can_be_trained(self.network)):
            return None
        measured: list[PlantedResult] = []
        for kind in PLANTING_RECIPES:
            self.on_progress(f"planted variables, {kind}")
            measured.append(measure_planted(self.study, self.task, [self.network], self.alignment.site, kind))
            hardest = hardest_of(measured, self.study.verdict.power)
            if hardest is not None:
                return hardest.power
        return None

    def _map(self) -> Evidence:
        """What kind of map it is."""
        if not isinstance(self.alignment.frames, Frames):
            return Evidence(control="map", text="It is not linear.", passes=None)
        norms = {name: self.alignment.projection_norm(name) for name in self.alignment.variables}
        shown = ", ".join(f"{norm:.2f} for {name}" for name, norm in norms.items())
        return Evidence(control="map", text=f"‖P‖ of the projection: {shown}; 1 is that of a rotation.", passes=None)

    def _decoding(self) -> list[Evidence]:
        accuracy = self.readable.read_accuracy
        shown = ", ".join(f"{name} {share:.3f}" for name, share in accuracy.items())
        text = f"Read right from the features of fresh items: {shown}. What can be read need not be used."
        return [Evidence(control="decodable", text=text, passes=None)] if accuracy else []


def confined(alignment: Alignment, network: SubspaceRestricted) -> Alignment:
    """The same linear alignment in a network whose states are confined: it reads and writes what is left of them.

    Args:
        alignment: of the network as it is.
        network: the same, confined at the alignment's site.

    Raises:
        AlignmentError: its maps are not linear.
    """
    if not isinstance(alignment.frames, Frames):
        raise AlignmentError(
            f"The alignment is one of the featurizer {alignment.featurizer!r}, which is not linear.",
            "What is left of its maps in a subspace is no map of the same kind.",
            "Search inside the subspace.",
        )
    turn = network.rows[0].T.cpu()
    return replace(
        alignment,
        network=network.fingerprint(),
        frames=Frames(*((part @ turn).contiguous() for part in alignment.frames)),
        read_outs={},
    )


def _of_alignment(verdict: Verdict, searched: Sequence[Effect], bars: Thresholds) -> Verdict:
    """A verdict on the alignment in hand, which needs no search to be what it is.

    What a search finds beside it, inside the used subspace, is not absent.
    """
    seen = verdict.seen
    if verdict.word not in MISSING and PLANTED not in verdict.wanted:
        return verdict
    if seen.used is not None and seen.used.reach <= seen.ceiling and is_found(verdict.entry, bars, seen.bar):
        return replace(verdict, word="unused", wanted=())  # what is left of it was measured, not sought
    good = [entry for entry in searched if is_found(entry, bars, seen.bar)]
    if not good:
        return verdict
    best = min(good, key=lambda entry: entry.size)
    return replace(
        verdict,
        word="undecided",
        wanted=(
            f"Another alignment: this one does not hold the variable, and a search finds it here with IIA "
            f"{best.iia:.3f} at size {best.size} ({best.map}).",
        ),
    )


def _others(searched: Sequence[Effect]) -> list[Evidence]:
    """What a search finds beside this alignment, inside the used subspace."""
    if not searched:
        return []
    best = max(searched, key=lambda entry: entry.low)
    pure = [entry for entry in searched if entry.pure is not None]
    text = f"A search inside the used subspace reaches IIA {best.iia:.3f} at size {best.size} ({best.map})"
    if pure:
        purest = min(pure, key=lambda entry: entry.pure or 0.0)
        text += f"; R² on the operands is {purest.pure:.2f} at size {purest.size}"
    return [Evidence(control="others", text=f"{text}.", passes=None)]
