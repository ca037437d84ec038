"""A study, from specification to records, table and answers."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from interlocus.controls.record import ControlRecord
from interlocus.core.dataframes import to_pandas, to_xarray
from interlocus.core.display import AbstractDisplayable, Display, format_fraction
from interlocus.core.statistics import Interval
from interlocus.networks.validation import check_task
from interlocus.searches.callbacks import OnValidation
from interlocus.studies.executors import AbstractExecutor, Local
from interlocus.studies.pipeline import Failure, OnStageProgress, Pipeline, StageProgress
from interlocus.studies.plan import jobs
from interlocus.studies.projection import Projection
from interlocus.studies.records import Measurements, Record
from interlocus.studies.results.answers import study_answers
from interlocus.studies.results.indices import GroupIndices, indices_of
from interlocus.studies.results.method_comparison import MethodScore, compare_methods
from interlocus.studies.results.reuse_curves import ReuseCurve, reuse_curves, reuse_rows
from interlocus.studies.results.scores import Row, rows, to_csv
from interlocus.studies.results.summary import Line, group_sentences, summarise
from interlocus.studies.results.verdicts import collect_verdicts, to_json
from interlocus.studies.spec.study import Study
from interlocus.studies.store import Store
from interlocus.verdicts.network import NetworkVerdict

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


@dataclass(frozen=True, kw_only=True, repr=False)
class Run(AbstractDisplayable):
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
        return cls.of(store, study)

    @classmethod
    def of(cls, store: Store, study: Study) -> Run:
        """The run of a study in an opened folder, finished or not.

        Raises:
            RunFolderError: A record is damaged.
        """
        table = rows(study, store.records.all().values())
        return cls(store=store, study=study, table=table, lines=summarise(study, table))

    @cached_property
    def records(self) -> Sequence[Record]:
        """What was found, a record a trial."""
        return self.measurements.records

    @cached_property
    def measurements(self) -> Measurements:
        """Records, controls and results in planted networks: everything that verdicts are made from."""
        return self.store.measurements

    @cached_property
    def controls(self) -> Mapping[tuple[str, str], ControlRecord]:
        """What controls say, by the names of network and site."""
        return self.measurements.controls

    @cached_property
    def projections(self) -> Sequence[Projection]:
        """States in the subspaces that were found, in the order of groups and sites."""
        kept = self.store.projections.all()
        names = [f"{group.name}.{site}" for group in self.study.networks for site in self.study.sites]
        return tuple(one for name in names if name in kept for one in kept[name].variables)

    @property
    def scores(self) -> Sequence[Row]:
        """The table: one row a network, site, hypothesis, size and featurizer."""
        return self.table

    def display(self) -> Display:
        """The scores over networks, and the answers in words."""
        missing = len(self.missing)
        return Display(
            title=f"{self.study.title or self.study.name} ({self.store.folder})",
            columns=(
                "group",
                "site",
                "hypothesis",
                "featurizer",
                "IIA",
                "size",
                "no-effect",
                "one-directional",
                "worst transition",
            ),
            rows=[
                (
                    line.group,
                    line.site,
                    line.hypothesis,
                    line.featurizer,
                    _interval_text(line.best.iia),
                    str(line.best.size),
                    format_fraction(line.no_effect),
                    "–" if line.one_directional is None else format_fraction(line.one_directional),
                    format_fraction(line.best.worst_transition),
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
            return [row.to_cells() for row in self.table]
        if what == "reuse":
            return [dict(row) for row in reuse_rows(self.study, self.store.reuse.all())]
        about = ("network", "group", "accuracy", "answer")
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

    @property
    def answers(self) -> dict[str, str]:
        """For each family one sentence."""
        return group_sentences(self.study, self.table, self.lines)

    @cached_property
    def verdicts(self) -> Sequence[NetworkVerdict]:
        """The verdict on every network that was searched."""
        return collect_verdicts(self.study, self.measurements)

    @cached_property
    def indices(self) -> Sequence[GroupIndices]:
        """How far networks go through the middle, a number each, where the controls for it were measured."""
        return indices_of(self.study, self.measurements, self.verdicts)

    @cached_property
    def answer(self) -> dict[str, str]:
        """`direct`: through the middle, or straight to the end? `search`: was the right alignment easy to find?"""
        return study_answers(self.study, self.verdicts, self.records)

    @cached_property
    def methods(self) -> Sequence[MethodScore]:
        """Every class of maps at every site, over all trained networks, with time spent and untrained ones beside."""
        return compare_methods(self.study, self.table, self.records)

    @property
    def reuse(self) -> Sequence[ReuseCurve]:
        """How well a new question about what was found is answered, where the study asks one."""
        return reuse_curves(self.study, self.store.reuse.all())

    @property
    def missing(self) -> list[str]:
        """Trials of the study without a record."""
        return [trial.name for job in jobs(self.study) for trial in job.trials if trial.name not in self.store.records]


def run_study(
    study: Study,
    folder: str | Path,
    *,
    executor: AbstractExecutor | None = None,
    device: str = "cpu",
    on_progress: OnStageProgress = lambda progress: None,
    on_validation: OnValidation | None = None,
) -> Run:
    """Do what a folder does not hold yet, and read it.

    Args:
        study: what is asked.
        folder: where results are kept.
        executor: where work is done; by default in this process.
        device: where searches run, `"cpu"` or `"cuda"`.
        on_progress: is told how far it is.
        on_validation: is shown every validation of the searches; it changes no number. With several processes it is
            copied to each of them.

    Raises:
        RunFolderError: the folder holds another study, or cannot be written.
    """
    executor = executor or Local()
    if study.code:  # a task that nobody has checked before
        asked = dict.fromkeys(name for search in study.searches for name in search.hypotheses)
        check_task(study.task.build(), hypotheses=tuple(asked), seed=study.seed)
    store = Store(folder)
    store.begin(study)
    pipeline = Pipeline(
        study=study, store=store, executor=executor, device=device, on_progress=on_progress, on_validation=on_validation
    )
    try:
        failures = pipeline.run()
    finally:
        executor.close()

    begun = time.perf_counter()
    on_progress(StageProgress("reading the results", 0.0))
    run = replace(Run.of(store, study), failures=failures, seconds=pipeline.seconds)
    store.renew(store.scores, to_csv(run.table).encode())
    judged = to_json(study, run.verdicts, run.answer) | {"indices": [one.to_json() for one in run.indices]}
    store.renew(store.verdict, (json.dumps(judged, indent=1) + "\n").encode())
    pipeline.seconds["reading the results"] = time.perf_counter() - begun
    on_progress(StageProgress("reading the results", 1.0))
    return run


def _interval_text(interval: Interval) -> str:
    low, high = format_fraction(interval.low), format_fraction(interval.high)
    return f"{format_fraction(interval.value)} [{low}, {high}]"
