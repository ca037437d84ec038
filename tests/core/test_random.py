"""Laws of streams of randomness."""

from __future__ import annotations

import itertools

import pytest
import torch

from interlocus.core.random import derived_generator


def numbers(*key: object) -> torch.Tensor:
    return torch.randn(10_000, generator=derived_generator(*key))


def test_equal_seed_and_names_give_equal_streams():
    assert torch.equal(numbers(3, "pool", "train"), numbers(3, "pool", "train"))


@pytest.mark.parametrize("seed", [0, -1, 2**63, 2**200])
def test_any_integer_is_a_seed(seed):
    assert torch.equal(numbers(seed), numbers(seed))


def test_streams_of_different_seeds_or_names_are_uncorrelated():
    keys = [
        (0,),
        (1,),
        (-1,),
        (0, "a"),
        (0, "b"),
        (0, "a", "b"),
        (0, "b", "a"),
        (0, "ab"),
        (1, "a"),
        (0, "a", ""),
        (0, ""),
    ]
    drawn = {key: numbers(*key) for key in keys}
    for first, second in itertools.combinations(keys, 2):
        # the correlation of n independent pairs has standard deviation 1 / √n; there are 55 pairs
        correlation = torch.corrcoef(torch.stack([drawn[first], drawn[second]]))[0, 1]
        assert abs(correlation) < 5 / 10_000**0.5, (first, second)


def test_the_global_generator_is_unchanged():
    before = torch.random.get_rng_state()
    numbers(0, "a")
    assert torch.equal(torch.random.get_rng_state(), before)
