"""Hierarchical equality: is (a = b) the same as (c = d)?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.model import CausalModel, Values, Variable
from interlocus.core.errors import SpecificationError, UnknownNameError
from interlocus.tasks._base import AbstractTask, Split
from interlocus.tasks._equalities import above_equalities, from_truth_values

Items = Literal["gaussian", "uniform", "vocabulary"]
"""Distributions that items are drawn from."""
_PAIRS = {"left": ("a", "b"), "right": ("c", "d")}
_SPLITS = get_args(Split)
NEAR_DISTANCE = 0.1
"""Length of the difference between near-equal items, relative to the length of an item."""


class HierarchicalEquality(AbstractTask):
    """Four items a, b, c, d; the class is 1 if (a = b) equals (c = d), and 0 otherwise.

    Each pair is equal with probability one half, independently. The items of an equal pair are the same vector, those
    of an unequal pair are two independent draws.

    Args:
        item_width: Number of components of an item, at least 1. An input has four items.
        items: Distribution of each component: `gaussian` is N(0, 1), `uniform` is U[−.5, .5]. With `vocabulary`, each
            split has a finite set of Gaussian vectors, and no vector is in two splits (arXiv 2006.07968).
        vocabulary: Number of vectors in the vocabulary of each split, at least 2; used with `items="vocabulary"` only.
        spread: Factor by which all items are multiplied; positive.
        near: Fraction, from 0 to 1, of unequal pairs that are nearly equal: the second item is the first one plus a
            tenth of another draw.

    Raises:
        UnknownNameError: there is no such distribution of items.
        SpecificationError: `item_width`, `vocabulary` or `spread` is too small, or `near` is not between 0 and 1.

    Hypotheses: `both` (left = (a = b) and right = (c = d)), `left` and `right`. Their rivals:

    - `symmetric`: "both pairs are equal" and "no pair is equal"; the class is their disjunction.
    - `count`: the number of equal pairs. `output`: the class. Swapping either gives the source's class as the label.
    - `identity`: the item a. In half of the interventions, the source's a equals the base's b.
    - `difference`: the vector a − b. `distance`: ‖a − b‖. Only `left` depends on them directly, so swapping either
      gives the label that swapping `left` gives. These hypotheses differ from `left` in what the features should hold
      and in where searches start, never in a label.
    - `cross`: a = c, in the causal model whose class is (a = c) = (b = d). Its interventions use separate examples on
      which this model gives the task's class; see `apart`.

        >>> task = HierarchicalEquality(item_width=2)
        >>> inputs, labels = task.labelled_inputs(5, split="train", generator=torch.Generator().manual_seed(0))
        >>> tuple(inputs.shape), tuple(labels.shape)
        ((5, 8), (5,))

    Source: arXiv 2303.02536, section 4; arXiv 2006.07968.
    """

    def __init__(
        self,
        *,
        item_width: int = 4,
        items: Items = "gaussian",
        vocabulary: int = 100,
        spread: float = 1.0,
        near: float = 0.0,
    ) -> None:
        if items not in get_args(Items):
            raise UnknownNameError("distribution of items", items, get_args(Items))
        if item_width < 1 or vocabulary < 2:
            raise SpecificationError(
                f"item_width is {item_width}, and vocabulary is {vocabulary}.",
                "An item needs at least one component, and two different items need a vocabulary of two.",
                "Set item_width to 1 or more, and vocabulary to 2 or more.",
            )
        if spread <= 0 or not 0 <= near <= 1:
            raise SpecificationError(
                f"spread is {spread}, and near is {near}.",
                "The spread must be positive, and near must lie between 0 and 1.",
                "Use for instance spread=1 and near=0, the defaults.",
            )
        self.items: Items = items
        self.item_width, self.vocabulary = item_width, vocabulary
        self.spread, self.near = spread, near
        self._hypotheses = _hypotheses()

    @property
    def name(self) -> str:
        return "hierarchical_equality"

    @property
    def input_width(self) -> int:
        return 4 * self.item_width

    @property
    def model(self) -> CausalModel:
        return self._hypotheses["both"].model

    @property
    def hypotheses(self) -> Mapping[str, Hypothesis]:
        return self._hypotheses

    @property
    def roots(self) -> Mapping[str, Sequence[float] | None]:
        return {"left": None, "right": None}

    def sample(self, count: int, *, split: Split, generator: torch.Generator) -> Values:
        values: Values = {}
        for first, second in _PAIRS.values():
            equal = torch.rand(count, 1, generator=generator) < 0.5
            values[first], other = self._unequal_pairs(count, split, generator)
            values[second] = torch.where(equal, values[first], other)
        return values

    def shifted(self) -> HierarchicalEquality | None:
        """The same task with items twice as large, where half of the unequal pairs are nearly equal."""
        return HierarchicalEquality(
            item_width=self.item_width,
            items=self.items,
            vocabulary=self.vocabulary,
            spread=2 * self.spread,
            near=0.5,
        )

    def encode(self, values: Values) -> Float[Tensor, "batch width"]:
        return torch.cat([values[name] for name in ("a", "b", "c", "d")], 1)

    def partner(self, values: Values, variable: str, *, split: Split, generator: torch.Generator) -> Values | None:
        if variable not in _PAIRS:
            return None
        first, second = _PAIRS[variable]
        item = values[first]
        equal = (item == values[second]).all(1, keepdim=True)
        return values | {second: torch.where(equal, self._different(item, split, generator), item)}

    def matched(self, values: Values, variable: str, *, split: Split, generator: torch.Generator) -> Values:
        """Sources whose item a is the base's b: swapped in, it makes the pair (a, b) equal.

        Args:
            values: The bases, as items by name.
            variable: `"a"`.
            split: The split to draw items from.
            generator: Source of all randomness; it is advanced.

        Raises:
            CausalModelError: there are no matched sources for another variable.
        """
        if variable != "a":
            return super().matched(values, variable, split=split, generator=generator)
        sources = self.sample(len(values["b"]), split=split, generator=generator)
        equal = (sources["a"] == sources["b"]).all(1, keepdim=True)
        return sources | {
            "a": values["b"],
            "b": torch.where(equal, values["b"], self._different(values["b"], split, generator)),
        }

    def apart(self, hypothesis: str, count: int, *, split: Split, generator: torch.Generator) -> Values:
        """Examples of `cross`: two different vectors in each, of which every item is one.

        The items are then four bits, both (a = b) = (c = d) and (a = c) = (b = d) are determined by their parity, and
        each of these equalities holds in half of the examples. In the usual examples, a = c never holds.

        Args:
            hypothesis: `"cross"`.
            count: Number of examples to draw.
            split: The split to draw vectors from.
            generator: Source of all randomness; it is advanced.

        Raises:
            CausalModelError: there are no separate examples for another hypothesis.
        """
        if hypothesis != "cross":
            return super().apart(hypothesis, count, split=split, generator=generator)
        two = self._unequal_pairs(count, split, generator)
        return {name: torch.where(torch.rand(count, 1, generator=generator) < 0.5, *two) for name in "abcd"}

    def _unequal_pairs(self, count: int, split: Split, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Two different items for each example, nearly equal ones where the task has such."""
        if self.items != "vocabulary":
            first, second = self._draw(count, generator), self._draw(count, generator)
        else:
            words = self._vocabularies[split]
            rows = torch.randint(len(words), (count,), generator=generator)
            first = words[rows]
            second = words[(rows + torch.randint(1, len(words), (count,), generator=generator)) % len(words)]
        return first, self._make_some_near(first, second, generator)

    def _different(self, items: Tensor, split: Split, generator: torch.Generator) -> Tensor:
        """For each item a different one."""
        first, second = self._unequal_pairs(len(items), split, generator)
        other = torch.where((first == items).all(1, keepdim=True), second, first)
        return self._make_some_near(items, other, generator)

    def _make_some_near(self, items: Tensor, others: Tensor, generator: torch.Generator) -> Tensor:
        """The other items, of which the fraction `near` is replaced by vectors close to the items."""
        if not self.near:
            return others
        moved = items + NEAR_DISTANCE * self._draw(len(items), generator)
        return torch.where(torch.rand(len(items), 1, generator=generator) < self.near, moved, others)

    def _draw(self, count: int, generator: torch.Generator) -> Float[Tensor, "batch item_width"]:
        shape = (count, self.item_width)
        if self.items == "uniform":
            return (torch.rand(shape, generator=generator) - 0.5) * self.spread
        return torch.randn(shape, generator=generator) * self.spread

    @cached_property
    def _vocabularies(self) -> dict[str, Float[Tensor, "word item_width"]]:
        """The vectors of each split. They are part of the task, so the seed of a study does not change them."""
        words = torch.randn(len(_SPLITS) * self.vocabulary, self.item_width, generator=torch.Generator().manual_seed(0))
        assert len(torch.unique(words, dim=0)) == len(words), "two vectors of the vocabulary are equal"
        return dict(zip(_SPLITS, (words * self.spread).split(self.vocabulary), strict=True))


