"""Laws of Adam, of subspaces and of buffers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from interlocus.core.linalg import ADAM_DECAY, ADAM_EPSILON, Adam, BufferPool, orthonormal_basis, subspace_overlap
from interlocus.core.random import derived_generator


def test_adam_follows_the_formula_of_the_paper():
    generator = derived_generator(0, "adam")
    parameters = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    expected, mean, square = parameters.clone(), torch.zeros(3, 4), torch.zeros(3, 4)
    adam = Adam.begin(parameters)
    for count in range(1, 20):
        gradient = torch.randn(3, 4, generator=generator, dtype=torch.float64)
        mean = ADAM_DECAY[0] * mean + (1 - ADAM_DECAY[0]) * gradient
        square = ADAM_DECAY[1] * square + (1 - ADAM_DECAY[1]) * gradient**2
        unbiased = mean / (1 - ADAM_DECAY[0] ** count), square / (1 - ADAM_DECAY[1] ** count)
        expected -= 0.01 * unbiased[0] / (unbiased[1].sqrt() + ADAM_EPSILON)
        adam.step(parameters, gradient, 0.01)
    assert adam.count == 19
    assert torch.allclose(parameters, expected, atol=1e-12)


def columns(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def test_a_basis_is_orthonormal_and_spans_the_columns():
    given = columns(8, 3)
    basis = orthonormal_basis(given)
    assert np.allclose(basis.T @ basis, np.eye(3))
    assert np.allclose(basis @ basis.T @ given, given)


def test_dependent_and_short_directions_are_left_out():
    given = columns(8, 2)
    assert orthonormal_basis(np.hstack([given, given @ columns(2, 3)])).shape == (8, 2)
    assert orthonormal_basis(np.diag([1.0, 0.1, 0.01]), 0.05).shape == (3, 2)


@pytest.mark.parametrize("sizes", [(2, 2), (2, 5), (5, 2)])
def test_a_subspace_overlaps_fully_with_one_that_contains_it_and_not_at_all_with_an_orthogonal_one(sizes):
    space = orthonormal_basis(columns(12, 12))
    first, second = (space[:, :size] for size in sizes)
    assert subspace_overlap(first, second) == pytest.approx(1)
    assert subspace_overlap(first, space[:, -second.shape[1] :]) == pytest.approx(0)


def test_random_subspaces_overlap_by_the_larger_size_over_the_width():
    width, sizes, count = 10, (2, 4), 2000
    overlaps = [
        subspace_overlap(*(orthonormal_basis(columns(width, size, seed=10 * i + size)) for size in sizes))
        for i in range(count)
    ]
    # an overlap lies between 0 and 1, so its standard deviation is at most 1/2
    assert abs(np.mean(overlaps) - max(sizes) / width) < 5 * 0.5 / count**0.5


def test_a_buffer_is_reused_until_its_shape_changes():
    buffers = BufferPool(torch.zeros((), dtype=torch.float64))
    first = buffers("a", 2, 3)
    assert first.shape == (2, 3)
    assert first.dtype == torch.float64
    assert buffers("a", 2, 3) is first
    assert buffers("b", 2, 3) is not first
    assert buffers("a", 3, 3).shape == (3, 3)
    assert buffers("a", 2, 3) is not first
