"""Stages of a pipeline: what a stage and its jobs are, how far a run is, and what failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from interlocus.core.errors import InterlocusError
from interlocus.studies.executors import WorkItem


class StageProgress(NamedTuple):
    """How far a run is.

    Args:
        phase: Name of the phase that is running, such as "training networks".
        share: The share of this phase that is done, from 0 to 1.
    """

    phase: str
    share: float


OnStageProgress = Callable[[StageProgress], None]
"""Called whenever the share of a phase has changed."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Trials that could not be finished, and why.

    Args:
        trials: Names of the trials, or of the other results that are missing.
        error: The error of their job, with its hint.
    """

    trials: tuple[str, ...]
    error: InterlocusError


@dataclass(frozen=True, kw_only=True)
class StageItem:
    """One job of a stage.

    Args:
        work: The function and arguments that an executor runs, with their cost.
        trials: Names of the results that are missing if the job fails.
        keep: Writes the value that the job returns into the run folder.
    """

    work: WorkItem
    trials: tuple[str, ...]
    keep: Callable[[Any], None]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One kind of job.

    Args:
        phase: Name of the stage for people, shown while it runs.
        missing: Returns the jobs whose results the run folder lacks; called when the stage begins.
    """

    phase: str
    missing: Callable[[], Sequence[StageItem]]
