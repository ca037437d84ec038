"""Shifted items: the same causal model, other numbers."""

from __future__ import annotations

import json

import pytest
import torch
from networks_by_hand import hand_wired, known_subspace

from interlocus.alignment.alignment import Alignment
from interlocus.controls.distribution_shift import Shifted, distribution_shift
from interlocus.core.errors import AlignmentError, SpecificationError
from interlocus.core.random import derived_generator
from interlocus.featurizers import Frames
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
    alignment = Alignment(
        site="layer1", hypothesis="both", variables=("left", "right"), featurizer="rotation",
        network=network.fingerprint(), task=task.name, frames=Frames(read=rows, write=rows),
    )  # fmt: skip
    found = distribution_shift(alignment, network, task)
    assert found is not None
    assert found.accuracy > 0.999
    assert found.score.iia > 0.999
    blunt = Alignment(**(vars(alignment) | {"frames": Frames(read=rows[:, :2], write=rows[:, :2])}))
    assert distribution_shift(blunt, network, task).score.iia < 0.9
    assert Shifted.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_a_task_without_shifted_items_says_so():
    network = hand_wired()
    alignment = Alignment(
        site="layer1", hypothesis="both", variables=("left", "right"), featurizer="rotation",
        network=network.fingerprint(), task="other", frames=Frames(read=known_subspace(), write=known_subspace()),
    )  # fmt: skip
    assert SimpleEquality().shifted() is None
    assert distribution_shift(alignment, network, SimpleEquality()) is None


def test_items_that_cannot_be_drawn_are_refused(fails):
    with fails(SpecificationError, "between 0 and 1"):
        HierarchicalEquality(near=1.5)
    with fails(SpecificationError, "all equal"):
        HierarchicalEquality(spread=0.0)
    network, rows = hand_wired(), known_subspace()
    alignment = Alignment(
        site="layer1", hypothesis="both", variables=("left", "right"), featurizer="rotation",
        network="no", task="hierarchical_equality", frames=Frames(read=rows, write=rows),
    )  # fmt: skip
    with fails(AlignmentError, "another"):
        distribution_shift(alignment, network, HierarchicalEquality())
