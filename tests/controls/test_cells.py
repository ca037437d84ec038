"""Cells of examples: equally many of each, and none of both splits."""

from __future__ import annotations

import torch

from interlocus.controls.cells import MIN_STATES, draw_cells, partitions
from interlocus.tasks import HierarchicalEquality, SumOfThree

TASK = HierarchicalEquality(item_width=2)


def names(hypothesis, *rivals, task=TASK):
    return [one.name for one in partitions(task.hypothesis(hypothesis), [task.hypothesis(name) for name in rivals])]


def test_the_finest_partition_comes_first_and_the_answer_is_always_one():
    assert names("both") == ["left+right", "left", "right", "count(left, right)", "output"]
    assert names("left") == ["left+right", "left", "output"]
    assert names("both", "symmetric")[4:] == ["both_equal+none_equal", "output"]
    assert names("both", "count")[3:] == ["count(left, right)", "count", "output"]
    assert names("both", "identity", "cross") == names("both")  # a vector, and examples of its own


def test_the_count_does_not_depend_on_the_order_of_the_variables():
    (count,) = [one for one in partitions(TASK.hypothesis("both"), ()) if one.sort_values]
    keys = count.keys({"left": torch.tensor([0, 1, 1]), "right": torch.tensor([1, 0, 1])})
    assert torch.equal(keys[0], keys[1])
    assert not torch.equal(keys[0], keys[2])


def test_each_cell_has_as_many_examples_as_any_other_in_both_sets():
    joint = partitions(TASK.hypothesis("both"), ())[0]
    train, test = draw_cells(TASK, TASK.hypothesis("both"), joint, states=1_000, seed=0)
    for drawn in (train, test):
        _, counts = torch.unique(joint.keys(drawn.values), dim=0, return_counts=True)
        assert len(counts) == 4
        assert len(counts.unique()) == 1
        assert counts[0] >= 250
    assert not (train.inputs[:, None] == test.inputs).all(2).any()


def test_rare_cells_get_more_examples_and_too_rare_ones_are_refused():
    task = SumOfThree(numbers=8)  # 15 sums and 8 numbers: 120 cells, the rarest once in 512 examples
    asked = task.hypothesis("first_two")
    train, _ = draw_cells(task, asked, partitions(asked, ())[0], states=1_000, seed=0)
    assert len(train.inputs) % 120 == 0
    assert len(train.inputs) >= 120 * MIN_STATES
    task = SumOfThree(numbers=64)  # the commonest cell occurs once in 64² examples: 64 times in 2¹⁸
    asked = task.hypothesis("first_two")
    assert draw_cells(task, asked, partitions(asked, ())[0], states=1_000, seed=0) is None
