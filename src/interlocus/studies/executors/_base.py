"""The interface of an executor."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from interlocus.core.errors import InterlocusError

OnItemProgress = Callable[[int, float], None]
"""Called with the index of a work item and the share of it that is done, from 0 to 1."""


@dataclass(frozen=True, kw_only=True)
class WorkItem:
    """A piece of work that can be done in another process.

    Args:
        function: A function that can be imported by name. It is called with the arguments and, last, a function
            `on_progress(share)`. What it returns goes back to the driver; it must be possible to pickle it.
        arguments: Arguments that can be pickled.
        cost: A rough measure of its run time, in any unit. Items with a high cost start first.
    """

    function: Callable[..., object]
    arguments: tuple[object, ...]
    cost: float


@dataclass(frozen=True, kw_only=True)
class JobOutcome:
    """What became of a work item.

    Args:
        index: Index of the work item.
        value: What its function returned; `None` if it failed.
        error: Why it failed; `None` if it did not.
    """

    index: int
    value: object = None
    error: InterlocusError | None = None


class AbstractExecutor(abc.ABC):
    """Does work items, and yields the outcome of each when it ends."""

    @abc.abstractmethod
    def run(self, items: Sequence[WorkItem], on_progress: OnItemProgress) -> Iterator[JobOutcome]:
        """Do all items. An item that fails has an error as its outcome, and the others go on.

        Args:
            items: The work items; outcomes come in the order in which they end.
            on_progress: Called, in the process of the driver, whenever an item reports progress.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Release what was held for further items, and stop those that still run."""
