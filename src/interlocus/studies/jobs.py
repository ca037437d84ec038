"""Networks are made and searched: what one piece of work does, wherever it is done."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from interlocus.alignment.alignment import Alignment
from interlocus.networks import AbstractNetworks
from interlocus.networks.validation import check_fit
from interlocus.searches.callbacks import OnValidation
from interlocus.searches.engine import solve
from interlocus.searches.portfolio import portfolio
from interlocus.studies.plan import Job, Trial
from interlocus.studies.records import Record
from interlocus.studies.spec.networks import NetworkGroup
from interlocus.studies.spec.study import Study
from interlocus.studies.store import Store
from interlocus.tasks.splits import DataSplits


def make_networks(study: Study, group: NetworkGroup, folder: str | Path, report: Callable[[float], None]) -> None:
    """Train the networks of a family, and keep them."""
    networks = group.source.make(
        study.task.build(), count=group.count, trained=group.trained, seed=study.seed, done=report
    )
    for index, name in enumerate(group.networks):
        Store(folder).add_network(name, networks[index])


def run_search_job(
    study: Study,
    job: Job,
    folder: str | Path,
    device: str,
    on_validation: OnValidation | None,
    report: Callable[[float], None],
) -> None:
    """Do the searches of a job, and keep a record a trial."""
    task = study.task.build()
    paths = [Store(folder).network_path(name) for name in job.group.networks]
    stacks = job.group.source.load(task, paths, seed=study.seed)
    trials = iter(job.trials)
    for number, networks in enumerate(stacks):
        own = tuple(itertools.islice(trials, len(networks) * len(job.hypotheses)))
        _search(
            study,
            job,
            own,
            networks.to(device),
            Store(folder),
            lambda share, number=number: report((number + share) / len(stacks)),
            on_validation,
        )


def _search(
    study: Study,
    job: Job,
    trials: Sequence[Trial],
    networks: AbstractNetworks,
    store: Store,
    report: Callable[[float], None],
    on_validation: OnValidation | None,
) -> None:
    """The trials of networks that are searched at once."""
    begun, task = time.perf_counter(), study.task.build()
    check_fit(networks, task)
    accuracy = networks.accuracy(task, seed=study.seed)
    request = portfolio(
        study,
        site=job.site,
        hypotheses=tuple(task.hypothesis(name) for name in job.hypotheses),
        sizes=job.sizes,
        featurizer=job.featurizer,
        schedule=job.schedule,
    )
    if on_validation is not None:
        request = replace(
            request, on_validation=_by_name(on_validation, [trial.network for trial in trials[:: len(job.hypotheses)]])
        )
    data = DataSplits.draw(task, study.budget, seed=study.seed, hypotheses=job.hypotheses)
    findings = solve(networks, data, request, on_progress=report)
    seconds, fingerprint = (time.perf_counter() - begun) / len(findings), study.fingerprint
    for trial, finding in zip(trials, findings, strict=True):
        if store.has(trial):
            continue
        record = Record(
            trial=trial,
            study=fingerprint,
            accuracy=accuracy[finding.network],
            seconds=seconds,
            sizes=finding.sizes,
        )
        hypothesis = task.hypothesis(trial.hypothesis)
        alignments = {
            entry.size: Alignment(
                site=job.site,
                hypothesis=hypothesis.name,
                variables=hypothesis.variables,
                featurizer=job.featurizer,
                network=networks[finding.network].fingerprint(),
                task=task.name,
                frames=frames,
            )
            for entry, frames in zip(finding.sizes, finding.frames, strict=True)
        }
        store.add(record, alignments)


def _by_name(on_validation: OnValidation, names: Sequence[str]) -> OnValidation:
    """The same, with names of networks for their numbers."""
    return lambda seen: on_validation(replace(seen, networks=tuple(names[int(number)] for number in seen.networks)))
