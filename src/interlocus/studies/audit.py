"""Audit an alignment, for instance one that another tool found: measure its controls, and give a verdict.

The verdict is about this alignment: whether the variable that it exchanges is computed, entangled, unused or absent.
The best alignment that a search inside the used subspace finds is part of the evidence.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.metrics import Score
from interlocus.controls.criteria import Thresholds
from interlocus.core import tensor_files as files
from interlocus.core.errors import AlignmentError, RunFolderError, UnknownNameError
from interlocus.core.json_record import JsonObject
from interlocus.core.plugins import FEATURIZERS
from interlocus.core.random import derived_generator
from interlocus.core.version import __version__
from interlocus.featurizers import Frames
from interlocus.networks import AbstractNetworks
from interlocus.networks.validation import check_fit, check_sites
from interlocus.searches.budget import STARTS_BY_DEFAULT, Budget, Phase
from interlocus.searches.portfolio import Portfolio
from interlocus.studies.audit_evidence import Auditor, OnAuditStage
from interlocus.studies.spec.searches import CONTROLS_BY_DEFAULT, ControlName
from interlocus.tasks import AbstractTask
from interlocus.verdicts.verdict import Verdict

AUDIT_SIZES = (1, 2, 4, 8, 16)
"""Sizes that are searched besides the size of the alignment, as far as they are smaller."""


@dataclass(frozen=True, kw_only=True)
class Audit:
    """The result of an audit.

    Args:
        alignment: The audited alignment, with read-outs for variables that have declared values.
        accuracy: Accuracy of the network on fresh examples, from 0 to 1.
        score: Score of the alignment on fresh interventions.
        verdicts: One verdict for each variable, in the order of `alignment.variables`.
    """

    alignment: Alignment
    accuracy: float
    score: Score
    verdicts: tuple[Verdict, ...]

    def to_json(self) -> JsonObject:
        """Plain values, the content of `audit.json`."""
        alignment = self.alignment
        return {
            "version": __version__,
            "network": alignment.network,
            "site": alignment.site,
            "task": alignment.task,
            "hypothesis": alignment.hypothesis,
            "featurizer": alignment.featurizer,
            "size": alignment.size,
            "accuracy": self.accuracy,
            "iia": self.score.iia,
            "low": self.score.low,
            "high": self.score.high,
            "variables": [verdict.to_json() for verdict in self.verdicts],
        }

    def save(self, folder: str | Path) -> None:
        """Write `audit.json`, and the alignment with its read-outs, to a folder.

        Args:
            folder: Path of the folder, made if it does not exist.

        Raises:
            RunFolderError: The folder cannot be written.
        """
        folder = Path(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunFolderError(
                f"The folder {folder} cannot be written: {error.strerror or error}.",
                "The audit is saved as files in it.",
                "Change its permissions, or pass another folder (--out on the command line).",
            ) from None
        content = json.dumps(self.to_json(), indent=1) + "\n"
        files.write(folder / "audit.json", content.encode(), RunFolderError)
        self.alignment.save(folder / "alignment.safetensors")


def audit(
    alignment: Alignment,
    network: AbstractNetworks,
    task: AbstractTask,
    *,
    controls: Sequence[ControlName] = CONTROLS_BY_DEFAULT,
    phases: Sequence[Phase] = (Phase(),),
    budget: Budget | None = None,
    competence: float = 0.99,
    thresholds: Thresholds | None = None,
    seed: int = 0,
    on_progress: OnAuditStage = lambda phase: None,
) -> Audit:
    """Measure the controls of one alignment, and give a verdict on each of its variables.

    Args:
        alignment: The alignment: found by `search`, loaded by `from_pyvene`, or built from directions.
        network: The one network in which the alignment was found.
        task: The task that the network solves and the alignment names.
        controls: Names of the controls to measure. Without one that matters, the verdict is `undecided` and names it.
        phases: Phases of the searches that controls make.
        budget: Numbers of examples and interventions; `Budget()` by default.
        competence: Accuracy below which every verdict is `not-learned`, from 0 to 1.
        thresholds: The scores from which a variable counts as found; `Thresholds()` by default.
        seed: Seed of all examples, searches and untrained networks. The examples differ from those of a search with the
            same seed.
        on_progress: Called with a short text when a part of the audit begins.

    Raises:
        AlignmentError: The alignment belongs to another network or task, or its directions do not fit the site.
        UnknownNameError: The task has no such hypothesis or variables, or the network no such site.
    """
    _check(alignment, network, task)
    thresholds = thresholds or Thresholds()
    thresholds.check()
    auditor = Auditor(
        alignment=alignment,
        network=network,
        task=task,
        # a derived seed, so that the examples differ from those of a search with the same seed
        portfolio=_portfolio(
            alignment,
            network,
            phases=tuple(phases),
            budget=budget or Budget(),
            seed=derived_generator(seed, "audit").initial_seed() % 2**31,
        ),
        controls=tuple(controls),
        competence=competence,
        thresholds=thresholds,
        on_progress=on_progress,
    )
    on_progress("the alignment itself")
    (accuracy,) = network.accuracy(task, seed=auditor.portfolio.seed)
    score = auditor.score()
    verdicts = auditor.verdicts(accuracy, score)
    return Audit(alignment=auditor.readable, accuracy=accuracy, score=score, verdicts=verdicts)


def _check(alignment: Alignment, network: AbstractNetworks, task: AbstractTask) -> None:
    """Refuse an alignment that does not fit, before any work is done."""
    alignment.check(network)
    check_fit(network, task)
    check_sites(network, task, (alignment.site,))
    if alignment.task != task.name:
        raise AlignmentError(
            f"The alignment belongs to the task {alignment.task!r}, but the task is {task.name!r}.",
            "Its variables are part of another causal model.",
            f"Pass the task {alignment.task!r}.",
        )
    hypothesis, width = task.hypothesis(alignment.hypothesis), network.width(alignment.site)
    if hypothesis.variables != alignment.variables:
        raise UnknownNameError("variable", ", ".join(alignment.variables), hypothesis.variables, hypothesis.name)
    if isinstance(alignment.frames, Frames) and alignment.frames.read.shape[2] != width:
        raise AlignmentError(
            f"The directions of the alignment have {alignment.frames.read.shape[2]} components each.",
            f"The site {alignment.site!r} of this network has {width} activations.",
            "Pass the site and the network for which the alignment was found.",
        )


def _portfolio(
    alignment: Alignment, network: AbstractNetworks, *, phases: tuple[Phase, ...], budget: Budget, seed: int
) -> Portfolio:
    """The searches that controls of an alignment make: with its featurizer, at its size and smaller ones."""
    largest = min(max(alignment.size, 1), network.width(alignment.site) // len(alignment.variables))
    linear = alignment.featurizer in FEATURIZERS and FEATURIZERS.get(alignment.featurizer)().linear
    return Portfolio(
        hypothesis=alignment.hypothesis,
        sizes=tuple(sorted({largest, *(size for size in AUDIT_SIZES if size < largest)})),
        featurizers=(alignment.featurizer if linear else "rotation",),
        starts=STARTS_BY_DEFAULT,
        phases=phases,
        budget=budget,
        seed=seed,
    )
