"""Laws of the examples of four images of digits, checked from the pixels alone."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from scipy.stats import chi2
from sklearn.datasets import load_digits

from interlocus.causal.interventions import counterfactual_labels, draw
from interlocus.core.random import derived_generator
from interlocus.tasks import Digits

COUNT = 20_000
SPLITS = ("train", "validation", "test")
TASK = Digits()
PIXELS, SHOWN = load_digits(return_X_y=True)
NUMBER_OF_IMAGE = {row.tobytes(): index for index, row in enumerate(PIXELS)}


def near(share: torch.Tensor, probability: float, count: int = COUNT) -> bool:
    """Within five standard deviations of a binomial share."""
    return abs(float(share) - probability) < 5 * math.sqrt(probability * (1 - probability) / count)


def images(inputs: torch.Tensor) -> torch.Tensor:
    """The numbers of the four images of each input, looked up by their pixels: `[row, item]`."""
    rows = (inputs.view(len(inputs) * 4, 64).double() * 16).numpy()
    return torch.tensor([NUMBER_OF_IMAGE[row.tobytes()] for row in rows]).view(-1, 4)


def digit_of(image: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(SHOWN)[image].long()


def examples(split: str, count: int = COUNT) -> tuple[torch.Tensor, torch.Tensor]:
    inputs, labels = TASK.labelled_inputs(count, split=split, generator=derived_generator(0, split))
    return images(inputs), labels


def test_every_image_is_in_exactly_one_split():
    # each of some hundred images of a digit is missed by 80,000 draws with probability e⁻⁷⁰
    seen = {split: set(examples(split)[0].flatten().tolist()) for split in SPLITS}
    for first, second in itertools.combinations(SPLITS, 2):
        assert seen[first].isdisjoint(seen[second])
    assert set().union(*seen.values()) == set(range(len(SHOWN)))
    for split, share in zip(SPLITS, (0.6, 0.2, 0.2), strict=True):
        digits = digit_of(torch.tensor(sorted(seen[split])))
        for digit in range(10):
            assert abs(int((digits == digit).sum()) - share * (digit == SHOWN).sum()) <= 2


@pytest.mark.parametrize("split", SPLITS)
def test_pairs_show_the_same_digit_in_half_of_the_examples_and_never_the_same_image(split):
    image, labels = examples(split)
    digit = digit_of(image)
    left, right = digit[:, 0] == digit[:, 1], digit[:, 2] == digit[:, 3]
    assert near(left.double().mean(), 1 / 2)
    assert near(right.double().mean(), 1 / 2)
    assert near((left & right).double().mean(), 1 / 4)
    assert torch.equal(labels, (left == right).long())
    assert (image[:, 0] != image[:, 1]).all()
    assert (image[:, 2] != image[:, 3]).all()


def test_digits_and_images_of_a_digit_are_equally_frequent():
    image, _ = examples("test")
    for item in range(4):
        for digit in range(10):
            here = digit_of(image[:, item]) == digit
            assert near(here.double().mean(), 1 / 10)
            _, counts = image[here, item].unique(return_counts=True)
            assert len(counts) > 30  # some thirty-six images of a digit are in this split
            expected = int(here.sum()) / len(counts)
            statistic = float(((counts - expected) ** 2 / expected).sum())
            assert statistic < chi2.ppf(1 - 1e-7, len(counts) - 1)


@pytest.mark.parametrize(("variable", "item"), [("left", 1), ("right", 3)])
def test_a_partner_flips_its_variable_by_one_image(variable, item):
    drawn = TASK.sample(5000, split="test", generator=derived_generator(0))
    changed = TASK.partner(drawn, variable, split="test", generator=derived_generator(1))
    before, after = images(TASK.encode(drawn)), images(TASK.encode(changed))
    others = [other for other in range(4) if other != item]
    assert torch.equal(before[:, others], after[:, others])
    equal = [digit_of(rows[:, item]) == digit_of(rows[:, item - 1]) for rows in (before, after)]
    assert torch.equal(equal[0], ~equal[1])
    assert (after[:, item] != after[:, item - 1]).all()


@pytest.mark.parametrize(("variable", "item", "neighbour"), [("digit_a", 0, 1), ("digit_b", 1, 0)])
def test_matched_sources_show_the_digit_of_the_neighbour_and_are_typical_examples(variable, item, neighbour):
    drawn = TASK.sample(5000, split="test", generator=derived_generator(0))
    sources = TASK.matched(drawn, variable, split="test", generator=derived_generator(1))
    base, source = images(TASK.encode(drawn)), images(TASK.encode(sources))
    assert torch.equal(digit_of(source[:, item]), digit_of(base[:, neighbour]))
    assert (source[:, item] != base[:, neighbour]).all()
    digit = digit_of(source)
    assert near((digit[:, 0] == digit[:, 1]).double().mean(), 1 / 2, 5000)
    assert near((digit[:, 2] == digit[:, 3]).double().mean(), 1 / 2, 5000)
    assert (source[:, 0] != source[:, 1]).all()


def test_labels_of_digit_swaps_follow_from_the_pixels():
    pool = TASK.draw_examples(2000, split="test", generator=derived_generator(0), for_hypotheses=("identity", "pair"))
    digit = digit_of(images(pool.inputs))
    for name in ("identity", "pair"):
        hypothesis = TASK.hypothesis(name)
        interventions = draw(pool, hypothesis, shape=(900,), generator=derived_generator(1))
        a, b = digit[interventions.base, 0], digit[interventions.base, 1]
        right = digit[interventions.base, 2] == digit[interventions.base, 3]
        a = digit[interventions.sources[0], 0]
        b = digit[interventions.sources[1], 1] if name == "pair" else b
        assert torch.equal(interventions.labels, ((a == b) == right).long())


def test_differences_of_digits_are_numbers_and_give_the_labels_of_left():
    pool = TASK.draw_examples(2000, split="test", generator=derived_generator(0))
    digit = digit_of(images(pool.inputs))
    assert torch.equal(pool.values["difference"], digit[:, 0] - digit[:, 1])
    assert torch.equal(pool.values["distance"], (digit[:, 0] - digit[:, 1]).abs())
    for name in ("difference", "distance"):
        interventions = draw(pool, TASK.hypothesis(name), shape=(900,), generator=derived_generator(1))
        assert torch.equal(
            interventions.labels,
            counterfactual_labels(pool, TASK.hypothesis("left"), interventions.base, interventions.sources),
        )
