"""An alignment found elsewhere, under all controls, to a verdict.

What is judged is this alignment: whether what it exchanges is computed there, relayed, unused, or nothing. What a search
inside the used subspace finds beside it stands in the evidence.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, get_args

from interlocus import __version__, files
from interlocus.alignment import Alignment
from interlocus.budget import Budget
from interlocus.controls import controls_of
from interlocus.data import Data
from interlocus.engine import solve
from interlocus.entries import entry_of
from interlocus.errors import AlignmentError, RunFolderError, UnknownNameError
from interlocus.evidence import Evidence
from interlocus.family import Family, TaskSpec
from interlocus.featurizers import Frames
from interlocus.found import check_fit, evaluate
from interlocus.in_hand import hold
from interlocus.levels import floors
from interlocus.metrics import Score
from interlocus.networks import MLP, AbstractNetworks, Module
from interlocus.networks.confined import Confined
from interlocus.portfolio import portfolio
from interlocus.power import TWINS, search_twins
from interlocus.purity import operands_ride
from interlocus.registry import FEATURIZERS
from interlocus.results import Attempts
from interlocus.seeds import stream
from interlocus.seen import Entry, Power, Seen, Used, is_found
from interlocus.study import Control, SearchSpec, Study
from interlocus.tasks import AbstractTask
from interlocus.thresholds import Thresholds
from interlocus.twins import KINDS
from interlocus.used import confine, used_subspaces
from interlocus.verdict import MISSING, PLANTED, Verdict, judge_network

INPUT = "input"
UNTRAINED = 5
"""Networks that were never trained, for the null."""
SIZES = (1, 2, 4, 8, 16)
"""Searched beside the alignment's own, as far as they are smaller."""

