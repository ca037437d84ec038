"""The functions that workers run, one for each kind of job.

Arguments and results are values that can be sent to another machine; the driver writes the files. Each function takes
`on_progress` last and calls it with the share of the job that is done.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from interlocus.alignment.alignment import Alignment, alignments_to_bytes
from interlocus.controls._base import ControlContext
from interlocus.controls.ground_truth.planted_result import PlantedResult
from interlocus.controls.ground_truth.planting import Plantable
from interlocus.controls.power import measure_planted
from interlocus.controls.record import measure_controls
from interlocus.controls.used_subspace import UsedSubspaceControl
from interlocus.core.tensor_files import TensorFile
from interlocus.networks import AbstractNetworks
from interlocus.networks.validation import check_fit
from interlocus.searches.callbacks import OnValidation
from interlocus.searches.engine import solve
from interlocus.searches.results import ProblemResult
from interlocus.studies.plan import Job, Trial
from interlocus.studies.projection import Projections, project
from interlocus.studies.records import ControlResult, Record, StoredAlignment, TrialResult
from interlocus.studies.reuse.measure import LabelDraws, Reuse, measure_reuse, new_question
from interlocus.studies.spec.networks import NetworkGroup
from interlocus.studies.spec.study import Study
from interlocus.tasks import AbstractTask
from interlocus.tasks.splits import DataSplits

OnShare = Callable[[float], None]
"""Called with the share of a job that is done, from 0 to 1."""


def train_networks(study: Study, group: NetworkGroup, on_progress: OnShare) -> list[bytes]:
    """Train the networks of a group.

    Args:
        study: The study, for its task and seed.
        group: The group, with its source of networks.
        on_progress: Called with the share that is done.

    Returns:
        For each network the content of a safetensors file.
    """
    networks = group.source.make(
        study.task.build(), count=group.count, trained=group.trained, seed=study.seed, on_progress=on_progress
    )
    return [network.to_bytes() for network in networks]


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
        results += search.results(_part(on_progress, number, len(stacks)), on_validation)
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


def control_job(
    study: Study,
    group: NetworkGroup,
    site: str,
    networks: Sequence[TensorFile],
    alignments: Sequence[StoredAlignment | None],
    device: str,
    on_progress: OnShare,
) -> list[ControlResult]:
    """Measure the controls of a group at a site; one result for each network.

    Args:
        study: The study, for its task, controls, thresholds and seed.
        group: The group whose networks are measured.
        site: Name of the site, a hidden one.
        networks: The files of all networks of the group, in order.
        alignments: For each network the alignment by which the site is judged; `None` where there is none.
        device: Where searches run, `"cpu"` or `"cuda"`.
        on_progress: Called with the share that is done.
    """
    task = study.task.build()
    stacks = group.source.load(task, networks, seed=study.seed)
    names, judged, results = iter(group.networks), iter(alignments), list[ControlResult]()
    for number, stack in enumerate(stacks):
        context = ControlContext(
            portfolio=study.portfolio(site),
            task=task,
            networks=stack.to(device),
            site=site,
            controls=study.controls,
            alignments=[one and one.load() for one in itertools.islice(judged, len(stack))],
            thresholds=study.verdict,
            on_progress=_part(on_progress, number, len(stacks)),
        )
        records = measure_controls(context, names=list(itertools.islice(names, len(stack))), group=group.name)
        searched = any(record.result(UsedSubspaceControl) is not None for record in records)
        inside = _inside(context, study.asked) if searched else [{} for _ in records]
        results += [ControlResult(record=record, inside=files) for record, files in zip(records, inside, strict=True)]
    return results


def _inside(context: ControlContext, hypothesis: str) -> list[dict[str, bytes]]:
    """For each network the alignments that were found inside its used subspace, one file for each featurizer."""
    target = context.task.hypothesis(hypothesis)
    return [
        {
            featurizer: alignments_to_bytes(by_size)
            for featurizer, by_size in restricted.in_full_state(target, context.task, context.networks[i]).items()
        }
        for i, restricted in enumerate(context.restricted)
    ]


def planting_job(
    study: Study,
    group: NetworkGroup,
    site: str,
    kind: str,
    networks: Sequence[TensorFile],
    device: str,
    on_progress: OnShare,
) -> PlantedResult:
    """Plant the variables in one way in networks like those of a group, and search them there.

    Args:
        study: The study, for its task, hypothesis, thresholds and seed.
        group: The studied group, whose architecture or networks are used.
        site: Name of the site at which the variables are planted.
        kind: Way of planting, a key of `PLANTING_RECIPES`.
        networks: The files of all networks of the group, in order.
        device: Where training and searches run, `"cpu"` or `"cuda"`.
        on_progress: Called with the share that is done.
    """
    task = study.task.build()
    stacks = group.source.load(task, networks, seed=study.seed)
    return measure_planted(
        study.portfolio(site),
        task,
        [stack for stack in stacks if isinstance(stack, Plantable)],
        site,
        kind,
        thresholds=study.verdict,
        device=device,
        on_progress=on_progress,
    )


def projection_job(
    study: Study,
    group: NetworkGroup,
    network: TensorFile,
    record: Record,
    alignment: StoredAlignment,
    on_progress: OnShare,
) -> Projections:
    """Project states of one network into the subspaces of its variables, for figures.

    Args:
        study: The study, for its task and seed.
        group: The group of the network.
        network: The file of the network.
        record: The record of the trial that found the alignment.
        alignment: The alignment that defines the subspaces.
        on_progress: Not called; the job is short.
    """
    task = study.task.build()
    stacks = group.source.load(task, [network], seed=study.seed)
    return project(stacks[0][0], task, alignment.load(), record.trial, seed=study.seed)


def reuse_job(
    study: Study,
    group: NetworkGroup,
    index: int,
    networks: Sequence[TensorFile],
    alignment: StoredAlignment,
    device: str,
    on_progress: OnShare,
) -> Reuse:
    """Measure re-use in one network: how well the study's new question is answered from few labels.

    Args:
        study: A study with `reuse`.
        group: The group of the network.
        index: Position of the network in the group, from 0.
        networks: The files of all networks of the group, in order.
        alignment: The alignment whose features are re-used.
        device: Where networks run, `"cpu"` or `"cuda"`.
        on_progress: Called with the share that is done.
    """
    assert study.reuse is not None
    task = study.task.build()
    stacks = group.source.load(task, networks, seed=study.seed)
    network = [stack[i] for stack in stacks for i in range(len(stack))][index].to(device)
    loaded = alignment.load()
    return measure_reuse(
        loaded,
        network,
        task,
        new_question(study.reuse.question, loaded.variables),
        labels=LabelDraws(counts=study.reuse.labels, draws=study.reuse.draws),
        seed=study.seed,
        on_progress=on_progress,
    )


def _part(on_progress: OnShare, number: int, count: int) -> OnShare:
    """Progress within one of several equal parts."""
    return lambda share: on_progress((number + share) / count)


def _by_name(on_validation: OnValidation, names: Sequence[str]) -> OnValidation:
    """The same callback, with names of networks in place of their indices."""
    return lambda validation: on_validation(
        replace(validation, networks=tuple(names[int(number)] for number in validation.networks))
    )
