"""Processes of this machine, one thread each."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.queues import SimpleQueue
from typing import Any

from interlocus.core.errors import InterlocusError, SpecificationError
from interlocus.core.threads import one_thread, use_one_thread
from interlocus.studies.executors._base import AbstractExecutor, JobOutcome, Report, WorkItem

POLL_SECONDS = 0.2
_progress: SimpleQueue | None = None


class Local(AbstractExecutor):
    """Processes of this machine. Small products gain nothing from threads, so each process has one.

    Args:
        workers: how many processes; with one, tasks are done in this process.

    Raises:
        SpecificationError: no worker is asked for.
    """

    def __init__(self, *, workers: int = 1) -> None:
        if workers < 1:
            raise SpecificationError(
                f"{workers} workers are asked for.", "Somebody has to do the work.", "Ask for one or more."
            )
        self.workers = workers
        self._pool: ProcessPoolExecutor | None = None
        self._progress: SimpleQueue | None = None

    def close(self) -> None:
        if self._pool is not None:
            processes = list((self._pool._processes or {}).values())
            self._pool.shutdown(wait=False, cancel_futures=True)
            for process in processes:
                process.terminate()
            self._pool = None

    def run(self, tasks: Sequence[WorkItem], report: Report) -> Iterator[JobOutcome]:
        order = sorted(range(len(tasks)), key=lambda index: -tasks[index].cost)
        return (self._here if self.workers == 1 else self._elsewhere)(tasks, order, report)

    def _here(self, tasks: Sequence[WorkItem], order: Sequence[int], report: Report) -> Iterator[JobOutcome]:
        for index in order:
            with one_thread():
                result = _attempt(tasks[index], lambda share, index=index: report(index, share))
            yield JobOutcome(index=index, result=result)

    def _elsewhere(self, tasks: Sequence[WorkItem], order: Sequence[int], report: Report) -> Iterator[JobOutcome]:
        pool, progress = self._processes()
        running = {pool.submit(_work, index, tasks[index]): index for index in order}
        while running:
            ended, _ = wait(running, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
            while not progress.empty():
                report(*progress.get())
            for future in ended:
                yield JobOutcome(index=running.pop(future), result=_result(future))

    def _processes(self) -> tuple[ProcessPoolExecutor, SimpleQueue]:
        """The worker processes, begun once, and the queue on which they report."""
        if self._pool is None or self._progress is None:
            context = multiprocessing.get_context("spawn")
            self._progress = context.SimpleQueue()
            self._pool = ProcessPoolExecutor(
                self.workers, mp_context=context, initializer=_begin, initargs=(self._progress,)
            )
        return self._pool, self._progress


def _begin(progress: SimpleQueue) -> None:
    """Set a worker process up."""
    global _progress
    _progress = progress
    use_one_thread()


def _work(index: int, task: WorkItem) -> Any:
    assert _progress is not None
    queue = _progress
    return _attempt(task, lambda share: queue.put((index, share)))


def _attempt(task: WorkItem, report: Callable[[float], None]) -> Any:
    """The result of a task; a failure is a result too, so that the others go on."""
    try:
        return task.function(*task.arguments, report)
    except InterlocusError as error:
        return error
    except Exception as error:  # noqa: BLE001 whatever a foreign plug-in raises, it is its own trials that fail
        return InterlocusError(
            f"{type(error).__name__}: {error}.", "Nothing here expected that.", "Please report it, with the study."
        )


def _result(future: Future[Any]) -> Any:
    try:
        return future.result()
    except BrokenProcessPool:
        return InterlocusError(
            "A worker process was ended from outside.",
            "Perhaps memory ran out.",
            "Run the same command again, with fewer workers; what is finished is kept.",
        )
