"""The stages of a study: workers get values and return values, and the driver alone uses the run folder."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tiny import TINY

from interlocus.core.errors import InterlocusError, NetworkError, RunFolderError
from interlocus.studies.executors import AbstractExecutor, Local, WorkItem
from interlocus.studies.executors._base import JobOutcome, OnItemProgress
from interlocus.studies.pipeline import Pipeline
from interlocus.studies.run import run_study
from interlocus.studies.spec.study import Study
from interlocus.studies.store import Store

STUDY = Study.parse(TINY, "tiny")


class RemoteExecutor(AbstractExecutor):
    """Does items one after another as another machine would: everything is pickled, and the run folder is not there.

    Args:
        folder: The run folder, which is moved away while an item is done.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.functions = folder, list[str]()

    def close(self) -> None:
        pass

    def run(self, items: Sequence[WorkItem], on_progress: OnItemProgress) -> Iterator[JobOutcome]:
        away = self.folder.with_name("away")
        for index, item in enumerate(items):
            sent = pickle.dumps((item.function, item.arguments))
            self.folder.rename(away)
            try:
                function, arguments = pickle.loads(sent)
                value = pickle.dumps(function(*arguments, lambda share, index=index: on_progress(index, share)))
            finally:
                away.rename(self.folder)
            self.functions.append(item.function.__name__)
            yield JobOutcome(index=index, value=pickle.loads(value))


class FailingExecutor(AbstractExecutor):
    """Fails the items of one function, and does the others in this process."""

    def __init__(self, function: str, error: InterlocusError) -> None:
        self.function, self.error = function, error

    def close(self) -> None:
        pass

    def run(self, items: Sequence[WorkItem], on_progress: OnItemProgress) -> Iterator[JobOutcome]:
        for index, item in enumerate(items):
            if item.function.__name__ == self.function:
                yield JobOutcome(index=index, error=self.error)
            else:
                yield JobOutcome(index=index, value=item.function(*item.arguments, lambda share: None))


ERROR = NetworkError("The network is broken.", "It cannot be searched so.", "Repair it and try again.")


@pytest.mark.parametrize(("study", "expected"), [("tiny", "tiny_run"), ("controlled", "controlled_run")])
def test_workers_without_the_run_folder_give_the_same_bytes(study, expected, tmp_path, request):
    one_worker = request.getfixturevalue(expected)
    executor = RemoteExecutor(tmp_path / "run")
    run = run_study(one_worker.study, tmp_path / "run", executor=executor)
    assert run.store.scores.read_bytes() == one_worker.store.scores.read_bytes()
    assert run.store.verdict.read_bytes() == one_worker.store.verdict.read_bytes()
    assert run.measurements.controls == one_worker.measurements.controls
    assert run.projections == one_worker.projections
    assert run.reuse == one_worker.reuse
    functions = {"train_networks", "search_job", "projection_job"}
    assert set(executor.functions) == functions | ({"control_job", "reuse_job"} if study == "controlled" else set())


def test_a_stage_without_missing_work_asks_the_executor_for_nothing(tiny_run, tmp_path):
    executor = RemoteExecutor(tiny_run.store.folder)
    run_study(tiny_run.study, tiny_run.store.folder, executor=executor)
    assert not executor.functions


def test_progress_of_each_stage_rises_from_zero_to_one(controlled):
    phases = dict.fromkeys(progress.phase for progress in controlled.progress)
    assert list(phases) == [
        "training networks",
        "searching",
        "measuring controls",
        "projecting states",
        "asking the new question",
        "reading the results",
    ]
    for phase in phases:
        shares = [progress.share for progress in controlled.progress if progress.phase == phase]
        assert shares[0] == 0.0
        assert shares[-1] == pytest.approx(1.0)
        assert all(0 <= share <= 1 + 1e-9 for share in shares)
        assert shares == sorted(shares)


def test_a_job_that_fails_is_listed_and_the_others_go_on(tiny_folder, tiny_run):
    lost = sorted((tiny_folder / "records").glob("*.json"))
    for path in lost:
        path.unlink()
    run = run_study(tiny_run.study, tiny_folder, executor=FailingExecutor("search_job", ERROR))
    assert {failure.error for failure in run.failures} == {ERROR}
    failed = [name for failure in run.failures for name in failure.trials]
    assert sorted(failed) == sorted(path.stem for path in lost) == sorted(run.missing)


def test_of_a_run_folder_that_cannot_be_written_nothing_else_is_tried(tiny_folder, tiny_run):
    for path in (tiny_folder / "records").glob("*.json"):
        path.unlink()
    error = RunFolderError("The folder is full.", "Results are kept there.", "Make room there.")
    with pytest.raises(RunFolderError, match="The folder is full"):
        run_study(tiny_run.study, tiny_folder, executor=FailingExecutor("search_job", error))


def test_stages_stand_in_the_order_in_which_they_need_each_other(tmp_path):
    pipeline = Pipeline(
        study=STUDY, store=Store(tmp_path), executor=Local(), device="cpu", on_progress=lambda progress: None
    )
    phases = list(dict.fromkeys(stage.phase for stage in pipeline.stages))
    assert phases.index("training networks") < phases.index("searching") < phases.index("measuring controls")
    assert phases.index("measuring controls") < phases.index("searching planted networks")
    assert phases.index("searching") < phases.index("projecting states")
