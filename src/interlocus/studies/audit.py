"""An alignment found elsewhere, under all controls, to a verdict.

What is judged is this alignment: whether what it exchanges is computed there, relayed, unused, or nothing. What a
search inside the used subspace finds beside it stands in the evidence.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.metrics import Score
from interlocus.controls.criteria import Thresholds
from interlocus.core import tensor_files as files
from interlocus.core.errors import AlignmentError, RunFolderError, UnknownNameError
from interlocus.core.plugins import FEATURIZERS
from interlocus.core.random import derived_generator
from interlocus.core.version import __version__
from interlocus.featurizers import Frames
from interlocus.networks import AbstractNetworks
from interlocus.networks.validation import check_fit
from interlocus.searches.budget import STARTS_BY_DEFAULT, Budget, Phase
from interlocus.searches.portfolio import Portfolio
from interlocus.studies.audit_evidence import Auditor, OnAuditStage
from interlocus.studies.spec.searches import CONTROLS_BY_DEFAULT, ControlName
from interlocus.tasks import AbstractTask
from interlocus.verdicts.rules import Verdict

AUDIT_SIZES = (1, 2, 4, 8, 16)
"""Searched beside the alignment's own, as far as they are smaller."""


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
            "featurizer": about.featurizer,
            "size": about.size,
            "accuracy": self.accuracy,
            "iia": self.score.iia,
            "low": self.score.low,
            "high": self.score.high,
            "variables": [verdict.to_json() for verdict in self.verdicts],
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
    controls: Sequence[ControlName] = CONTROLS_BY_DEFAULT,
    phases: Sequence[Phase] = (Phase(),),
    budget: Budget | None = None,
    competence: float = 0.99,
    thresholds: Thresholds | None = None,
    seed: int = 0,
    on_progress: OnAuditStage = lambda phase: None,
) -> Audit:
    """Put an alignment to all controls.

    Args:
        alignment: found by `search`, read by `from_pyvene`, or made of directions.
        network: the one network in which it was found.
        task: what the network solves.
        controls: what is measured; without one of them the verdict may be `undecided`, naming it.
        phases: of the searches that are held beside it.
        budget: how many examples and interventions.
        competence: accuracy under which nothing is claimed.
        thresholds: from where on a score counts.
        seed: decides on everything that is drawn.
        on_progress: is told what is being done.

    Raises:
        AlignmentError: another network or task, or directions that are not as wide as the site.
        UnknownNameError: the task has no such hypothesis, or the network no such site.
    """
    _check(alignment, network, task)
    bars = thresholds or Thresholds()
    bars.check()
    auditor = Auditor(
        alignment=alignment,
        network=network,
        task=task,
        # the seed gives items that no search with the same seed has seen
        portfolio=_portfolio(
            alignment,
            network,
            phases=tuple(phases),
            budget=budget or Budget(),
            seed=derived_generator(seed, "audit").initial_seed() % 2**31,
        ),
        controls=tuple(controls),
        competence=competence,
        thresholds=bars,
        on_progress=on_progress,
    )
    on_progress("the alignment itself")
    (accuracy,) = network.accuracy(task, seed=auditor.portfolio.seed)
    score = auditor.score()
    return Audit(
        alignment=auditor.readable,
        accuracy=accuracy,
        score=score,
        verdicts=auditor.verdicts(accuracy, score),
    )


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


def _portfolio(
    alignment: Alignment, network: AbstractNetworks, *, phases: tuple[Phase, ...], budget: Budget, seed: int
) -> Portfolio:
    """What is searched beside an alignment: its featurizer, at its size and smaller ones."""
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
