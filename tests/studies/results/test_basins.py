"""How wide a basin is, and starts beside a known one."""

from __future__ import annotations

import math

import pytest
import torch

from interlocus.core.random import derived_generator
from interlocus.searches.starts import Covariance, Perturbed, StartContext, find_start
from interlocus.studies.results.basins import Basin, radius
from interlocus.studies.results.summary import SolveRate

GENERATOR = derived_generator(0, "basin")
SIGHT = StartContext(
    activations=torch.randn(2000, 12, generator=GENERATOR), values=torch.randint(2, (1, 2000), generator=GENERATOR)
)


def test_the_radius_lies_between_the_noises_where_one_half_is_passed():
    assert radius({0.1: 0.9, 0.2: 0.5, 0.3: 0.3}) == pytest.approx(0.2)
    assert radius({0.0: 1.0, 0.1: 0.6, 0.3: 0.2}) == pytest.approx(0.15)
    assert radius({0.1: 0.4, 0.2: 0.1}) is None


@pytest.mark.parametrize(("hits", "text"), [((8, 7), "more than 0.2"), ((3, 1), "less than 0.1"), ((8, 0), "0.150")])
def test_a_radius_beyond_what_was_tried_is_said(hits, text):
    shares = {noise: SolveRate.of(count, 8) for noise, count in zip((0.1, 0.2), hits, strict=True)}
    assert Basin(group="x", site="input", schedule="", start="covariance", shares=shares).text == text


def test_little_noise_leaves_the_directions_and_much_leaves_nothing_of_them():
    """At noise σ a direction keeps 1 / √(1 + (d − 1)σ²) or so; with much it agrees no more than by chance, k / d."""
    known = Covariance().directions(SIGHT, (3,), derived_generator(1))[0]

    def agreement(noise: float) -> float:
        near = Perturbed(Covariance(), noise=noise)
        found = [near.directions(SIGHT, (3,), derived_generator(i, "near"))[0] for i in range(60)]
        assert all(torch.allclose(one @ one.T, torch.eye(3), atol=1e-5) for one in found)
        return float(torch.stack([(one @ known.T).square().sum() / 3 for one in found]).mean())

    assert agreement(1e-4) > 0.9999
    assert agreement(0.1) > agreement(0.3) > agreement(100.0)
    # the share that random subspaces have in common has the deviation √(2 (d − k)² / (d² (d − 1)(d + 2)))
    deviation = math.sqrt(2 * (12 - 3) ** 2 / (12**2 * 11 * 14))
    assert abs(agreement(100.0) - 3 / 12) < 5 * deviation / math.sqrt(60)


def test_a_start_with_noise_is_found_by_its_name():
    start = find_start("covariance+0.30")
    assert (start.name, type(start)) == ("covariance+0.3", Perturbed)
    assert type(find_start("covariance")) is Covariance