Observe = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What became of an alignment under all controls.

    Args:
        alignment: with read-outs where they could be fitted.
        accuracy: of the network on fresh items.
        score: of the alignment, on fresh items.
        verdicts: one a variable.
    """

    alignment: Alignment
    accuracy: float
    score: Score
    verdicts: tuple[Verdict, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        about = self.alignment
        return {
            "version": __version__,
            "network": about.network,
            "site": about.site,
            "task": about.task,
            "hypothesis": about.hypothesis,
            "map": about.featurizer,
            "size": about.size,
            "accuracy": self.accuracy,
            "iia": self.score.iia,
            "low": self.score.low,
            "high": self.score.high,
            "variables": [_plain(verdict) for verdict in self.verdicts],
        }

    def save(self, folder: str | Path) -> None:
        """Write `audit.json`, and the alignment with its read-outs, to a folder.

        Raises:
            RunFolderError: it cannot be written.
        """
        folder = Path(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunFolderError(
                f"The folder {folder} cannot be written: {error.strerror or error}.",
                "The audit is kept there.",
                "Get permission, or pass another folder with --out.",
            ) from None
        content = json.dumps(self.to_json(), indent=1) + "\n"
        files.write(folder / "audit.json", content.encode(), RunFolderError)
        self.alignment.save(folder / "alignment.safetensors")


def audit(
    alignment: Alignment,
    network: AbstractNetworks,
    task: AbstractTask,
    *,
    controls: Sequence[Control] = get_args(Control),
    budget: Budget | None = None,
    competence: float = 0.99,
    thresholds: Thresholds | None = None,
    seed: int = 0,
    observe: Observe = lambda phase: None,
) -> Audit:
    """Put an alignment to all controls.

    Args:
        alignment: found by `search`, read by `from_pyvene`, or made of directions.
        network: the one network in which it was found.
        task: what the network solves.
        controls: what is measured; without one of them the verdict may be `undecided`, naming it.
        budget: how many examples and interventions.
        competence: accuracy under which nothing is claimed.
        thresholds: from where on a score counts.
        seed: decides on everything that is drawn.
        observe: is told what is being done.

    Raises:
        AlignmentError: another network or task, or directions that are not as wide as the site.
        UnknownNameError: the task has no such hypothesis, or the network no such site.
    """
    _check(alignment, network, task)
    study = _study(alignment, network, task, tuple(controls), budget or Budget(), competence, thresholds, seed)
    return _Audited(alignment=alignment, network=network, task=task, study=study, observe=observe).outcome()


def _check(alignment: Alignment, network: AbstractNetworks, task: AbstractTask) -> None:
    """Whatever cannot work is said before any work is done."""
    alignment.check(network)
    check_fit(network, task)
    if alignment.task != task.name:
        raise AlignmentError(
            f"The alignment was found for the task {alignment.task!r}, and this is {task.name!r}.",
            "Its variables are those of another causal model.",
            "Pass the task that it was found for.",
        )
    hypothesis, width = task.hypothesis(alignment.hypothesis), network.width(alignment.site)
    if hypothesis.variables != alignment.variables:
        raise UnknownNameError("variable", ", ".join(alignment.variables), hypothesis.variables, hypothesis.name)
    if isinstance(alignment.frames, Frames) and alignment.frames.read.shape[2] != width:
        raise AlignmentError(
            f"The directions have {alignment.frames.read.shape[2]} numbers each.",
            f"The site {alignment.site!r} is {width} wide.",
            "Pass the site and the network for which they were found.",
        )


def _study(
    alignment: Alignment,
    network: AbstractNetworks,
    task: AbstractTask,
    controls: tuple[Control, ...],
    budget: Budget,
    competence: float,
    thresholds: Thresholds | None,
    seed: int,
) -> Study:
    """What the controls search: the alignment's class of maps, at its size and smaller ones."""
    room = network.width(alignment.site) // len(alignment.variables)
    own = min(max(alignment.size, 1), room)
    known = alignment.featurizer in FEATURIZERS and FEATURIZERS.get(alignment.featurizer)().linear
    study = Study(
        name="audit",
        task=TaskSpec.of(task),
        families=(Family(name="audited", network=hold(f"network {network.fingerprint()}", network), count=1),),
        sites=(alignment.site,),
        searches=(
            SearchSpec(
                hypotheses=(alignment.hypothesis,),
                sizes=tuple(sorted({own, *(size for size in SIZES if size < own)})),
                featurizers=(alignment.featurizer if known else "rotation",),
            ),
        ),
        budget=budget,
        competence=competence,
        controls=controls,
        verdict=thresholds or Thresholds(),
        seed=stream(seed, "audit").initial_seed() % 2**31,  # items that no search with this seed has seen
    )
    study.check()
    return study


