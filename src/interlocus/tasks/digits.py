"""Hierarchical equality over four images of handwritten digits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.model import CausalModel, Values, Variable
from interlocus.tasks._base import AbstractTask, Split
from interlocus.tasks._equalities import above_equalities, from_truth_values

_PAIRS = {"left": ("a", "b"), "right": ("c", "d")}
_ITEM_AND_NEIGHBOUR = {"digit_a": ("a", "b"), "digit_b": ("b", "a")}
"""The item that shows a digit, and the other item of its pair."""
_SPLIT_SHARES = {"train": 0.6, "validation": 0.2, "test": 0.2}
SIDE = 8
"""Height and width of an image, in pixels."""
DIGIT_CLASSES = 10
INDEX_RANGE = 2**31
"""A place in a list of images is a number below this, modulo the length of the list.

The lists hold about a hundred images, so their probabilities differ by less than one in 10⁷.
"""


class DigitImages(NamedTuple):
    """All images, and for each split the images of each digit.

    Args:
        pixels: Brightness of each pixel, from 0 to 1; the pixels of an image row by row.
        digit: The digit that each image shows.
        lists: For each split and digit, the numbers of the images that show it, padded with 0 to equal length.
        counts: For each split and digit, the length of its list without padding.
        place: The place of each image in its list.
    """

    pixels: Float[Tensor, "image pixel"]
    digit: Int[Tensor, " image"]
    lists: dict[str, Int[Tensor, "digit place"]]
    counts: dict[str, Int[Tensor, " digit"]]
    place: Int[Tensor, " image"]


class Digits(AbstractTask):
    """Four images a, b, c, d of 8 × 8 pixels; does "a and b show the same digit" equal "c and d show the same digit"?

    Each pair shows the same digit with probability one half, independently; the two images always differ. The 1,797
    images are divided into 60 % for training and 20 % each for validation and test, stratified by digit, so no image
    occurs in two splits. The causal inputs are the numbers of the images, and each image's digit follows from them.

    Hypotheses: `both`, `left`, `right`, `symmetric`, `count` and `output`, as in `HierarchicalEquality`, and

    - `identity`: the digit of a. `pair`: the digits of a and of b, each in separate features. In half of their sources,
      the swapped item shows the digit of its neighbour in the base.
    - `difference`: digit a − digit b. `distance`: its absolute value. Both are numbers that only `left` depends on
      directly, so swapping either gives the label that swapping `left` gives.

        >>> inputs, labels = Digits().labelled_inputs(5, split="test", generator=torch.Generator().manual_seed(0))
        >>> tuple(inputs.shape), tuple(labels.shape)
        ((5, 256), (5,))

    Source: the optical recognition of handwritten digits, E. Alpaydin and C. Kaynak (1998), UCI Machine Learning
    Repository, as scikit-learn ships it.
    """

    @property
    def name(self) -> str:
        return "digits"

    @property
    def input_width(self) -> int:
        return 4 * SIDE * SIDE

    @property
    def model(self) -> CausalModel:
        return self.hypotheses["both"].model

    @property
    def hypotheses(self) -> Mapping[str, Hypothesis]:
        return self._hypotheses

    @property
    def roots(self) -> Mapping[str, Sequence[float] | None]:
        return {"left": None, "right": None}

    def sample(self, count: int, *, split: Split, generator: torch.Generator) -> Values:
        values: Values = {}
        for first, second in _PAIRS.values():
            digit = torch.randint(DIGIT_CLASSES, (count,), generator=generator)
            values[first] = self._image(digit, split, generator)
            values[second] = self._neighbour(values[first], split, generator)
        return values

    def encode(self, values: Values) -> Float[Tensor, "batch width"]:
        return torch.cat([self.images.pixels[values[name]] for name in "abcd"], 1)

    def partner(self, values: Values, variable: str, *, split: Split, generator: torch.Generator) -> Values | None:
        if variable not in _PAIRS:
            return None
        first, second = _PAIRS[variable]
        kept, changed = self._digit(values[first]), self._digit(values[second])
        digit = torch.where(kept == changed, self._different_digit(kept, generator), kept)
        return values | {second: self._image(digit, split, generator, excluded=values[first])}

    def matched(self, values: Values, variable: str, *, split: Split, generator: torch.Generator) -> Values:
        """Sources whose item shows the digit of the neighbouring item in the base: swapped in, it makes a pair equal.

        Args:
            values: The bases, as numbers of images.
            variable: `"digit_a"` or `"digit_b"`.
            split: The split to draw images from.
            generator: Source of all randomness; it is advanced.

        Raises:
            CausalModelError: there are no matched sources for another variable.
        """
        if variable not in _ITEM_AND_NEIGHBOUR:
            return super().matched(values, variable, split=split, generator=generator)
        item, neighbour = _ITEM_AND_NEIGHBOUR[variable]
        sources = self.sample(len(values[item]), split=split, generator=generator)
        image = self._image(self._digit(values[neighbour]), split, generator, excluded=values[neighbour])
        return sources | {item: image, neighbour: self._neighbour(image, split, generator)}

    @cached_property
    def images(self) -> DigitImages:
        """The images that scikit-learn ships, divided into splits."""
        from sklearn.datasets import load_digits  # takes a second, and only this task needs it
        from sklearn.model_selection import train_test_split

        pixels, digits = load_digits(return_X_y=True)
        train, rest = train_test_split(
            range(len(digits)), train_size=_SPLIT_SHARES["train"], stratify=digits, random_state=0
        )
        share = _SPLIT_SHARES["validation"] / (1 - _SPLIT_SHARES["train"])
        validation, test = train_test_split(rest, train_size=share, stratify=digits[rest], random_state=0)
        shown, place = torch.from_numpy(digits).long(), torch.zeros(len(digits)).long()
        lists: dict[str, Tensor] = {}
        counts: dict[str, Tensor] = {}
        for split, numbers in zip(_SPLIT_SHARES, (train, validation, test), strict=True):
            rows = torch.tensor(numbers)
            of_digit = [rows[shown[rows] == digit] for digit in range(DIGIT_CLASSES)]
            for images in of_digit:
                place[images] = torch.arange(len(images))
            lists[split] = torch.nn.utils.rnn.pad_sequence(of_digit, batch_first=True)
            counts[split] = torch.tensor([len(images) for images in of_digit])
        return DigitImages(
            pixels=torch.from_numpy(pixels).float() / 16, digit=shown, lists=lists, counts=counts, place=place
        )

    def _digit(self, image: Int[Tensor, " batch"]) -> Int[Tensor, " batch"]:
        return self.images.digit[image]

    def _image(
        self,
        digit: Int[Tensor, " batch"],
        split: Split,
        generator: torch.Generator,
        *,
        excluded: Int[Tensor, " batch"] | None = None,
    ) -> Int[Tensor, " batch"]:
        """A random image of each digit, other than the excluded image of the same row."""
        count = self.images.counts[split][digit]
        drawn = torch.randint(INDEX_RANGE, digit.shape, generator=generator)
        place = drawn % count
        if excluded is not None:
            # 1 to count − 1 places after the excluded image in the list of its digit, cyclically
            after = (self.images.place[excluded] + 1 + drawn % (count - 1)) % count
            place = torch.where(self._digit(excluded) == digit, after, place)
        return self.images.lists[split][digit, place]

    def _neighbour(
        self, image: Int[Tensor, " batch"], split: Split, generator: torch.Generator
    ) -> Int[Tensor, " batch"]:
        """For each image a different one, which shows the same digit with probability one half."""
        digit = self._digit(image)
        equal = torch.rand(digit.shape, generator=generator) < 0.5
        chosen = torch.where(equal, digit, self._different_digit(digit, generator))
        return self._image(chosen, split, generator, excluded=image)

    def _different_digit(self, digit: Int[Tensor, " batch"], generator: torch.Generator) -> Int[Tensor, " batch"]:
        return (digit + torch.randint(1, DIGIT_CLASSES, digit.shape, generator=generator)) % DIGIT_CLASSES

    @cached_property
    def _hypotheses(self) -> dict[str, Hypothesis]:
        items = [Variable(name=name) for name in "abcd"]
        items += [
            Variable(name=f"digit_{name}", parents=(name,), mechanism=self._digit, values=tuple(range(DIGIT_CLASSES)))
            for name in "abcd"
        ]
        right = Variable(name="right", parents=("digit_c", "digit_d"), mechanism=torch.eq, values=(0, 1))
        left = Variable(name="left", parents=("digit_a", "digit_b"), mechanism=torch.eq, values=(0, 1))
        above = above_equalities([*items, left, right])
        model = above["both"].model
        by_distance = from_truth_values(
            [
                *items,
                Variable(name="difference", parents=("digit_a", "digit_b"), mechanism=torch.sub),
                Variable(name="distance", parents=("difference",), mechanism=torch.abs),
                Variable(name="left", parents=("distance",), mechanism=torch.logical_not, values=(0, 1)),
                right,
            ]
        )
        below = [
            Hypothesis(name="identity", model=model, variables=("digit_a",), sampled="matched"),
            Hypothesis(name="pair", model=model, variables=("digit_a", "digit_b"), sampled="matched"),
            Hypothesis(name="difference", model=by_distance, variables=("difference",)),
            Hypothesis(name="distance", model=by_distance, variables=("distance",)),
        ]
        return {**above, **{hypothesis.name: hypothesis for hypothesis in below}}
