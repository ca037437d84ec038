"""Hierarchical equality over four photographs of handwritten digits."""

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

_PAIR = {"left": ("a", "b"), "right": ("c", "d")}
_OTHER = {"digit_a": ("a", "b"), "digit_b": ("b", "a")}
_SHARES = {"train": 0.6, "validation": 0.2, "test": 0.2}
SIDE = 8
DIGIT_CLASSES = 10
INDEX_RANGE = 2**31
"""Numbers that a place in a list is drawn from: of some hundred places each is as likely as others to one in 10⁷."""


class Photographs(NamedTuple):
    """The images and what they show.

    Args:
        pixels: in [0, 1].
        digit: what each image shows.
        lists: for each split the images of each digit, filled up at the end.
        counts: for each split how many there are of each digit.
        place: where each image stands in its list.
    """

    pixels: Float[Tensor, "image pixel"]
    digit: Int[Tensor, " image"]
    lists: dict[str, Int[Tensor, "digit place"]]
    counts: dict[str, Int[Tensor, " digit"]]
    place: Int[Tensor, " image"]


class Digits(AbstractTask):
    """Four images a, b, c, d of 8 × 8 pixels; is "a and b show the same digit" as true as "c and d do"?

    Each pair shows the same digit with probability one half, independently, and then two different images of it. The
    1,797 images are parted into 60 % for training and 20 % each for validation and test, alike in digits, so nothing
    that is measured was learned by heart. The causal inputs are the numbers of the images; what an image shows is the
    first thing that is computed from it.

    Hypotheses: `both`, `left`, `right`, and above them `symmetric`, `count` and `output`, as in hierarchical equality.
    Below them:

    - `identity`: the digit of the first image; `pair`: the digits of the first two, each in its own features. Half of
      the sources fit their base: they show there what the base shows beside it.
    - `difference`: digit a − digit b, and `distance`: its absolute value, as numbers. They lie before `left` on the
      only way to the class, so a swap of either asks for the label that a swap of `left` asks for.

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
        for first, second in _PAIR.values():
            digit = torch.randint(DIGIT_CLASSES, (count,), generator=generator)
            values[first] = self._image(digit, split, generator)
            values[second] = self._beside(values[first], split, generator)
        return values

    def encode(self, values: Values) -> Float[Tensor, "batch width"]:
        return torch.cat([self.photographs.pixels[values[name]] for name in "abcd"], 1)

    def partner(self, values: Values, variable: str, *, split: Split, generator: torch.Generator) -> Values | None:
        if variable not in _PAIR:
            return None
        first, second = _PAIR[variable]
        one, other = self._digit(values[first]), self._digit(values[second])
        digit = torch.where(one == other, self._another_digit(one, generator), one)
        return values | {second: self._image(digit, split, generator, but=values[first])}

    def matched(self, values: Values, variable: str, *, split: Split, generator: torch.Generator) -> Values:
        """Sources that show, in place of one item of the base, the digit that stands beside it there."""
        if variable not in _OTHER:
            return super().matched(values, variable, split=split, generator=generator)
        item, beside = _OTHER[variable]
        sources = self.sample(len(values[item]), split=split, generator=generator)
        shown = self._image(self._digit(values[beside]), split, generator, but=values[beside])
        return sources | {item: shown, beside: self._beside(shown, split, generator)}

    @cached_property
    def photographs(self) -> Photographs:
        """The images."""
        from sklearn.datasets import load_digits  # a second of import, for this task only
        from sklearn.model_selection import train_test_split

        pixels, digits = load_digits(return_X_y=True)
        learn, rest = train_test_split(range(len(digits)), train_size=_SHARES["train"], stratify=digits, random_state=0)
        share = _SHARES["validation"] / (1 - _SHARES["train"])
        validation, test = train_test_split(rest, train_size=share, stratify=digits[rest], random_state=0)
        shown, place, lists, counts = torch.from_numpy(digits).long(), torch.zeros(len(digits)).long(), {}, {}
        for split, images in zip(_SHARES, (learn, validation, test), strict=True):
            rows = torch.tensor(images)
            of_digit = [rows[shown[rows] == digit] for digit in range(DIGIT_CLASSES)]
            for own in of_digit:
                place[own] = torch.arange(len(own))
            lists[split] = torch.nn.utils.rnn.pad_sequence(of_digit, batch_first=True)
            counts[split] = torch.tensor([len(own) for own in of_digit])
        return Photographs(
            pixels=torch.from_numpy(pixels).float() / 16, digit=shown, lists=lists, counts=counts, place=place
        )

    def _digit(self, image: Int[Tensor, " batch"]) -> Int[Tensor, " batch"]:
        return self.photographs.digit[image]

    def _image(
        self,
        digit: Int[Tensor, " batch"],
        split: Split,
        generator: torch.Generator,
        *,
        but: Int[Tensor, " batch"] | None = None,
    ) -> Int[Tensor, " batch"]:
        """An image of each digit, and never the same as another one."""
        count, drawn = (
            self.photographs.counts[split][digit],
            torch.randint(INDEX_RANGE, digit.shape, generator=generator),
        )
        place = drawn % count
        if but is not None:
            # so many places behind that image in the list of its digit
            behind = (self.photographs.place[but] + 1 + drawn % (count - 1)) % count
            place = torch.where(self._digit(but) == digit, behind, place)
        return self.photographs.lists[split][digit, place]

    def _beside(self, image: Int[Tensor, " batch"], split: Split, generator: torch.Generator) -> Int[Tensor, " batch"]:
        """For each image another one, which shows the same digit with probability one half."""
        digit = self._digit(image)
        equal = torch.rand(digit.shape, generator=generator) < 0.5
        return self._image(
            torch.where(equal, digit, self._another_digit(digit, generator)), split, generator, but=image
        )

    def _another_digit(self, digit: Int[Tensor, " batch"], generator: torch.Generator) -> Int[Tensor, " batch"]:
        return (digit + torch.randint(1, DIGIT_CLASSES, digit.shape, generator=generator)) % DIGIT_CLASSES

    @cached_property
    def _hypotheses(self) -> dict[str, Hypothesis]:
        shown = [Variable(name=name) for name in "abcd"]
        shown += [
            Variable(name=f"digit_{name}", parents=(name,), mechanism=self._digit, values=tuple(range(DIGIT_CLASSES)))
            for name in "abcd"
        ]
        right = Variable(name="right", parents=("digit_c", "digit_d"), mechanism=torch.eq, values=(0, 1))
        left = Variable(name="left", parents=("digit_a", "digit_b"), mechanism=torch.eq, values=(0, 1))
        above = above_equalities([*shown, left, right])
        model = above["both"].model
        by_distance = from_truth_values(
            [
                *shown,
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