@dataclass(frozen=True, kw_only=True)
class _Audited:
    alignment: Alignment
    network: AbstractNetworks
    task: AbstractTask
    study: Study
    observe: Observe

    def outcome(self) -> Audit:
        study, task, alignment = self.study, self.task, self._readable()
        self.observe("the alignment itself")
        (accuracy,) = self.network.accuracy(task, seed=study.seed)
        score = evaluate(self.alignment, self.network, task, budget=study.budget, seed=study.seed)
        self.observe("used subspace and random directions")
        (control,) = controls_of(study, task, self.network, alignment.site, names=["audited"], family="audited")
        own, searched = self._inside(control.rank is not None), self._searched(control.inside, control.pure)
        self.observe("networks that were never trained")
        null = self._null(control.random)
        level = floors(task, task.hypothesis(alignment.hypothesis))
        rows = [
            Seen(
                site=alignment.site,
                variable=variable,
                hidden=alignment.site != INPUT,
                entries=(entry_of(score, variable, map=alignment.featurizer, size=alignment.size, looks=1),),
                floor=level.floor,
                one_sided=level.one_sided,
                null=null,
                structural=control.structural if alignment.frames.linear else None,
                used=None
                if control.rank is None or control.agreement is None or variable not in own
                else Used(
                    rank=control.rank,
                    width=control.width,
                    agreement=control.agreement,
                    entries=(own[variable],),
                    output={},  # of one site nothing can be said of the way to the output
                ),
            )
            for variable in alignment.variables
        ]
        judged = self._judged(accuracy, rows, searched)
        extra = [self._map(), *self._decoding(alignment)]
        verdicts = tuple(
            replace(verdict, evidence=(*verdict.evidence, *_others(searched[verdict.seen.variable]), *extra))
            for verdict in judged
        )
        return Audit(alignment=alignment, accuracy=accuracy, score=score, verdicts=verdicts)

    def _judged(self, accuracy: float, rows: list[Seen], searched: dict[str, list[Entry]]) -> list[Verdict]:
        """The verdicts; power is measured where one waits for it."""

        def judge(rows: list[Seen]) -> list[Verdict]:
            about = {"competence": self.study.competence, "thresholds": self.study.verdict}
            (judged,) = judge_network(accuracy, [rows], **about)
            return [_unless_found(verdict, searched[verdict.seen.variable], self.study.verdict) for verdict in judged]

        judged = judge(rows)
        if any(PLANTED in verdict.wanted for verdict in judged) and "power" in self.study.controls:
            power = self._power()
            judged = judge([replace(row, power=power) for row in rows])
        return judged

    def _readable(self) -> Alignment:
        """The alignment with read-outs, where its variables have values to be read."""
        try:
            return self.alignment.fitted(self.network, self.task, seed=self.study.seed)
        except AlignmentError:
            return self.alignment

    def _inside(self, asked: bool) -> dict[str, Entry]:
        """What the alignment itself scores when states are confined to the used subspace, for each variable."""
        if not asked or not isinstance(self.alignment.frames, Frames):
            return {}
        study, site = self.study, self.alignment.site
        used = used_subspaces(
            self.network, self.task, site=site, agreement=study.verdict.agreement, seed=study.seed
        )
        network = confine(self.network, used)
        alignment = confined(self.alignment, network)
        score = evaluate(alignment, network, self.task, budget=study.budget, seed=study.seed)
        found = {}
        for variable in alignment.variables:
            entry = entry_of(score, variable, map=alignment.featurizer, size=alignment.size, looks=1)
            found[variable] = replace(entry, pure=self._pure(alignment, variable, network))
        return found

    def _pure(self, alignment: Alignment, variable: str, network: AbstractNetworks) -> float | None:
        if "purity" not in self.study.controls:
            return None
        try:
            return operands_ride(alignment, variable, network, self.task, seed=self.study.seed).r2
        except AlignmentError:  # a continuous variable, or too few examples of each value
            return None

    def _searched(self, inside: dict[str, dict[str, tuple[Attempts, ...]]], pure: Any) -> dict[str, list[Entry]]:
        """What searches find inside the used subspace, for each variable."""
        found: dict[str, list[Entry]] = {variable: [] for variable in self.alignment.variables}
        maps = inside.get(self.alignment.hypothesis, {})
        looks = sum(map(len, maps.values()))
        for variable, entries in found.items():
            for name, sizes in maps.items():
                known = pure.get(variable, {}).get(name, {})
                for attempts in sizes:
                    entry = entry_of(attempts.best.score, variable, map=name, size=attempts.size, looks=looks)
                    entries.append(replace(entry, pure=known.get(attempts.size)))
        return found

    def _null(self, random: float) -> float | None:
        """The best score of the searches in networks of the same architecture that were never trained."""
        blank = untrained_like(self.network, self.task, seed=self.study.seed)
        if not blank:
            return None
        asked, site = self.task.hypothesis(self.alignment.hypothesis), self.alignment.site
        data = Data.draw(self.task, self.study.budget, seed=self.study.seed, hypotheses=[asked.name])
        best = random
        for networks in blank:
            for featurizer in self.study.featurizers_of(asked.name, site):
                sizes = self.study.sizes_of(asked.name, site)
                request = portfolio(self.study, site=site, hypotheses=(asked,), sizes=sizes, featurizer=featurizer)
                for finding in solve(networks, data, request):
                    best = max(best, *(entry.best.score.iia for entry in finding.sizes))
        return best

    def _power(self) -> Power | None:
        """In how many networks with planted variables the searches find them, for the hardest kind."""
        if not isinstance(self.network, MLP):
            return None
        hypothesis, site, powers = self.alignment.hypothesis, self.alignment.site, []
        for kind, make in KINDS.items():
            self.observe(f"planted variables, {kind}")
            seed = stream(self.study.seed, "twins", kind).initial_seed() % 2**31
            planted = make(self.task, hypothesis=hypothesis, site=site, like=self.network, count=TWINS, seed=seed)
            twins = search_twins(self.study, self.task, planted, site, kind)
            if twins.count:
                powers.append(Power(kind=kind, found=twins.found, of=twins.count))
        return min(powers, key=lambda power: power.low, default=None)

    def _map(self) -> Evidence:
        """What kind of map it is."""
        if not isinstance(self.alignment.frames, Frames):
            return Evidence(control="map", text="It is not linear.", passes=None)
        norms = {name: self.alignment.projection_norm(name) for name in self.alignment.variables}
        shown = ", ".join(f"{norm:.2f} for {name}" for name, norm in norms.items())
        return Evidence(control="map", text=f"‖P‖ of the projection: {shown}; 1 is that of a rotation.", passes=None)

    def _decoding(self, alignment: Alignment) -> list[Evidence]:
        accuracy = alignment.read_accuracy
        shown = ", ".join(f"{name} {share:.3f}" for name, share in accuracy.items())
        text = f"Read right from the features of fresh items: {shown}. What can be read need not be used."
        return [Evidence(control="decodable", text=text, passes=None)] if accuracy else []


