"""Executors: outcomes with a value or an error, in this process and in others."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from interlocus.core.errors import InterlocusError, SpecificationError
from interlocus.studies.executors import JobOutcome, Local, WorkItem


def double(number: int, on_progress: Callable[[float], None]) -> int:
    on_progress(0.5)
    if number == 0:
        raise SpecificationError("It is zero.", "That is not allowed.", "Use one.")
    if number < 0:
        raise ValueError("negative")
    return 2 * number


def end_the_process(on_progress: Callable[[float], None]) -> None:
    os._exit(1)


def outcomes(executor: Local, numbers: list[int], on_progress=lambda index, share: None) -> list[JobOutcome]:
    items = [WorkItem(function=double, arguments=(number,), cost=float(number)) for number in numbers]
    try:
        return list(executor.run(items, on_progress))
    finally:
        executor.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_an_item_has_a_value_or_an_error_and_the_others_go_on(workers):
    shares = []
    by_index = {
        outcome.index: outcome
        for outcome in outcomes(Local(workers=workers), [3, 0, -1, 5], lambda *share: shares.append(share))
    }
    assert (by_index[0].value, by_index[0].error) == (6, None)
    assert (by_index[3].value, by_index[3].error) == (10, None)
    assert by_index[1].value is None
    assert isinstance(by_index[1].error, SpecificationError)
    assert by_index[1].error.found == "It is zero."
    assert type(by_index[2].error) is InterlocusError
    assert "ValueError: negative" in str(by_index[2].error)
    assert set(shares) == {(index, 0.5) for index in range(4)}


def test_items_with_a_high_cost_start_first():
    assert [outcome.index for outcome in outcomes(Local(), [1, 3, 2])] == [1, 2, 0]


def test_a_worker_that_is_stopped_is_an_error_of_its_items():
    executor = Local(workers=2)
    items = [WorkItem(function=end_the_process, arguments=(), cost=1.0)]
    try:
        (outcome,) = executor.run(items, lambda index, share: None)
    finally:
        executor.close()
    assert outcome.error is not None
    assert "stopped from outside" in str(outcome.error)


def test_no_workers_are_refused(fails):
    with fails(SpecificationError, "workers is 0", "1 worker or more"):
        Local(workers=0)
