"""Frames of linearly dependent directions."""

from __future__ import annotations

import torch

from interlocus.featurizers import Frame


def test_linearly_dependent_directions_give_nan():
    rows = torch.ones(1, 2, 5).double()
    frames, _ = Frame().forward(rows, torch.ones(1, 1, 2, 1).double())
    assert not torch.isfinite(frames.write).any()
