"""The control `source_variation`: whether the answer depends on which source of equal value was taken."""

from __future__ import annotations

from dataclasses import replace

import pytest
from control_contexts import alignment_of, context_of, evidence_of, observation_of
from networks_by_hand import hand_wired, known_subspace

from interlocus.controls.ground_truth.hand_wired import count_only, output_only
from interlocus.controls.source_variation import SOURCE_PAIRS, SourceVariationControl, source_variation
from interlocus.core.errors import AlignmentError, UnknownNameError
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality()
ERROR = 0.5 / SOURCE_PAIRS**0.5


def test_operands_that_are_exchanged_too_need_not_matter():
    """The neurons of a pair hold a − b whole, and the rest of the network asks only whether it is zero."""
    network = hand_wired()
    alignment = alignment_of(network, TASK, known_subspace(), site="layer1")
    variation = source_variation(alignment, "left", network, TASK, pairs=2000)
    assert variation.share < 0.01
    assert set(variation.of_value) == {0, 1}


def test_features_that_hold_the_answer_vary_at_equal_left():
    """Of two sources with equal `left` one half have another answer, which the direction brings along."""
    made = output_only(TASK, site="layer2", count=1)
    (network, alignment) = made.networks[0], made.alignments[0]
    wrong = replace(alignment, hypothesis="left", variables=("left",))
    variation = source_variation(wrong, "left", network, TASK)
    assert variation.share == pytest.approx(0.5, abs=5 * ERROR)
    assert variation.of_value[0] == pytest.approx(0.5, abs=6 * ERROR)
    assert source_variation(alignment, "output", network, TASK).share < 0.01


def test_the_control_gives_a_share_for_each_variable_of_the_alignment_that_judges_the_site():
    network = hand_wired()
    alignment = alignment_of(network, TASK, known_subspace(), site="layer1")
    (shares,) = SourceVariationControl().measure(context_of(network, TASK, site="layer1", alignments=[alignment]))
    assert set(shares) == {"left", "right"}
    assert max(shares.values()) < 0.01
    assert SourceVariationControl().measure(context_of(network, TASK, site="layer1")) == [None]


def test_of_the_count_another_source_of_equal_left_gives_another_answer():
    made = count_only(TASK, site="layer2", code="pair", count=1)
    network, rows = made.networks[0], made.alignments[0].frames.write
    alignment = alignment_of(network, TASK, rows, site="layer2", featurizer="linear")
    (shares,) = SourceVariationControl().measure(context_of(network, TASK, site="layer2", alignments=[alignment]))
    assert max(shares.values()) > 0.05  # what is exchanged is not the value


def test_a_vector_has_no_equal_values():
    network, (variable, *_) = hand_wired(), TASK.hypothesis("difference").variables
    alignment = alignment_of(
        network, TASK, known_subspace()[:1], site="layer1", hypothesis="difference", variables=[variable]
    )
    context = context_of(network, TASK, site="layer1", alignments=[alignment])
    assert SourceVariationControl().measure(context) == [{}]


def test_its_evidence_names_the_share_and_decides_nothing():
    (row,) = evidence_of(observation_of(results={"source_variation": {"left": 0.125}}), "source variation")
    assert "0.125" in row.text
    assert row.passes is None
    assert not evidence_of(observation_of(results={"source_variation": {"right": 0.125}}), "source variation")


def test_what_cannot_be_measured_is_refused(fails):
    network = hand_wired()
    alignment = alignment_of(network, TASK, known_subspace(), site="layer1")
    with fails(UnknownNameError, "'left'"):
        source_variation(alignment, "letf", network, TASK)
    with fails(UnknownNameError, "alignment"):
        source_variation(alignment, "output", network, TASK, pairs=100)
    with fails(AlignmentError, "another"):
        source_variation(replace(alignment, network="no"), "left", network, TASK, pairs=100)
    with fails(AlignmentError, "twice"):
        source_variation(alignment, "left", network, TASK, pairs=1)
    numbers = alignment_of(network, TASK, known_subspace()[:1], site="layer1", hypothesis="distance")
    with fails(AlignmentError, "number or a vector"):
        source_variation(numbers, "distance", network, TASK, pairs=100)
