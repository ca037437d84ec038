"""Read-outs: values from features whose truth is known."""

from __future__ import annotations

import math

import pytest
import torch

from interlocus.alignment.readout_fitting import fit_read_out
from interlocus.core.errors import AlignmentError
from interlocus.core.random import derived_generator

ROWS = 8000


def spread_apart(ratio: float, *, width: int = 2, rows: int = ROWS, seed: int = 0):
    """Values with the same mean and spreads one and `ratio`; and the accuracy that the best read-out has."""
    generator = derived_generator(seed, "features")
    values = torch.randint(2, (rows,), generator=generator)
    features = torch.randn(rows, width, generator=generator) * torch.where(values == 1, ratio, 1.0)[:, None]
    return 3.0 + 10.0 * features, values


def best_accuracy(ratio: float) -> float:
    """Of two round Gaussians in the plane: the radius where the densities cross decides."""
    cross = 2 * math.log(ratio) / (1 - ratio**-2)
    square = 2 * cross
    inside = 1 - math.exp(-square / 2)
    outside = math.exp(-square / 2 / ratio**2)
    return (inside + outside) / 2


def test_values_with_equal_means_are_told_apart():
    read_out = fit_read_out(*spread_apart(6.0))
    features, values = spread_apart(6.0, seed=1)
    reading = read_out.read(features)
    accuracy = float((reading.value == values).float().mean())
    error = (best_accuracy(6.0) * (1 - best_accuracy(6.0)) / ROWS) ** 0.5
    # how well it does on other rows, each known to an error, of a third of the rows to √3 of it
    assert accuracy == pytest.approx(best_accuracy(6.0), abs=5 * error)
    assert read_out.accuracy == pytest.approx(accuracy, abs=5 * error * (1 + 3) ** 0.5)


@pytest.mark.parametrize("ratio", [1.5, 6.0])
def test_a_probability_is_the_share_of_right_values(ratio):
    read_out = fit_read_out(*spread_apart(ratio))
    features, values = spread_apart(ratio, rows=40_000, seed=2)
    reading = read_out.read(features)
    right = (reading.value == values).float()
    for low in (0.5, 0.6, 0.7, 0.8, 0.9):
        here = (reading.probability >= low) & (reading.probability < low + 0.1)
        if int(here.sum()) > 1000:
            said = float(reading.probability[here].mean())
            # five errors of the count, and what a fit to 8,000 rows is off by
            error = 5 * (said * (1 - said) / int(here.sum())) ** 0.5 + 0.02
            assert float(right[here].mean()) == pytest.approx(said, abs=error)


def test_what_no_gaussian_fits_goes_to_the_classifier():
    """Corners: an exclusive or of two signs, with a heavy tail that spoils covariances."""
    generator = derived_generator(0, "corners")
    signs = torch.randint(2, (ROWS, 2), generator=generator) * 2 - 1
    features = signs * torch.rand(ROWS, 2, generator=generator).sub(0.99).abs().reciprocal().clamp_max(30)
    values = (signs.prod(1) > 0).long() * 5
    read_out = fit_read_out(features, values)
    assert set(read_out.values.tolist()) == {0, 5}
    assert read_out.accuracy > 0.98


def test_the_scale_of_features_does_not_matter():
    features, values = spread_apart(3.0)
    turn = torch.tensor([[2.0, 1.0], [0.0, 0.01]])
    plain, turned = fit_read_out(features, values), fit_read_out(features @ turn, values)
    same = (plain.read(features).value == turned.read(features @ turn).value).float().mean()
    assert float(same) > 0.99


def test_more_than_two_values():
    generator = derived_generator(0, "three")
    values = torch.randint(3, (ROWS,), generator=generator)
    features = torch.randn(ROWS, 3, generator=generator) + 6 * torch.nn.functional.one_hot(values, 3)
    read_out = fit_read_out(features, values + 1)
    assert read_out.values.tolist() == [1, 2, 3]
    assert read_out.accuracy > 0.99


def test_a_feature_without_variance_does_no_harm():
    features, values = spread_apart(6.0)
    read_out = fit_read_out(torch.cat([features, torch.zeros(ROWS, 1)], 1), values)
    assert read_out.accuracy > best_accuracy(6.0) - 0.02


@pytest.mark.parametrize("values", [torch.zeros(100, dtype=torch.long), (torch.arange(100) == 0).long()])
def test_a_value_that_hardly_occurs_is_said(values, fails):
    with fails(AlignmentError, "read-out"):
        fit_read_out(torch.randn(100, 2), values)
