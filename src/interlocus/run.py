"""A study, from specification to records, table and answers."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from interlocus.alignment import Alignment
from interlocus.answers import answers as both_answers
from interlocus.controls import measure_controls
from interlocus.data import Data
from interlocus.display import AbstractShown, Shown, share
from interlocus.engine import solve
from interlocus.errors import InterlocusError, RunFolderError
from interlocus.executors import AbstractExecutor, Local, Task
from interlocus.family import Family
from interlocus.found import check_fit
from interlocus.methods import Method, methods
from interlocus.networks import AbstractNetworks
from interlocus.plan import Job, Trial, jobs
from interlocus.portfolio import portfolio
from interlocus.power import has_twins, measure_power
from interlocus.registry import SHOW
from interlocus.reuse_records import ReuseCurve, measure_network_reuse, reuse_curves, reuse_places, reuse_rows
from interlocus.store import Record, Store
from interlocus.study import Study
from interlocus.summary import Line, answers, summarise
from interlocus.table import Row, rows, to_csv
from interlocus.tables import to_pandas, to_xarray
from interlocus.task_check import check_task
from interlocus.tasks import AbstractTask
from interlocus.verdicts import INPUT, NetworkVerdict, to_json, verdicts, wanting_power
from interlocus.watching import Watch

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


class Progress(NamedTuple):
    """Where a run stands.

    Args:
        phase: what is being done.
        share: how much of the phase is done, from 0 to 1.
    """

    phase: str
    share: float


Observe = Callable[[Progress], None]


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Trials that could not be finished, and why."""

    trials: tuple[str, ...]
    error: InterlocusError


@dataclass(frozen=True, kw_only=True, repr=False)
class Run(AbstractShown):
    """What is in a run folder.

    Args:
        store: the folder.
        study: what was asked.
        table: one row a network, site, hypothesis, size and featurizer.
        lines: the same over networks.
        failures: what could not be finished in this call.
        seconds: what each phase of this call took.
    """

    store: Store
    study: Study
    table: Sequence[Row]
    lines: Sequence[Line]
    failures: Sequence[Failure] = ()
    seconds: dict[str, float] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: str | Path) -> Run:
        """Read a run folder, finished or not.

        Raises:
            RunFolderError: it is none, or damaged.
        """
        store = Store(folder)
        study = store.study()
        table = rows(study, store.records())
        return cls(store=store, study=study, table=table, lines=summarise(study, table))

    @property
    def scores(self) -> Sequence[Row]:
        """The table: one row a network, site, hypothesis, size and featurizer."""
        return self.table

    def shown(self) -> Shown:
        """The scores over networks, and the answers in words."""
        missing = len(self.missing)
        return Shown(
            title=f"{self.study.title or self.study.name} ({self.store.folder})",
            columns=("family", "site", "swap", "map", "IIA", "size", "floor", "trick", "cell"),
            rows=[
                (
                    line.family,
                    line.site,
                    line.hypothesis,
                    line.featurizer,
                    f"{share(line.best.iia.value)} [{share(line.best.iia.low)}, {share(line.best.iia.high)}]",
                    str(line.best.size),
                    share(line.floor),
                    "–" if line.one_sided is None else share(line.one_sided),
                    share(line.best.min_cell),
                )
                for line in self.lines
            ],
            notes=[*self.answer.values(), *([f"{missing} trials are missing."] if missing else [])],
        )

    def to_rows(self, what: Literal["scores", "verdicts", "reuse"] = "scores") -> list[dict[str, Any]]:
        """Plain values, for a table.

        Args:
            what: `scores`, one mapping a row of `scores.csv`; `verdicts`, one a network, site and variable, as in
                `verdict.json`; or `reuse`, one a network, way, number of labels and draw.
        """
        if what == "scores":
            return [asdict(row) for row in self.table]
        if what == "reuse":
            return reuse_rows(self.study, self.store)
        about = ("network", "family", "accuracy", "answer")
        return [
            {name: getattr(one, name) for name in about}
            | {name: value for name, value in row.items() if name not in {"evidence", "wanted"}}
            for one in self.verdicts
            for row in one.to_json()["sites"]
        ]

    def to_pandas(self, what: Literal["scores", "verdicts", "reuse"] = "scores") -> pd.DataFrame:
        """The same as a data frame.

        Raises:
            SpecificationError: pandas is not installed.
        """
        return to_pandas(self.to_rows(what))

    def to_xarray(self) -> xr.Dataset:
        """The scores as a data set over `network`, `site`, `hypothesis`, `featurizer` and `size`.

        Raises:
            SpecificationError: pandas or xarray is not installed.
        """
        return to_xarray(self.to_rows(), ("network", "site", "hypothesis", "featurizer", "size"))

    def show(self) -> str:
        """The table over networks and the answers, as text."""
        return SHOW.load()(self)

    @property
    def answers(self) -> dict[str, str]:
        """For each family one sentence."""
        return answers(self.study, self.table, self.lines)

    @cached_property
    def verdicts(self) -> Sequence[NetworkVerdict]:
        """The verdict on every network that was searched."""
        return verdicts(self.study, self.store, self.store.records())

    @cached_property
    def answer(self) -> dict[str, str]:
        """`direct`: through the middle, or straight to the end? `search`: was the right alignment easy to find?"""
        return both_answers(self.study, self.verdicts, self.store.records())

    @cached_property
    def methods(self) -> Sequence[Method]:
        """Every class of maps at every site, over all trained networks, with time spent and untrained ones beside."""
        return methods(self.study, self.table, self.store.records())

    @property
    def reuse(self) -> Sequence[ReuseCurve]:
        """How well a new question about what was found is answered, where the study asks one."""
        return reuse_curves(self.study, self.store)

    @property
    def missing(self) -> list[str]:
        """Trials of the study without a record."""
        return [trial.name for job in jobs(self.study) for trial in job.trials if not self.store.has(trial)]


