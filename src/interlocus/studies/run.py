"""A run of a study: `run_study` makes it, `Run` reads its folder."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from interlocus.controls.record import ControlRecord
from interlocus.core.display import AbstractDisplayable, Display, format_fraction
from interlocus.core.display.dataframes import to_pandas, to_xarray
from interlocus.core.statistics import Interval
from interlocus.networks.site import INPUT_SITE
from interlocus.networks.validation import check_task
from interlocus.searches.callbacks import OnValidation
from interlocus.studies.executors import AbstractExecutor, Local
from interlocus.studies.pipeline import Pipeline
from interlocus.studies.plan import jobs
from interlocus.studies.projection import Projection
from interlocus.studies.records import Measurements, Record
from interlocus.studies.results.answers import StudyAnswers, study_answers
from interlocus.studies.results.indices import GroupIndices, indices_of
from interlocus.studies.results.method_comparison import MethodScore, compare_methods
from interlocus.studies.results.reuse_curves import ReuseCurve, reuse_curves, reuse_rows
from interlocus.studies.results.scores import Row, rows, to_csv
from interlocus.studies.results.summary import Line, group_sentences, summarise
from interlocus.studies.results.verdicts import collect_verdicts, verdicts_to_json
from interlocus.studies.spec.study import Study
from interlocus.studies.stages import Failure, OnStageProgress, StageProgress
from interlocus.studies.store import Store
from interlocus.verdicts.network import NetworkVerdict

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

_NESTED_VERDICT_KEYS = {"evidence", "missing_evidence"}
"""Entries of a verdict in `verdict.json` that are lists, so they are no cell of a table."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Run(AbstractDisplayable):
    """The results in a run folder, complete or not.

    Args:
        store: The opened run folder.
        study: The study that the folder belongs to.
        table: One row for each network, site, hypothesis, featurizer, schedule and size.
        lines: The rows averaged over the networks of a group.
        failures: Trials that failed in the call of `run_study` that made this object; empty after `load`.
        seconds: Seconds that each phase of that call took, by its name; empty after `load`.
    """

    store: Store
    study: Study
    table: Sequence[Row]
    lines: Sequence[Line]
    failures: Sequence[Failure] = ()
    seconds: dict[str, float] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: str | Path) -> Run:
        """Read a run folder, complete or not.

        Args:
            folder: Path of a folder that `run_study`, `examine` or `interlocus study` wrote.

        Raises:
            RunFolderError: The folder holds no study, or a file in it is damaged.
        """
        store = Store(folder)
        study = store.study()
        return cls.of(store, study)

    @classmethod
    def of(cls, store: Store, study: Study) -> Run:
        """The run of a study in an opened folder, complete or not.

        Args:
            store: The opened run folder.
            study: The study in it, `store.study()`.

        Raises:
            RunFolderError: A record is damaged.
        """
        table = rows(study, store.records.all().values())
        return cls(store=store, study=study, table=table, lines=summarise(study, table))

    @cached_property
    def records(self) -> Sequence[Record]:
        """One record for each finished trial."""
        return self.measurements.records

    @cached_property
    def measurements(self) -> Measurements:
        """Records, controls and results in planted networks: everything that verdicts are made from."""
        return self.store.measurements

    @cached_property
    def controls(self) -> Mapping[tuple[str, str], ControlRecord]:
        """The control records, by the names of network and site."""
        return self.measurements.controls

    @cached_property
    def projections(self) -> Sequence[Projection]:
        """States projected into the subspaces of variables, in the order of groups and sites."""
        projections = self.store.projections.all()
        names = [f"{group.name}.{site}" for group in self.study.networks for site in self.study.sites]
        return tuple(projection for name in names if name in projections for projection in projections[name].variables)

    @property
    def scores(self) -> Sequence[Row]:
        """The same as `table`: one row for each network, site, hypothesis, featurizer, schedule and size."""
        return self.table

    def display(self) -> Display:
        """The lines as a table, with the two answers below."""
        missing = len(self.missing)
        return Display(
            title=f"{self.study.title or self.study.name} ({self.store.folder})",
            columns=(
                "group",
                "site",
                "hypothesis",
                "featurizer",
                "networks",
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
                    str(line.networks),
                    _interval_text(line.best.iia),
                    str(line.best.size),
                    format_fraction(line.no_effect),
                    "–" if line.one_directional is None else format_fraction(line.one_directional),
                    format_fraction(line.best.worst_transition),
                )
                for line in self.lines
            ],
            notes=[
                *(self.answer.to_json().values() if self.answer else ()),
                *([f"Missing trials: {missing}."] if missing else ()),
            ],
        )

    def to_rows(self, what: Literal["scores", "verdicts", "reuse"] = "scores") -> list[dict[str, object]]:
        """Plain values: one mapping for each row of a table.

        Args:
            what: Which table. `scores`: the rows of `scores.csv`. `verdicts`: one row for each network, site and
                variable, as in `verdict.json`. `reuse`: one row for each network, way, number of labels and draw.
        """
        if what == "scores":
            return [dict(row.to_cells()) for row in self.table]
        if what == "reuse":
            return [dict(row) for row in reuse_rows(self.study, self.store.reuse.all())]
        return [
            {
                "network": verdict.network,
                "group": verdict.group,
                "accuracy": verdict.accuracy,
                "answer": verdict.answer,
                **{name: value for name, value in row.items() if name not in _NESTED_VERDICT_KEYS},
            }
            for verdict in self.verdicts
            for row in (site_verdict.to_json() for site in verdict.sites for site_verdict in site)
        ]

    def to_pandas(self, what: Literal["scores", "verdicts", "reuse"] = "scores") -> pd.DataFrame:
        """The rows of `to_rows` as a data frame.

        Args:
            what: Which table, as in `to_rows`.

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
    def group_sentences(self) -> dict[str, str]:
        """For each network group the scores of the study's hypothesis in a few sentences."""
        return group_sentences(self.study, self.table, self.lines)

    @cached_property
    def verdicts(self) -> Sequence[NetworkVerdict]:
        """The verdict on every network that was searched."""
        return collect_verdicts(self.study, self.measurements)

    @cached_property
    def indices(self) -> Sequence[GroupIndices]:
        """Hierarchy index and stage gap of each group whose used subspaces were measured."""
        return indices_of(self.study, self.measurements, self.verdicts)

    @cached_property
    def answer(self) -> StudyAnswers | None:
        """Are the variables computed before the output, and was the best alignment easy to find? `None` at first."""
        return study_answers(self.study, self.verdicts, self.records)

    @cached_property
    def methods(self) -> Sequence[MethodScore]:
        """Every featurizer at every site, over all trained networks, with its time and its score in untrained ones."""
        return compare_methods(self.study, self.table, self.records)

    @property
    def reuse(self) -> Sequence[ReuseCurve]:
        """Accuracy on the study's new question by number of labels; empty where the study asks none."""
        return reuse_curves(self.study, self.store.reuse.all())

    @property
    def missing(self) -> list[str]:
        """Trials of the study without a record."""
        return [trial.name for job in jobs(self.study) for trial in job.trials if trial.name not in self.store.records]

    @property
    def incomplete(self) -> list[str]:
        """Networks whose files the folder does not hold, and controls that were not measured, as phrases."""
        study, task = self.study, self.study.task.build()
        phrases = []
        for group in study.networks:
            gone = [name for name in group.networks if not self.store.network_path(name).is_file()]
            if gone:
                phrases.append(f"the networks {', '.join(gone)}")
            for site in study.sites:
                if group.trained and study.controls and site != INPUT_SITE and site in group.sites(task):
                    unmeasured = [name for name in group.networks if (name, site) not in self.controls]
                    if unmeasured:
                        phrases.append(f"controls at {site} of {', '.join(unmeasured)}")
        return phrases


