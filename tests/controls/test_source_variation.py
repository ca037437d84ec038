"""Whether the answer depends on which source of equal value was taken."""

from __future__ import annotations

from dataclasses import replace

import pytest
from networks_by_hand import hand_wired, known_subspace

from interlocus.alignment.alignment import Alignment
from interlocus.controls.ground_truth.hand_wired import output_only
from interlocus.controls.operand_leakage import LEAKAGE_EXAMPLES, source_variation
from interlocus.core.errors import AlignmentError, UnknownNameError
from interlocus.featurizers import Frames
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality()
ERROR = 0.5 / LEAKAGE_EXAMPLES**0.5


def of(network, frames, *, site, hypothesis):
    return Alignment(
        site=site, hypothesis=hypothesis, variables=TASK.hypothesis(hypothesis).variables, featurizer="rotation",
        network=network.fingerprint(), task=TASK.name, frames=Frames(read=frames, write=frames),
    )  # fmt: skip


def test_operands_that_ride_along_need_not_matter():
    """The neurons of a pair hold a − b whole, and the rest of the network asks only whether it is zero."""
    network = hand_wired()
    found = source_variation(
        of(network, known_subspace(), site="layer1", hypothesis="both"), "left", network, TASK, pairs=2000
    )
    assert found.share < 0.01
    assert set(found.of_value) == {0, 1}


def test_features_that_hold_the_answer_vary_at_equal_left():
    """Of two sources with equal `left` one half have another answer, which the direction brings along."""
    decoys = output_only(TASK, site="layer2", count=1)
    (network, alignment) = decoys.networks[0], decoys.alignments[0]
    wrong = replace(alignment, hypothesis="left", variables=("left",))
    found = source_variation(wrong, "left", network, TASK)
    assert found.share == pytest.approx(0.5, abs=5 * ERROR)
    assert found.of_value[0] == pytest.approx(0.5, abs=6 * ERROR)
    assert source_variation(alignment, "output", network, TASK).share < 0.01


def test_what_cannot_be_asked_is_said(fails):
    network = hand_wired()
    alignment = of(network, known_subspace(), site="layer1", hypothesis="both")
    with fails(UnknownNameError, "'left'"):
        source_variation(alignment, "letf", network, TASK)
    with fails(UnknownNameError, "alignment"):
        source_variation(alignment, "output", network, TASK, pairs=100)
    with fails(AlignmentError, "another"):
        source_variation(replace(alignment, network="no"), "left", network, TASK, pairs=100)
    with fails(AlignmentError, "twice"):
        source_variation(alignment, "left", network, TASK, pairs=1)
    numbers = of(network, known_subspace()[:1], site="layer1", hypothesis="distance")
    with fails(AlignmentError, "number or a vector"):
        source_variation(numbers, "distance", network, TASK, pairs=100)
