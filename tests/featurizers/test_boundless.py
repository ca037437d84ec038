"""Limits of the featurizer `boundless`."""

from __future__ import annotations

import torch

from interlocus.core.errors import SpecificationError
from interlocus.featurizers import Boundless


def test_more_features_than_a_block_has_rows_are_an_error(fails):
    directions = torch.zeros(1, 2, 6, 8)
    directions[0, 0], directions[0, 1, :2] = torch.eye(8)[:6], torch.eye(8)[6:]
    with fails(SpecificationError, "boundless", "6", "8"):
        Boundless().initialize(directions, [])
