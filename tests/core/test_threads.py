"""Laws of running torch on one thread."""

from __future__ import annotations

import pytest
import torch

from interlocus.core.threads import one_thread


def denormal() -> float:
    """A denormal number, or zero where torch rounds such numbers to zero."""
    return float(torch.full((1,), 1e-40) * 1.0)


@pytest.fixture(params=[False, True])
def flushes(request):
    """Whether the caller has torch round denormal numbers to zero."""
    torch.set_flush_denormal(request.param)
    yield request.param
    torch.set_flush_denormal(False)


def fail_inside() -> None:
    with one_thread():
        assert torch.get_num_threads() == 1
        assert denormal() == 0.0
        raise KeyError


def test_the_settings_of_torch_are_restored_even_after_an_error(flushes):
    threads = torch.get_num_threads()
    with pytest.raises(KeyError):
        fail_inside()
    assert torch.get_num_threads() == threads
    assert (denormal() == 0.0) == flushes


def test_denormal_numbers_are_not_rounded_outside():
    assert denormal() > 0.0
