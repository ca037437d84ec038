"""Laws of the examples of hierarchical equality."""

from __future__ import annotations

import itertools
import math
import sys

import pytest
import torch

from interlocus.core.errors import SpecificationError, UnknownNameError
from interlocus.core.random import derived_generator
from interlocus.tasks import HierarchicalEquality

COUNT = 40_000
ITEMS = ("gaussian", "uniform", "vocabulary")
SPLITS = ("train", "validation", "test")


def near(share: torch.Tensor, probability: float, count: int = COUNT) -> bool:
    """Within five standard deviations of a binomial share."""
    return abs(float(share) - probability) < 5 * math.sqrt(probability * (1 - probability) / count)


def sample(task: HierarchicalEquality, seed: int = 0, split: str = "train", count: int = COUNT):
    drawn = task.sample(count, split=split, generator=derived_generator(seed, "sample"))
    left, right = (drawn["a"] == drawn["b"]).all(1), (drawn["c"] == drawn["d"]).all(1)
    return drawn, left, right


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("items", ITEMS)
def test_pairs_are_equal_in_half_of_the_examples_and_independently(items, split):
    _, left, right = sample(HierarchicalEquality(items=items), split=split)
    assert near(left.double().mean(), 1 / 2)
    assert near(right.double().mean(), 1 / 2)
    assert near((left & right).double().mean(), 1 / 4)


@pytest.mark.parametrize("width", [1, 4])
@pytest.mark.parametrize("items", ITEMS)
def test_a_pair_is_one_vector_twice_or_two_independent_draws(items, width):
    """An unequal pair agrees in no component, except by chance as two independent draws do."""
    drawn, left, right = sample(HierarchicalEquality(items=items, item_width=width, vocabulary=3))
    for first, second, equal in (("a", "b", left), ("c", "d", right)):
        alike = drawn[first] == drawn[second]
        assert (alike.all(1) == equal).all()
        # of 20,000 unequal pairs of up to 4 components, few agree in a component by chance: there are 2²⁴ values
        assert alike[~equal].sum() <= 3


def test_unequal_pairs_of_a_tiny_vocabulary_are_never_equal():
    """With two vectors, an independent second draw would equal the first in half of the pairs."""
    _, left, right = sample(HierarchicalEquality(items="vocabulary", vocabulary=2))
    assert near(left.double().mean(), 1 / 2)
    assert near(right.double().mean(), 1 / 2)


@pytest.mark.parametrize("items", ITEMS)
def test_the_class_is_whether_the_pairs_agree(items):
    task = HierarchicalEquality(items=items)
    inputs, labels = task.labelled_inputs(5000, split="train", generator=derived_generator(0))
    a, b, c, d = inputs.split(task.item_width, dim=1)
    assert torch.equal(labels, ((a == b).all(1) == (c == d).all(1)).long())
    assert labels.unique().tolist() == [0, 1]


def test_an_input_is_the_concatenation_of_its_items():
    task = HierarchicalEquality(item_width=3)
    drawn, *_ = sample(task, count=10)
    inputs = task.encode(drawn)
    assert inputs.shape == (10, task.input_width) == (10, 12)
    for i, name in enumerate("abcd"):
        assert torch.equal(inputs[:, 3 * i : 3 * i + 3], drawn[name])


def test_gaussian_items_have_mean_zero_and_variance_one():
    drawn, *_ = sample(HierarchicalEquality())
    for item in drawn.values():
        # the mean of n has standard deviation 1/√n, the mean square √(2/n)
        assert item.mean(0).abs().max() < 5 / math.sqrt(COUNT)
        assert (item.square().mean(0) - 1).abs().max() < 5 * math.sqrt(2 / COUNT)


def test_uniform_items_fill_their_range():
    drawn, *_ = sample(HierarchicalEquality(items="uniform"))
    for item in drawn.values():
        assert item.min() >= -0.5
        assert item.max() <= 0.5
        # the variance is 1/12, that of the square 1/180
        assert item.mean(0).abs().max() < 5 * math.sqrt(1 / 12 / COUNT)
        assert (item.square().mean(0) - 1 / 12).abs().max() < 5 * math.sqrt(1 / 180 / COUNT)


def words(task: HierarchicalEquality, split: str, seed: int = 0) -> set[tuple[float, ...]]:
    drawn, *_ = sample(task, seed=seed, split=split, count=20_000)
    return {tuple(word) for item in drawn.values() for word in item.tolist()}


