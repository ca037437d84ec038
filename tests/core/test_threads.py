"""One thread, and numbers too small for full precision, for as long as it lasts."""

from __future__ import annotations

import pytest
import torch

from interlocus.core.threads import one_thread


def small() -> float:
    """A number that a processor takes long over, unless it is told to let it be zero."""
    return float(torch.full((1,), 1e-40) * 1.0)


@pytest.fixture(params=[False, True])
def flushes(request):
    """What the caller had set."""
    torch.set_flush_denormal(request.param)
    yield request.param
    torch.set_flush_denormal(False)


def fail_inside() -> None:
    with one_thread():
        assert torch.get_num_threads() == 1
        assert small() == 0.0
        raise KeyError


def test_torch_is_as_before_afterwards(flushes):
    threads = torch.get_num_threads()
    with pytest.raises(KeyError):
        fail_inside()
    assert torch.get_num_threads() == threads
    assert (small() == 0.0) == flushes


def test_small_numbers_are_kept_outside():
    assert small() > 0.0
