"""What an executor is."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Report = Callable[[int, float], None]
"""Is told which task has done what share of its work."""


@dataclass(frozen=True, kw_only=True)
class WorkItem:
    """A piece of work that can be done in another process.

    Args:
        function: importable by name; called with the arguments and a function that takes the share that is done.
        arguments: plain values.
        cost: a rough measure of its size; large ones are begun first.
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    cost: float


@dataclass(frozen=True, kw_only=True)
class JobOutcome:
    """A task that has ended.

    Args:
        index: which task.
        result: what it returned, or the exception it raised.
    """

    index: int
    result: Any


class AbstractExecutor(abc.ABC):
    """Does tasks, and yields each as it ends."""

    @abc.abstractmethod
    def close(self) -> None:
        """Let go of whatever was held for further tasks; what still runs is ended."""

    @abc.abstractmethod
    def run(self, tasks: Sequence[WorkItem], report: Report) -> Iterator[JobOutcome]:
        """Do all tasks; an exception of one is handed on as its result, and the others go on."""
