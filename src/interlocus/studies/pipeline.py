"""The work of a study in stages. Each stage does the jobs whose results the run folder does not hold yet."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from interlocus.alignment.dimensions import fills_site
from interlocus.controls.ground_truth.recipes import PLANTING_RECIPES
from interlocus.core.errors import RunFolderError
from interlocus.core.tensor_files import TensorFile
from interlocus.networks.site import INPUT_SITE
from interlocus.searches.callbacks import OnValidation
from interlocus.studies.executors import AbstractExecutor, WorkItem
from interlocus.studies.jobs import control_job, planting_job, projection_job, reuse_job, search_job, train_networks
from interlocus.studies.plan import Trial, jobs, reused_trial
from interlocus.studies.projection import projected_size
from interlocus.studies.records import ControlResult, Record, StoredAlignment, TrialResult
from interlocus.studies.results.planted import planted_name, sites_that_wait
from interlocus.studies.results.verdicts import collect_verdicts
from interlocus.studies.spec.networks import NetworkGroup
from interlocus.studies.spec.study import Study
from interlocus.studies.stages import Failure, OnStageProgress, Stage, StageItem, StageProgress
from interlocus.studies.store import INSIDE, Store, control_name
from interlocus.tasks import AbstractTask

JUDGED_WITHIN = 0.02
"""A site is judged by the smallest size whose IIA is at most this much below the best."""


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """Runs all stages of a study and writes their results into a run folder.

    Args:
        study: The study to run.
        store: The opened run folder.
        executor: Runs the jobs, in this process or in others.
        device: Where searches run, `"cpu"` or `"cuda"`.
        on_progress: Called with the phase and the share of it that is done.
        on_validation: Called with every validation of the searches; `None` for no call.
        seconds: Seconds that each phase took, filled in as phases end.
    """

    study: Study
    store: Store
    executor: AbstractExecutor
    device: str
    on_progress: OnStageProgress
    on_validation: OnValidation | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """All stages, in order: each may need the results of earlier ones."""
        planting = [
            Stage(phase="searching planted networks", missing=lambda kind=kind: [*self._planting(kind)])
            for kind in PLANTING_RECIPES
        ]
        return (
            Stage(phase="training networks", missing=lambda: [*self._networks()]),
            Stage(phase="searching", missing=lambda: [*self._searches()]),
            Stage(phase="measuring controls", missing=lambda: [*self._controls()]),
            *planting,
            Stage(phase="projecting states", missing=lambda: [*self._projections()]),
            Stage(phase="asking the new question", missing=lambda: [*self._reuse()]),
        )

    def run(self) -> list[Failure]:
        """Run all stages. A job that fails does not stop the others.

        Returns:
            One entry for each job that failed.

        Raises:
            RunFolderError: The folder cannot be written, so no further result could be stored.
        """
        return [failure for stage in self.stages for failure in self._run(stage)]

    def _run(self, stage: Stage) -> list[Failure]:
        begun, items = time.perf_counter(), stage.missing()
        if not items:
            return []
        shares, total = [0.0] * len(items), sum(item.work.cost for item in items) or 1.0
        failures: list[Failure] = []

        def on_share(index: int, share: float) -> None:
            shares[index] = share
            done = sum(item.work.cost * share for item, share in zip(items, shares, strict=True))
            self.on_progress(StageProgress(stage.phase, done / total))

        self.on_progress(StageProgress(stage.phase, 0.0))
        for outcome in self.executor.run([item.work for item in items], on_share):
            on_share(outcome.index, 1.0)
            item = items[outcome.index]
            if isinstance(outcome.error, RunFolderError):
                raise outcome.error
            if outcome.error is not None:
                failures.append(Failure(trials=item.trials, error=outcome.error))
            else:
                item.keep(outcome.value)
        self.seconds[stage.phase] = self.seconds.get(stage.phase, 0.0) + time.perf_counter() - begun
        return failures

    def _networks(self) -> Iterator[StageItem]:
        """One job for each group with a network that the folder lacks."""
        task, work = self.study.task.build(), jobs(self.study)
        for group in self.study.networks:
            if not self.store.has_networks(group.networks):
                yield StageItem(
                    work=WorkItem(
                        function=train_networks, arguments=(self.study, group), cost=_training_cost(group, task)
                    ),
                    trials=tuple(trial.name for job in work if job.group == group for trial in job.trials),
                    keep=lambda files, group=group: self._keep_networks(group, files),
                )

    def _keep_networks(self, group: NetworkGroup, files: Sequence[bytes]) -> None:
        for name, content in zip(group.networks, files, strict=True):
            self.store.add_network(name, content)

    def _searches(self) -> Iterator[StageItem]:
        """Jobs with a missing trial. All trials of such a job run, so that a resumed run gives the same records."""
        for job in jobs(self.study):
            finished = all(trial.name in self.store.records for trial in job.trials)
            if not finished and self.store.has_networks(job.group.networks):
                files = self.store.networks(job.group.networks)
                yield StageItem(
                    work=WorkItem(
                        function=search_job,
                        arguments=(self.study, job, files, self.device, self.on_validation),
                        cost=job.cost(self.study),
                    ),
                    trials=tuple(trial.name for trial in job.trials),
                    keep=self._keep_trials,
                )

    def _keep_trials(self, results: Sequence[TrialResult]) -> None:
        for result in results:
            if result.record.trial.name not in self.store.records:
                self.store.add(result.record, result.alignments)

    def _controls(self) -> Iterator[StageItem]:
        """One job for each trained group and hidden site with a control record that the folder lacks."""
        if not self.study.controls:
            return
        task = self.study.task.build()
        accuracy = {record.trial.network: record.accuracy for record in self.store.records.all().values()}
        for group in self.study.networks:
            sites = [site for site in self.study.sites if site != INPUT_SITE and site in group.sites(task)]
            for site in sites if group.trained and self.store.has_networks(group.networks) else ():
                found = [self.store.controls.get(control_name(name, site)) for name in group.networks]
                finished = all(control is not None and not control.failed for control in found)
                if not finished and self.study.featurizers_of(self.study.asked, site):
                    alignments = [self._judged(group, name, site) for name in group.networks]
                    competent = [accuracy.get(name, 0.0) >= self.study.competence for name in group.networks]
                    files = self.store.networks(group.networks)
                    yield StageItem(
                        work=WorkItem(
                            function=control_job,
                            arguments=(self.study, group, site, files, alignments, competent, self.device),
                            cost=1.0,
                        ),
                        trials=(f"{group.name}.{site}.controls",),
                        keep=self._keep_controls,
                    )

    def _keep_controls(self, results: Sequence[ControlResult]) -> None:
        for result in results:
            control = result.record
            trials = {
                Trial(
                    group=control.group,
                    network=control.network,
                    site=control.site,
                    hypothesis=self.study.asked,
                    featurizer=featurizer,
                    schedule=self.study.schedule,
                ).name: content
                for featurizer, content in result.inside.items()
            }
            for trial, content in trials.items():
                self.store.write(self.store.alignment_path(f"{trial}.{INSIDE}"), content)
            # the record is written last, so a control with a record has its alignments
            self.store.controls.add(control_name(control.network, control.site), control)

    def _judged(self, group: NetworkGroup, network: str, site: str) -> StoredAlignment | None:
        """The best alignment of the study's hypothesis at a site, at the smallest size that scores about as well."""
        best: tuple[float, StoredAlignment] | None = None
        task = self.study.task.build()
        variables, width = len(task.hypothesis(self.study.asked).variables), group.sites(task)[site]
        for featurizer in self.study.featurizers_of(self.study.asked, site):
            trial = Trial(
                group=group.name,
                network=network,
                site=site,
                hypothesis=self.study.asked,
                featurizer=featurizer,
                schedule=self.study.schedule,
            )
            record = self.store.records.get(trial.name)
            if record is None:
                continue
            scores = {entry.size: entry.best.score.iia for entry in record.sizes}
            smaller = {size: iia for size, iia in scores.items() if not fills_site(size, variables, width)}
            scores = smaller or scores
            size = min(size for size, iia in scores.items() if iia >= max(scores.values()) - JUDGED_WITHIN)
            if best is None or scores[size] > best[0] + JUDGED_WITHIN:
                best = scores[size], self._stored(record, size)
        return best and best[1]

    def _stored(self, record: Record, size: int | str) -> StoredAlignment:
        return StoredAlignment(file=TensorFile.at(self.store.alignment_path(record.trial.name)), size=size)

    def _planting(self, kind: str) -> Iterator[StageItem]:
        """One job for each site at which a verdict needs a result of this way of planting."""
        if "power" not in self.study.controls:
            return
        measurements = self.store.measurements
        verdicts = collect_verdicts(self.study, measurements)
        for group, site in sites_that_wait(self.study, verdicts, measurements, kind):
            name = planted_name(group, site, kind)
            yield StageItem(
                work=WorkItem(
                    function=planting_job,
                    arguments=(self.study, group, site, kind, self.store.networks(group.networks), self.device),
                    cost=1.0,
                ),
                trials=(f"{name}.power",),
                keep=lambda result, name=name: self.store.planted.add(name, result),
            )

    def _projections(self) -> Iterator[StageItem]:
        """One job for each trained group and hidden site (or the input if no other site is searched)."""
        study, first = self.study, dict[tuple[str, str], Record]()
        for record in self.store.records.all().values():
            trial = record.trial
            featurizers = study.featurizers_of(study.asked, trial.site)[:1]  # the one that the study names first
            if (trial.hypothesis, trial.schedule) == (study.asked, study.schedule) and trial.featurizer in featurizers:
                first.setdefault((trial.group, trial.site), record)
        sites = [site for site in study.sites if site != INPUT_SITE] or study.sites
        for group in study.networks:
            for site in sites if group.trained else ():
                name, record = f"{group.name}.{site}", first.get((group.name, site))
                if record is not None and name not in self.store.projections:
                    (network,) = self.store.networks((record.trial.network,))
                    alignment = self._stored(record, projected_size(record))
                    yield StageItem(
                        work=WorkItem(
                            function=projection_job, arguments=(study, group, network, record, alignment), cost=1.0
                        ),
                        trials=(f"{name}.projection",),
                        keep=lambda value, name=name: self.store.projections.add(name, value),
                    )

    def _reuse(self) -> Iterator[StageItem]:
        """One job for each trained network with an alignment but no result of re-use."""
        study = self.study
        for group in study.networks if study.reuse is not None else ():
            for index, network in enumerate(group.networks if group.trained else ()):
                record = self.store.records.get(reused_trial(study, group, network).name)
                if record is not None and network not in self.store.reuse:
                    assert study.reuse is not None
                    alignment = self._stored(record, study.reuse.size)
                    files = self.store.networks(group.networks)
                    yield StageItem(
                        work=WorkItem(
                            function=reuse_job,
                            arguments=(study, group, index, files, alignment, self.device),
                            cost=1.0,
                        ),
                        trials=(f"{network}.reuse",),
                        keep=lambda value, network=network: self.store.reuse.add(network, value),
                    )


def _training_cost(group: NetworkGroup, task: AbstractTask) -> float:
    return group.count * group.source.flops_of_training(task) if group.trained else 1.0