def _equal(first: Tensor, second: Tensor) -> Tensor:
    return (first == second).all(-1).long()


def _is_zero(distance: Tensor) -> Tensor:
    return (distance == 0).all(-1).long()


def _norm(difference: Tensor) -> Tensor:
    return difference.norm(dim=-1, keepdim=True)


def _same(first: Tensor, second: Tensor) -> Tensor:
    return (first == second).long()


_ITEMS = [Variable(name=name) for name in "abcd"]
_RIGHT = Variable(name="right", parents=("c", "d"), mechanism=_equal, values=(0, 1))
_DIRECT = [*_ITEMS, Variable(name="left", parents=("a", "b"), mechanism=_equal, values=(0, 1)), _RIGHT]
_BY_DISTANCE = [
    *_ITEMS,
    Variable(name="difference", parents=("a", "b"), mechanism=torch.sub),
    Variable(name="distance", parents=("difference",), mechanism=_norm),
    Variable(name="left", parents=("distance",), mechanism=_is_zero, values=(0, 1)),
    _RIGHT,
]


def _hypotheses() -> dict[str, Hypothesis]:
    above = above_equalities(_DIRECT)
    by_distance = from_truth_values(_BY_DISTANCE)
    crosswise = CausalModel(
        [
            *_ITEMS,
            Variable(name="first_equal", parents=("a", "c"), mechanism=_equal, values=(0, 1)),
            Variable(name="second_equal", parents=("b", "d"), mechanism=_equal, values=(0, 1)),
            Variable(name="output", parents=("first_equal", "second_equal"), mechanism=_same, values=(0, 1)),
        ],
        output="output",
    )
    return {
        **above,
        "identity": Hypothesis(name="identity", model=above["both"].model, variables=("a",), sampled="matched"),
        "difference": Hypothesis(name="difference", model=by_distance, variables=("difference",)),
        "distance": Hypothesis(name="distance", model=by_distance, variables=("distance",)),
        "cross": Hypothesis(name="cross", model=crosswise, variables=("first_equal",), sampled="apart"),
    }
