"""Networks are made and searched: what one piece of work does, wherever it is done."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from interlocus.alignment import Alignment
from interlocus.data import Data
from interlocus.engine import solve
from interlocus.family import Family
from interlocus.fit import check_fit
from interlocus.networks import AbstractNetworks
from interlocus.plan import Job, Trial
from interlocus.portfolio import portfolio
from interlocus.store import Record, Store
from interlocus.study import Study
from interlocus.watching import Watch


def make_networks(study: Study, family: Family, folder: str | Path, report: Callable[[float], None]) -> None:
    """Train the networks of a family, and keep them."""
    networks = family.kind.make(
        study.task.build(), count=family.count, trained=family.trained, seed=study.seed, done=report
    )
    for index, name in enumerate(family.networks):
        Store(folder).add_network(name, networks[index])


def search(
    study: Study,
    job: Job,
    folder: str | Path,
    device: str,
    watch: Watch | None,
    report: Callable[[float], None],
) -> None:
    """Do the searches of a job, and keep a record a trial."""
    task = study.task.build()
    paths = [Store(folder).network_path(name) for name in job.family.networks]
    stacks = job.family.kind.load(task, paths, seed=study.seed)
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
            watch,
        )


def _search(
    study: Study,
    job: Job,
    trials: Sequence[Trial],
    networks: AbstractNetworks,
    store: Store,
    report: Callable[[float], None],
    watch: Watch | None,
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
    if watch is not None:
        request = replace(request, watch=_by_name(watch, [trial.network for trial in trials[:: len(job.hypotheses)]]))
    data = Data.draw(task, study.budget, seed=study.seed, hypotheses=job.hypotheses)
    findings = solve(networks, data, request, progress=report)
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


def _by_name(watch: Watch, names: Sequence[str]) -> Watch:
    """The same, with names of networks for their numbers."""
    return lambda seen: watch(replace(seen, networks=tuple(names[int(number)] for number in seen.networks)))
