"""Runs with made-up scores, for tests of everything that shows a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from interlocus.alignment.metrics import Cell, Score
from interlocus.controls.record import ControlRecord
from interlocus.controls.used.search import OUTPUT
from interlocus.controls.used_subspace import UsedSubspaceResult
from interlocus.searches.results import Restart, Restarts
from interlocus.studies.plan import Trial, jobs
from interlocus.studies.records import Record
from interlocus.studies.run import Run
from interlocus.studies.spec.study import Study
from interlocus.studies.store import Store, control_name

STUDY = {
    "name": "small",
    "title": "Is it there?",
    "task": {"name": "hierarchical_equality", "item_width": 2},
    "networks": [
        {"name": "relu", "hidden": [8], "count": 2},
        {"name": "blank", "hidden": [8], "count": 2, "trained": False},
        {"name": "tanh", "hidden": [8], "count": 1, "activation": "tanh"},
    ],
    "sites": ["input", "layer1"],
    "searches": [
        {"hypotheses": ["both"], "sizes": [1, 2], "featurizers": ["rotation", "linear"]},
        {"hypotheses": ["left"], "sizes": [2], "featurizers": ["rotation"]},
    ],
    "starts": {"random": 1, "covariance": 1},
}


ONE_SIZE = [{"hypotheses": ["left"], "sizes": [2]}]


def _attempt(start: str, hits: int) -> Restart:
    kinds = [(kind, change) for kind in ("left", "right") for change in ("0→1", "1→0")]
    cells = tuple(Cell(kind=kind, change=change, hits=hits, count=500) for kind, change in kinds)
    values = {"restart": 0, "begin": 0.5, "validation": hits / 500, "last": hits / 500, "steps": 10}
    return Restart(start=start, **values, outcome="plateau", score=Score(cells=cells, answer_change_rate=0.5))


def _attempts(size: int, hits: int) -> Restarts:
    return Restarts(size=size, restarts=(_attempt("random", 0), _attempt("covariance", hits)), best_index=1)


def made_run(folder: Path, keep: Callable[[Trial], bool] = lambda trial: True, **changes: object) -> Run:
    """A run of `STUDY` with made-up scores, and a record for each trial that `keep` accepts; `changes` replace keys."""
    study, store = Study.model_validate(STUDY | changes), Store(folder)
    store.begin(study)
    trials = [(trial, job.sizes) for job in jobs(study) for trial in job.trials]
    for index, (trial, sizes) in enumerate(trials):
        if keep(trial):
            found = tuple(_attempts(size, (37 * index + 110 * size) % 501) for size in sizes)
            record = Record(trial=trial, study=study.fingerprint, accuracy=1.0, seconds=1.0, sizes=found)
            store.records.add(trial.name, record)
    return Run.load(folder)


def with_controls(run: Run, **more: object) -> Run:
    """The same run with made-up controls of its first network at layer 1.

    Args:
        run: A run of `STUDY`.
        more: Results of further controls, by the names of the controls.
    """
    restarts = {"both": {"rotation": (_attempts(1, 450),)}, OUTPUT: {"rotation": (_attempts(1, 250),)}}
    used = UsedSubspaceResult(rank=2, width=8, agreement=1.0, agreement_at_mean=1.0, found=restarts)
    results = {"used_subspace": used, "random_directions": {1: 0.5}, "operand_leakage": {}}
    control = ControlRecord(network="relu-00", group="relu", site="layer1", results=results | more)
    run.store.controls.add(control_name("relu-00", "layer1"), control)
    return Run.load(run.store.folder)
