"""The job that searches the networks of a group at one site."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from interlocus.alignment.alignment import Alignment, alignments_to_bytes
from interlocus.core.tensor_files import TensorFile
from interlocus.networks import AbstractNetworks
from interlocus.networks.validation import check_fit
from interlocus.searches.callbacks import OnValidation
from interlocus.searches.engine import solve
from interlocus.searches.results import ProblemResult
from interlocus.studies.jobs.progress import OnShare, part
from interlocus.studies.plan import Job, Trial
from interlocus.studies.records import Record, TrialResult
from interlocus.studies.spec.study import Study
from interlocus.tasks import AbstractTask
from interlocus.tasks.splits import DataSplits


def search_job(
    study: Study,
    job: Job,
    networks: Sequence[TensorFile],
    device: str,
    on_validation: OnValidation | None,
    on_progress: OnShare,
) -> list[TrialResult]:
    """Search all trials of a job.

    Args:
        study: The study, for its task, budget, schedules and seed.
        job: The trials, which share group, site, featurizer and sizes.
        networks: The files of all networks of the group, in order.
        device: Where searches run, `"cpu"` or `"cuda"`.
        on_validation: Called with every validation, with the names of networks; `None` for no call.
        on_progress: Called with the share that is done.

    Returns:
        One result for each trial, in the order of `job.trials`.
    """
    task = study.task.build()
    stacks = job.group.source.load(task, networks, seed=study.seed)
    trials, results = iter(job.trials), list[TrialResult]()
    for number, stack in enumerate(stacks):
        of_stack = tuple(itertools.islice(trials, len(stack) * len(job.hypotheses)))
        search = _Search(study=study, job=job, task=task, trials=of_stack, networks=stack.to(device))
        results += search.results(part(on_progress, number, len(stacks)), on_validation)
    return results


@dataclass(frozen=True, kw_only=True)
class _Search:
    """The searches of one stack of networks."""

    study: Study
    job: Job
    task: AbstractTask
    trials: Sequence[Trial]
    networks: AbstractNetworks

    def results(self, on_progress: OnShare, on_validation: OnValidation | None) -> list[TrialResult]:
        begun, study, job = time.perf_counter(), self.study, self.job
        check_fit(self.networks, self.task)
        accuracy = self.networks.accuracy(self.task, seed=study.seed)
        request = study.portfolio(job.site, schedule=job.schedule).request(
            job.site,
            [self.task.hypothesis(name) for name in job.hypotheses],
            sizes=job.sizes,
            featurizer=job.featurizer,
        )
        if on_validation is not None:
            names = [trial.network for trial in self.trials[:: len(job.hypotheses)]]
            request = replace(request, on_validation=_by_name(on_validation, names))
        data = DataSplits.draw(self.task, study.budget, seed=study.seed, hypotheses=job.hypotheses)
        solved = solve(self.networks, data, request, on_progress=on_progress)
        seconds, fingerprint = (time.perf_counter() - begun) / len(solved), study.fingerprint
        return [
            TrialResult(
                record=Record(
                    trial=trial,
                    study=fingerprint,
                    accuracy=accuracy[result.network],
                    seconds=seconds,
                    sizes=result.sizes,
                ),
                alignments=self._alignments(trial, result),
            )
            for trial, result in zip(self.trials, solved, strict=True)
        ]

    def _alignments(self, trial: Trial, result: ProblemResult) -> bytes:
        hypothesis = self.task.hypothesis(trial.hypothesis)
        return alignments_to_bytes(
            {
                entry.size: Alignment(
                    site=trial.site,
                    hypothesis=hypothesis.name,
                    variables=hypothesis.variables,
                    featurizer=trial.featurizer,
                    network=self.networks[result.network].fingerprint(),
                    task=self.task.name,
                    frames=frames,
                )
                for entry, frames in zip(result.sizes, result.frames, strict=True)
            }
        )


def _by_name(on_validation: OnValidation, names: Sequence[str]) -> OnValidation:
    """The same callback, with names of networks in place of their indices."""
    return lambda validation: on_validation(
        replace(validation, networks=tuple(names[int(number)] for number in validation.networks))
    )