def confined(alignment: Alignment, network: Confined) -> Alignment:
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


def untrained_like(network: AbstractNetworks, task: AbstractTask, *, seed: int) -> list[AbstractNetworks]:
    """Networks of the same architecture that were never trained; none where that cannot be made.

    Args:
        network: like which they are.
        task: what the network solves.
        seed: decides on their parameters.
    """
    if isinstance(network, MLP):
        hidden = [len(weight[0]) for weight in network.weights[:-1]]
        return [MLP.untrained(task, hidden=hidden, activation=network.activation, count=UNTRAINED, seed=seed)]
    if isinstance(network, Module):
        fresh = [network.afresh(seed + number) for number in range(UNTRAINED)]
        return [one for one in fresh if one is not None]
    return []


def _unless_found(verdict: Verdict, searched: Sequence[Entry], bars: Thresholds) -> Verdict:
    """What a search finds there is not absent, though this alignment does not hold it."""
    good = [entry for entry in searched if is_found(entry, bars, verdict.seen.null)]
    waits = verdict.word in MISSING or PLANTED in verdict.wanted
    if not good or not waits:
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


def _others(searched: Sequence[Entry]) -> list[Evidence]:
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


def _plain(verdict: Verdict) -> dict[str, Any]:
    """One variable."""
    seen, entry = verdict.seen, verdict.entry
    inside = seen.used.entries[0] if seen.used and seen.used.entries else None
    return {
        "variable": seen.variable,
        "verdict": verdict.word,
        "wanted": list(verdict.wanted),
        "iia": entry.iia,
        "low": entry.low,
        "high": entry.high,
        "min_cell": entry.cell,
        "live": entry.live,
        "floor": seen.floor,
        "one_sided": seen.one_sided,
        "null": seen.null,
        "structural": seen.structural,
        "used_rank": seen.used.rank if seen.used else None,
        "used_iia": inside.iia if inside else None,
        "value_pure": inside.pure if inside else None,
        "power": seen.power.low if seen.power else None,
        "evidence": [asdict(row) for row in verdict.evidence],
    }
