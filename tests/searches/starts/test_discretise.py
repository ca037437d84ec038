"""Laws of codes."""

from __future__ import annotations

import torch

from interlocus.core.random import derived_generator
from interlocus.searches.starts import discretise
from interlocus.searches.starts._base import DISCRETE_CODES


def test_a_discrete_variable_is_its_own_code():
    values = torch.tensor([3, -1, 3])
    assert torch.equal(discretise(values), values)


def test_a_frequent_value_is_a_code_by_itself_and_neighbours_share_one():
    values = torch.randn(6000, 3, generator=derived_generator(0))
    often = torch.rand(6000, generator=derived_generator(1)) < 0.4
    values[often] = 0
    codes = discretise(values)
    assert len(codes[often].unique()) == 1
    assert codes[often][0] not in codes[~often]
    assert len(codes.unique()) == DISCRETE_CODES + 1
    inside = torch.stack([values[codes == code].var(0).sum() for code in codes[~often].unique()])
    assert (inside < values[~often].var(0).sum()).all()


def test_a_number_is_coded_as_a_vector_of_one():
    values = torch.randn(1000, generator=derived_generator(0))
    assert torch.equal(discretise(values), discretise(values[:, None]))
    assert (discretise(values[:, None]).unique().tolist()) == list(range(DISCRETE_CODES))


def test_fewer_values_than_codes_will_do():
    values = torch.tensor([0.5, 0.25, 0.5, 0.75] * 20)
    codes = discretise(values)
    for one in values.unique():
        assert len(codes[values == one].unique()) == 1
    assert len(codes.unique()) == 3
    assert len(discretise(torch.ones(50, 2)).unique()) == 1
