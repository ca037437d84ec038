"""The featurizer `mask` finds the neurons of a network whose weights are set by hand."""

from __future__ import annotations

from featurizer_searches import search
from networks_by_hand import hand_wired

from interlocus.featurizers import Mask


def test_a_mask_finds_neurons():
    """In the hand-wired layer the first eight neurons hold `left`, the others `right`."""
    result = search(hand_wired(), Mask(penalty=0.001), site="layer1", hypothesis="both", sizes=(4,), steps=500)
    read = result.best(network=0, size=4).frames.read
    chosen = (read != 0).any(1)
    assert set(read.unique().tolist()) == {0.0, 1.0}
    assert not (chosen[0] & chosen[1]).any()
    assert not chosen[0, 8:].any()
    assert not chosen[1, :8].any()