def run_study(
    study: Study,
    folder: str | Path,
    *,
    executor: AbstractExecutor | None = None,
    device: str = "cpu",
    observe: Observe = lambda progress: None,
    watch: Watch | None = None,
) -> Run:
    """Do what a folder does not hold yet, and read it.

    Args:
        study: what is asked.
        folder: where results are kept.
        executor: where work is done; by default in this process.
        device: where searches run, `"cpu"` or `"cuda"`.
        observe: is told how far it is.
        watch: is shown every validation of the searches; it changes no number. With several processes it is copied to
            each of them.

    Raises:
        RunFolderError: the folder holds another study, or cannot be written.
    """
    executor = executor or Local()
    if study.code:  # a task that nobody has checked before
        asked = dict.fromkeys(name for search in study.searches for name in search.hypotheses)
        check_task(study.task.build(), hypotheses=tuple(asked), seed=study.seed)
    store = Store(folder)
    store.begin(study)
    seconds: dict[str, float] = {}
    try:
        failures = _networks(study, store, executor, observe, seconds)
        failures += _searches(study, store, executor, device, observe, seconds, watch)
        failures += _controls(study, store, executor, device, observe, seconds)
        failures += _power(study, store, executor, device, observe, seconds)
        failures += _reuse(study, store, executor, device, observe, seconds)
    finally:
        executor.close()

    begun = time.perf_counter()
    observe(Progress("reading the results", 0.0))
    run = replace(Run.load(folder), failures=failures, seconds=seconds)
    store.renew(store.scores, to_csv(run.table).encode())
    store.renew(store.verdict, (json.dumps(to_json(study, run.verdicts, run.answer), indent=1) + "\n").encode())
    seconds["reading the results"] = time.perf_counter() - begun
    observe(Progress("reading the results", 1.0))
    return run


def _networks(
    study: Study, store: Store, executor: AbstractExecutor, observe: Observe, seconds: dict[str, float]
) -> list[Failure]:
    """Make the networks that the folder lacks."""
    task = study.task.build()
    families = [f for f in study.families if not all(store.network_path(name).is_file() for name in f.networks)]
    tasks = [
        Task(function=make_networks, arguments=(study, family, store.folder), cost=_training_cost(family, task))
        for family in families
    ]
    failed = _do(executor, tasks, "training networks", observe, seconds)
    trials = {f.name: tuple(t.name for job in jobs(study) if job.family == f for t in job.trials) for f in families}
    return [Failure(trials=trials[families[index].name], error=error) for index, error in failed.items()]