def test_vocabularies_are_finite_and_no_vector_is_in_two_splits():
    task = HierarchicalEquality(items="vocabulary", vocabulary=50)
    seen = {split: words(task, split) for split in SPLITS}
    # each of 50 vectors is missed by 40,000 independent items with probability e⁻⁸⁰⁰
    assert [len(seen[split]) for split in SPLITS] == [50, 50, 50]
    for first, second in itertools.combinations(SPLITS, 2):
        assert seen[first].isdisjoint(seen[second])


def test_a_vocabulary_does_not_depend_on_the_seed():
    make = lambda: HierarchicalEquality(items="vocabulary", vocabulary=20)  # noqa: E731
    assert words(make(), "test", seed=0) == words(make(), "test", seed=1)


def test_vectors_of_a_vocabulary_are_equally_frequent():
    task = HierarchicalEquality(items="vocabulary", vocabulary=10)
    drawn, left, _ = sample(task)
    for name in ("a", "b", "c", "d"):
        _, counts = drawn[name].unique(dim=0, return_counts=True)
        for count in counts.tolist():
            assert near(torch.tensor(count / COUNT), 1 / 10)
    _, pairs = torch.cat([drawn["a"], drawn["b"]], 1)[~left].unique(dim=0, return_counts=True)
    assert len(pairs) == 90
    for count in pairs.tolist():
        assert near(torch.tensor(count / int((~left).sum())), 1 / 90, int((~left).sum()))


@pytest.mark.parametrize("items", ["gaussian", "uniform"])
def test_continuous_items_never_repeat(items):
    task = HierarchicalEquality(items=items)
    generator = derived_generator(0)
    first, second = (task.sample(2000, split="train", generator=generator) for _ in range(2))
    seen = {tuple(word) for word in first["a"].tolist()}
    assert len(seen) == 2000
    assert seen.isdisjoint(tuple(word) for word in second["a"].tolist())


@pytest.mark.parametrize("variable", ["left", "right"])
@pytest.mark.parametrize("items", ITEMS)
def test_a_partner_flips_its_variable_by_one_item(items, variable):
    task = HierarchicalEquality(items=items, vocabulary=2)
    drawn, left, right = sample(task, count=5000)
    changed = task.partner(drawn, variable, split="train", generator=derived_generator(1))
    item = {"left": "b", "right": "d"}[variable]
    before = {"left": left, "right": right}
    after = {"left": (changed["a"] == changed["b"]).all(1), "right": (changed["c"] == changed["d"]).all(1)}
    assert (changed[item] != drawn[item]).any(1).all()
    for name in set("abcd") - {item}:
        assert torch.equal(changed[name], drawn[name])
    for name in before:
        assert torch.equal(after[name] != before[name], torch.full_like(left, name == variable))


def test_a_variable_that_no_single_item_changes_has_no_partners():
    task = HierarchicalEquality()
    drawn, *_ = sample(task, count=10)
    assert task.partner(drawn, "both_equal", split="train", generator=derived_generator(1)) is None


def test_the_symmetric_rival_gives_the_same_classes():
    task = HierarchicalEquality()
    drawn, left, right = sample(task, count=2000)
    rival = task.hypothesis("symmetric").model.run(drawn)
    assert torch.equal(rival["both_equal"], (left & right).long())
    assert torch.equal(rival["none_equal"], (~left & ~right).long())
    assert torch.equal(rival["output"], task.model.run(drawn)["output"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"item_width": 0}, "item_width is 0"),
        ({"item_width": -1}, "item_width is -1"),
        ({"vocabulary": 1}, "vocabulary is 1"),
    ],
    ids=str,
)
def test_sizes_that_are_too_small_are_refused(arguments, words, fails):
    with fails(SpecificationError, words):
        HierarchicalEquality(**arguments)


def test_unknown_names_are_refused_with_a_similar_one(fails, unchecked):
    with fails(UnknownNameError, "Did you mean 'gaussian'?"):
        HierarchicalEquality(items="gausian")
    with fails(UnknownNameError, "Did you mean 'both'?"):
        HierarchicalEquality().hypothesis("boht")


@pytest.mark.parametrize("items", ITEMS)
def test_examples_are_drawn_in_batches(items):
    """256 times as many examples run no more lines of Python; a loop over examples would run 65,000 more."""

    def lines(count: int) -> int:
        """Lines of Python that are run to draw this many examples, counting each iteration of a loop."""
        count_of_lines = 0

        def trace(frame, event, argument):
            nonlocal count_of_lines
            count_of_lines += 1
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            HierarchicalEquality(items=items).labelled_inputs(count, split="train", generator=derived_generator(0))
        finally:
            sys.settrace(before)
        return count_of_lines

    lines(256)  # work that is done once and cached
    assert lines(65_536) < 2 * lines(256)
