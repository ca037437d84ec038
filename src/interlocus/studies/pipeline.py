"""The work of a study, phase after phase: each does what a run folder does not hold yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from interlocus.controls.power import has_planted, measure_power
from interlocus.controls.record import measure_controls
from interlocus.core.errors import InterlocusError, RunFolderError
from interlocus.networks.site import INPUT_SITE
from interlocus.searches.callbacks import OnValidation
from interlocus.studies.executors import AbstractExecutor, WorkItem
from interlocus.studies.jobs import make_networks, run_search_job
from interlocus.studies.plan import jobs
from interlocus.studies.results.verdicts import verdicts, wanting_power
from interlocus.studies.reuse.curves import measure_network_reuse, reuse_places
from interlocus.studies.spec.networks import NetworkGroup
from interlocus.studies.spec.study import Study
from interlocus.studies.store import Store
from interlocus.tasks import AbstractTask


class StageProgress(NamedTuple):
    """Where a run stands.

    Args:
        phase: what is being done.
        share: how much of the phase is done, from 0 to 1.
    """

    phase: str
    share: float


OnStageProgress = Callable[[StageProgress], None]


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Trials that could not be finished, and why."""

    trials: tuple[str, ...]
    error: InterlocusError


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """What a run folder lacks, and who does it.

    Args:
        study: what is asked.
        store: the folder.
        executor: where work is done.
        device: where searches run.
        on_progress: is told how far it is.
        on_validation: is shown every validation of the searches.
        seconds: what each phase took; filled in as they end.
    """

    study: Study
    store: Store
    executor: AbstractExecutor
    device: str
    on_progress: OnStageProgress
    on_validation: OnValidation | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    def do(self) -> list[Failure]:
        """All of them, in the order in which they need each other; what cannot be finished holds nothing else up."""
        return [*self.networks(), *self.searches(), *self.controls(), *self.power(), *self.reuse()]

    def networks(self) -> list[Failure]:
        """Make the networks that the folder lacks."""
        task = self.study.task.build()
        groups = [
            f for f in self.study.networks if not all(self.store.network_path(name).is_file() for name in f.networks)
        ]
        tasks = [
            WorkItem(
                function=make_networks,
                arguments=(self.study, group, self.store.folder),
                cost=_training_cost(group, task),
            )
            for group in groups
        ]
        failed = self._do(tasks, "training networks")
        trials = {
            f.name: tuple(t.name for job in jobs(self.study) if job.group == f for t in job.trials) for f in groups
        }
        return [Failure(trials=trials[groups[index].name], error=error) for index, error in failed.items()]

    def searches(self) -> list[Failure]:
        """Do the searches that the folder lacks, wherever there are networks."""
        missing = [
            job
            for job in jobs(self.study)
            if all(self.store.network_path(name).is_file() for name in job.group.networks)
            and not all(self.store.has(trial) for trial in job.trials)
        ]
        tasks = [
            WorkItem(
                function=run_search_job,
                arguments=(self.study, job, self.store.folder, self.device, self.on_validation),
                cost=job.cost(self.study),
            )
            for job in missing
        ]
        failed = self._do(tasks, "searching")
        return [
            Failure(trials=tuple(trial.name for trial in missing[index].trials), error=error)
            for index, error in failed.items()
        ]

    def controls(self) -> list[Failure]:
        """Measure the controls that the folder lacks, at the hidden sites of trained networks."""
        if not self.study.controls:
            return []
        task = self.study.task.build()
        places = [
            (group, site)
            for group in self.study.networks
            for site in self.study.sites
            if group.trained and site != INPUT_SITE and site in group.sites(task)
            if self.study.featurizers_of(self.study.asked, site)
            if all(self.store.network_path(name).is_file() for name in group.networks)
            if any(self.store.control(name, site) is None for name in group.networks)
        ]
        tasks = [
            WorkItem(
                function=measure_controls,
                arguments=(self.study, group, site, self.store.folder, self.device),
                cost=1.0,
            )
            for group, site in places
        ]
        failed = self._do(tasks, "measuring controls")
        return [
            Failure(trials=(f"{places[index][0].name}.{places[index][1]}.controls",), error=error)
            for index, error in failed.items()
        ]

    def power(self) -> list[Failure]:
        """Where a verdict waits for it, see whether the searches find planted variables."""
        if "power" not in self.study.controls:
            return []
        groups, task = {group.name: group for group in self.study.networks}, self.study.task.build()
        waiting = wanting_power(self.study, verdicts(self.study, self.store, self.store.records()))
        wanted: dict[tuple[str, str], list[NetworkGroup]] = {}  # those built alike share most twins
        for name, site in waiting:
            if has_planted(groups[name], task):
                wanted.setdefault((groups[name].source.architecture, site), []).append(groups[name])
        tasks = [
            WorkItem(
                function=measure_power, arguments=(self.study, own, site, self.store.folder, self.device), cost=1.0
            )
            for (_, site), own in wanted.items()
        ]
        failed = self._do(tasks, "searching planted networks")
        names = [f"{architecture}.{site}.power" for architecture, site in wanted]
        return [Failure(trials=(names[index],), error=error) for index, error in failed.items()]

    def reuse(self) -> list[Failure]:
        """Ask the new question of a study of the trained networks of which the folder has no answer."""
        places = reuse_places(self.study, self.store)
        tasks = [
            WorkItem(
                function=measure_network_reuse, arguments=(self.study, *place, self.store.folder, self.device), cost=1.0
            )
            for place in places
        ]
        failed = self._do(tasks, "asking anew")
        return [
            Failure(trials=(f"{places[index][0].networks[places[index][1]]}.reuse",), error=error)
            for index, error in failed.items()
        ]

    def _do(self, tasks: Sequence[WorkItem], phase: str) -> dict[int, InterlocusError]:
        """Do the tasks of a phase; returns which failed, and why."""
        begun, shares = time.perf_counter(), [0.0] * len(tasks)
        total = sum(task.cost for task in tasks) or 1.0
        failed: dict[int, InterlocusError] = {}

        def report(index: int, share: float) -> None:
            shares[index] = share
            self.on_progress(
                StageProgress(phase, sum(task.cost * share for task, share in zip(tasks, shares, strict=True)) / total)
            )

        if tasks:
            self.on_progress(StageProgress(phase, 0.0))
            for done in self.executor.run(tasks, report):
                report(done.index, 1.0)
                if isinstance(done.result, RunFolderError):
                    raise done.result  # nothing else can be kept either
                if isinstance(done.result, InterlocusError):
                    failed[done.index] = done.result
            self.seconds[phase] = time.perf_counter() - begun
        return failed


def _training_cost(group: NetworkGroup, task: AbstractTask) -> float:
    return group.count * group.source.flops_of_training(task) if group.trained else 1.0