def _searches(
    study: Study,
    store: Store,
    executor: AbstractExecutor,
    device: str,
    observe: Observe,
    seconds: dict[str, float],
    watch: Watch | None,
) -> list[Failure]:
    """Do the searches that the folder lacks, wherever there are networks."""
    missing = [
        job
        for job in jobs(study)
        if all(store.network_path(name).is_file() for name in job.family.networks)
        and not all(store.has(trial) for trial in job.trials)
    ]
    tasks = [
        Task(function=search, arguments=(study, job, store.folder, device, watch), cost=job.cost(study))
        for job in missing
    ]
    failed = _do(executor, tasks, "searching", observe, seconds)
    return [
        Failure(trials=tuple(trial.name for trial in missing[index].trials), error=error)
        for index, error in failed.items()
    ]


def _controls(
    study: Study, store: Store, executor: AbstractExecutor, device: str, observe: Observe, seconds: dict[str, float]
) -> list[Failure]:
    """Measure the controls that the folder lacks, at the hidden sites of trained networks."""
    if not study.controls:
        return []
    task = study.task.build()
    places = [
        (family, site)
        for family in study.families
        for site in study.sites
        if family.trained and site != INPUT and site in family.sites(task)
        if study.featurizers_of(study.asked, site)
        if all(store.network_path(name).is_file() for name in family.networks)
        if any(store.control(name, site) is None for name in family.networks)
    ]
    tasks = [
        Task(function=measure_controls, arguments=(study, family, site, store.folder, device), cost=1.0)
        for family, site in places
    ]
    failed = _do(executor, tasks, "measuring controls", observe, seconds)
    return [
        Failure(trials=(f"{places[index][0].name}.{places[index][1]}.controls",), error=error)
        for index, error in failed.items()
    ]


def _power(
    study: Study, store: Store, executor: AbstractExecutor, device: str, observe: Observe, seconds: dict[str, float]
) -> list[Failure]:
    """Where a verdict waits for it, see whether the searches find planted variables."""
    if "power" not in study.controls:
        return []
    families = {family.name: family for family in study.families}
    waiting = wanting_power(study, verdicts(study, store, store.records()))
    wanted: dict[tuple[str, str], list[Family]] = {}  # those built alike share most twins
    for name, site in waiting:
        if has_twins(families[name]):
            wanted.setdefault((families[name].kind.architecture, site), []).append(families[name])
    tasks = [
        Task(function=measure_power, arguments=(study, own, site, store.folder, device), cost=1.0)
        for (_, site), own in wanted.items()
    ]
    failed = _do(executor, tasks, "searching planted networks", observe, seconds)
    names = [f"{architecture}.{site}.power" for architecture, site in wanted]
    return [Failure(trials=(names[index],), error=error) for index, error in failed.items()]


def _reuse(
    study: Study, store: Store, executor: AbstractExecutor, device: str, observe: Observe, seconds: dict[str, float]
) -> list[Failure]:
    """Ask the new question of a study of the trained networks of which the folder has no answer."""
    places = reuse_places(study, store)
    tasks = [
        Task(function=measure_network_reuse, arguments=(study, *place, store.folder, device), cost=1.0)
        for place in places
    ]
    failed = _do(executor, tasks, "asking anew", observe, seconds)
    return [
        Failure(trials=(f"{places[index][0].networks[places[index][1]]}.reuse",), error=error)
        for index, error in failed.items()
    ]


def _do(
    executor: AbstractExecutor, tasks: Sequence[Task], phase: str, observe: Observe, seconds: dict[str, float]
) -> dict[int, InterlocusError]:
    """Do the tasks of a phase; returns which failed, and why."""
    begun, shares = time.perf_counter(), [0.0] * len(tasks)
    total = sum(task.cost for task in tasks) or 1.0
    failed: dict[int, InterlocusError] = {}

    def report(index: int, share: float) -> None:
        shares[index] = share
        observe(Progress(phase, sum(task.cost * share for task, share in zip(tasks, shares, strict=True)) / total))

    if tasks:
        observe(Progress(phase, 0.0))
        for done in executor.run(tasks, report):
            report(done.index, 1.0)
            if isinstance(done.result, RunFolderError):
                raise done.result  # nothing else can be kept either
            if isinstance(done.result, InterlocusError):
                failed[done.index] = done.result
        seconds[phase] = time.perf_counter() - begun
    return failed


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


def _training_cost(family: Family, task: AbstractTask) -> float:
    return family.count * family.kind.flops_of_training(task) if family.trained else 1.0
