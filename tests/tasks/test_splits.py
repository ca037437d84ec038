"""Laws of the examples of a study."""

from __future__ import annotations

import torch

from interlocus.tasks import Digits, HierarchicalEquality
from interlocus.tasks.splits import DataSplits, SampleSizes

TASK = HierarchicalEquality(item_width=2)
SIZES = SampleSizes(pool=300, held_out=200, partners=100, test=90, batch=30)


def test_each_split_has_its_size_and_only_the_pairs_have_partners():
    splits = DataSplits.draw(TASK, SIZES, seed=0)
    assert [splits.train.count, splits.validation.count, splits.pairs.count] == [300, 200, 100]
    # `both` has 30 interventions each of left, right and left+right, which use 2, 2 and 3 examples
    assert splits.test.count == 30 * (2 + 2 + 3)
    assert set(splits.pairs.partners) == {"left", "right"}
    assert not splits.train.partners


def test_special_examples_are_drawn_for_the_named_hypotheses_without_changing_the_others():
    plain = DataSplits.draw(TASK, SIZES, seed=0)
    special = DataSplits.draw(TASK, SIZES, seed=0, hypotheses=("cross",))
    for name in ("train", "validation", "test"):
        with_special, without = getattr(special, name), getattr(plain, name)
        assert torch.equal(with_special.inputs[: with_special.count], without.inputs)
        assert with_special.rows(TASK.hypothesis("cross")).start == with_special.count


def test_the_seed_decides():
    first, again, different = (DataSplits.draw(TASK, SIZES, seed=seed) for seed in (0, 0, 1))
    for name in ("train", "validation", "test", "pairs"):
        assert torch.equal(getattr(first, name).inputs, getattr(again, name).inputs)
        assert not torch.equal(getattr(first, name).inputs, getattr(different, name).inputs)


def test_splits_draw_from_the_examples_of_their_split():
    splits = DataSplits.draw(Digits(), SIZES, seed=0)
    images = {name: {tuple(image) for image in getattr(splits, name).inputs.view(-1, 64).tolist()} for name in (
        "train", "validation", "test", "pairs")}  # fmt: skip
    for name in ("validation", "test"):
        assert images["train"].isdisjoint(images[name])
        assert images["pairs"].isdisjoint(images[name])
    assert images["validation"].isdisjoint(images["test"])
