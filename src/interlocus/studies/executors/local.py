"""Processes of this machine, with one thread each."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.queues import SimpleQueue

from interlocus.core.errors import InterlocusError, SpecificationError
from interlocus.core.progress import OnProgress
from interlocus.core.threads import one_thread, use_one_thread
from interlocus.studies.executors._base import AbstractExecutor, JobOutcome, OnItemProgress, WorkItem

POLL_SECONDS = 0.2
"""Seconds between two looks at the queue on which workers report their progress."""
_progress_queue: SimpleQueue[tuple[int, float]] | None = None


class Local(AbstractExecutor):
    """Processes of this machine. Small matrix products gain nothing from threads, so each process has one thread.

    Args:
        workers: Number of processes, 1 or more. With 1 the work is done in this process. With more, a script must
            guard its own code by `if __name__ == "__main__"`.

    Raises:
        SpecificationError: The number of workers is below 1.
    """

    def __init__(self, *, workers: int = 1) -> None:
        if workers < 1:
            raise SpecificationError(
                f"The number of workers is {workers}.", "Without a worker no work is done.", "Use 1 worker or more."
            )
        self.workers = workers
        self._pool: ProcessPoolExecutor | None = None
        self._queue: SimpleQueue[tuple[int, float]] | None = None

    def close(self) -> None:
        if self._pool is not None:
            processes = list((self._pool._processes or {}).values())
            self._pool.shutdown(wait=False, cancel_futures=True)
            for process in processes:
                process.terminate()
            self._pool = None

    def run(self, items: Sequence[WorkItem], on_progress: OnItemProgress) -> Iterator[JobOutcome]:
        order = sorted(range(len(items)), key=lambda index: -items[index].cost)
        run = self._in_this_process if self.workers == 1 else self._in_workers
        return run(items, order, on_progress)

    def _in_this_process(
        self, items: Sequence[WorkItem], order: Sequence[int], on_progress: OnItemProgress
    ) -> Iterator[JobOutcome]:
        for index in order:
            with one_thread():
                outcome = _outcome(index, items[index], lambda share, index=index: on_progress(index, share))
            yield outcome

    def _in_workers(
        self, items: Sequence[WorkItem], order: Sequence[int], on_progress: OnItemProgress
    ) -> Iterator[JobOutcome]:
        pool, queue = self._start_workers()
        running = {pool.submit(_work, index, items[index]): index for index in order}
        while running:
            ended, _ = wait(running, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
            while not queue.empty():
                on_progress(*queue.get())
            for future in ended:
                yield _future_outcome(running.pop(future), future)

    def _start_workers(self) -> tuple[ProcessPoolExecutor, SimpleQueue[tuple[int, float]]]:
        """The worker processes, started once, and the queue on which they report progress."""
        if self._pool is None or self._queue is None:
            context = multiprocessing.get_context("spawn")
            self._queue = context.SimpleQueue()
            self._pool = ProcessPoolExecutor(
                self.workers, mp_context=context, initializer=_start_worker, initargs=(self._queue,)
            )
        return self._pool, self._queue


def _start_worker(queue: SimpleQueue[tuple[int, float]]) -> None:
    """Prepare a worker process."""
    global _progress_queue
    _progress_queue = queue
    use_one_thread()


def _work(index: int, item: WorkItem) -> JobOutcome:
    """Do a work item in a worker process."""
    assert _progress_queue is not None
    queue = _progress_queue
    return _outcome(index, item, lambda share: queue.put((index, share)))


def _outcome(index: int, item: WorkItem, on_progress: OnProgress) -> JobOutcome:
    """Do a work item; an exception becomes its error, so that the other items go on."""
    try:
        return JobOutcome(index=index, value=item.function(*item.arguments, on_progress))
    except InterlocusError as error:
        return JobOutcome(index=index, error=error)
    except Exception as error:  # noqa: BLE001 only the trials of a plug-in that raises fail, whatever it raises
        return JobOutcome(
            index=index,
            error=InterlocusError(
                f"{type(error).__name__}: {error}.",
                "This error was not expected, so its cause is a fault in the code that raised it.",
                "Please report it, with the study.",
            ),
        )


def _future_outcome(index: int, future: Future[JobOutcome]) -> JobOutcome:
    try:
        return future.result()
    except BrokenProcessPool:
        return JobOutcome(
            index=index,
            error=InterlocusError(
                "A worker process was stopped from outside.",
                "The usual reason is that memory ran out.",
                "Run the same command again with fewer workers; finished trials are kept.",
            ),
        )