def run_study(
    study: Study,
    folder: str | Path,
    *,
    executor: AbstractExecutor | None = None,
    device: str = "cpu",
    on_progress: OnStageProgress = lambda progress: None,
    on_validation: OnValidation | None = None,
) -> Run:
    """Compute what a run folder does not hold yet, and return the run.

    Args:
        study: The study to run.
        folder: Path of the run folder, made if it does not exist. The same call resumes a run that was stopped.
        executor: Where jobs run; by default in this process. It is closed at the end.
        device: Where searches run, `"cpu"` or `"cuda"`.
        on_progress: Called with the phase and the share of it that is done.
        on_validation: Called with every validation of the searches. It changes no number. With several processes it is
            copied to each of them.

    Raises:
        RunFolderError: The folder holds another study, or cannot be written.
    """
    executor = executor or Local()
    if study.code:  # the task is the user's own and may contradict itself
        searched = dict.fromkeys(name for search in study.searches for name in search.hypotheses)
        check_task(study.task.build(), hypotheses=tuple(searched), seed=study.seed)
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
    verdicts = verdicts_to_json(study, run.verdicts, run.answer) | {
        "indices": [group.to_json() for group in run.indices]
    }
    store.renew(store.verdict, (json.dumps(verdicts, indent=1) + "\n").encode())
    pipeline.seconds["reading the results"] = time.perf_counter() - begun
    on_progress(StageProgress("reading the results", 1.0))
    return run


def _interval_text(interval: Interval) -> str:
    low, high = format_fraction(interval.low), format_fraction(interval.high)
    return f"{format_fraction(interval.value)} [{low}, {high}]"
