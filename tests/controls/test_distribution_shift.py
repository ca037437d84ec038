"""The control `distribution_shift`: the same causal model on other items."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from control_contexts import alignment_of, context_of, evidence_of, observation_of
from networks_by_hand import hand_wired, known_subspace

from interlocus.controls.distribution_shift import DistributionShift, DistributionShiftResult, distribution_shift
from interlocus.core.errors import AlignmentError, SpecificationError
from interlocus.core.random import derived_generator
from interlocus.tasks import HierarchicalEquality, SimpleEquality
from interlocus.tasks.hierarchical_equality import NEAR_DISTANCE

COUNT = 20_000


@pytest.mark.parametrize("items", ["gaussian", "uniform", "vocabulary"])
def test_shifted_items_are_wider_and_half_of_the_unequal_pairs_are_near(items):
    task = HierarchicalEquality(items=items)
    other = task.shifted()
    own, drawn = (each.sample(COUNT, split="test", generator=derived_generator(0)) for each in (task, other))
    assert float(drawn["a"].std() / own["a"].std()) == pytest.approx(2, rel=0.05)
    distance = (drawn["a"] - drawn["b"]).norm(dim=1)
    equal = distance == 0
    assert float(equal.double().mean()) == pytest.approx(0.5, abs=5 * 0.5 / COUNT**0.5)
    usual = (own["a"] - own["b"]).norm(dim=1)
    # a near pair is apart by √½ a tenth of what others are, since one draw is added rather than two subtracted
    near = distance[~equal] < 2 * usual[usual > 0].quantile(0.5) * NEAR_DISTANCE * 2
    assert float(near.double().mean()) == pytest.approx(0.5, abs=0.04)


def test_partners_of_shifted_items_differ_in_their_variable_alone():
    task = HierarchicalEquality().shifted()
    pool = task.draw_examples(COUNT, split="train", generator=derived_generator(0), partners_of=("left", "right"))
    for name, first in pool.partners.items():
        assert (pool.values[name][:COUNT] != pool.values[name][first : first + COUNT]).all()


def test_the_task_itself_is_as_it_was():
    """Without near pairs nothing more is drawn, so networks trained before are the same."""
    plain = HierarchicalEquality().sample(100, split="train", generator=derived_generator(0))
    doubled = HierarchicalEquality(spread=2.0).sample(100, split="train", generator=derived_generator(0))
    assert all(torch.equal(2 * plain[name], doubled[name]) for name in plain)


def test_what_a_network_computes_it_computes_on_shifted_items_too():
    network, rows, task = hand_wired(), known_subspace(), HierarchicalEquality()
    alignment = alignment_of(network, task, rows, site="layer1")
    shifted = distribution_shift(alignment, network, task)
    assert (shifted.featurizer, shifted.size) == ("rotation", 8)
    assert shifted.accuracy > 0.999
    assert shifted.iia > 0.999
    too_few_directions = alignment_of(network, task, rows[:, :2], site="layer1")
    assert distribution_shift(too_few_directions, network, task).iia < 0.9


def test_the_control_scores_the_alignment_that_judges_the_site():
    network, task = hand_wired(), HierarchicalEquality()
    alignment = alignment_of(network, task, known_subspace(), site="layer1")
    (shifted,) = DistributionShift().measure(context_of(network, task, site="layer1", alignments=[alignment]))
    assert shifted.accuracy > 0.99
    assert shifted.iia > 0.99
    assert DistributionShift().measure(context_of(network, task, site="layer1")) == [None]


def test_a_task_without_shifted_items_has_no_result():
    network = hand_wired()
    alignment = alignment_of(network, HierarchicalEquality(), known_subspace(), site="layer1")
    assert SimpleEquality().shifted() is None
    assert distribution_shift(alignment, network, SimpleEquality()) is None


def test_its_evidence_names_both_figures_and_decides_nothing():
    shifted = DistributionShiftResult(featurizer="rotation", size=2, accuracy=0.98, iia=0.91)
    (row,) = evidence_of(observation_of(results={"distribution_shift": shifted}), "distribution shift")
    assert "0.910" in row.text
    assert "0.980" in row.text
    assert row.passes is None


def test_items_that_cannot_be_drawn_are_refused(fails):
    with fails(SpecificationError, "between 0 and 1"):
        HierarchicalEquality(near=1.5)
    with fails(SpecificationError, "must be positive"):
        HierarchicalEquality(spread=0.0)
    network, task = hand_wired(), HierarchicalEquality()
    alignment = replace(alignment_of(network, task, known_subspace(), site="layer1"), network="no")
    with fails(AlignmentError, "another"):
        distribution_shift(alignment, network, task)
