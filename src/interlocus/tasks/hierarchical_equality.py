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
_PAIR = {"left": ("a", "b"), "right": ("c", "d")}
_SPLITS = get_args(Split)
NEARNESS = 0.1
"""How far apart near items lie, as a share of how far apart others do."""


class HierarchicalEquality(AbstractTask):
    """Four items a, b, c, d; the class is whether (a = b) equals (c = d).

    Each pair is equal with probability one half, independently. An equal pair is the same vector twice, an unequal one
    two independent draws.

    Args:
        item_width: numbers an item.
        items: `gaussian` (N(0, 1)), `uniform` (U[−.5, .5]), or `vocabulary`: a finite set of Gaussian vectors for each
            split, no vector in two of them, as in arXiv 2006.07968.
        vocabulary: vectors in each split's vocabulary.
        spread: items are so many times as wide.
        near: share of unequal pairs whose second item is the first with a tenth of another draw added.

    Raises:
        UnknownNameError: no such kind of items.
        SpecificationError: a width, a vocabulary or a spread that is too small, or a share that is none.

    Hypotheses: `both` (left = (a = b) and right = (c = d)), `left`, `right`. Their rivals:

    - `symmetric`: both pairs are equal, no pair is equal; from these the class follows as well.
    - `count`: how many pairs are equal; `output`: the class itself. A swap of either asks for the source's class.
    - `identity`: the item a. In half of the interventions the source's a is the base's b.
    - `difference`: the vector a − b, and `distance`: ‖a − b‖. They lie before `left` on the only way to the class, so
      a swap of either asks for the very label that a swap of `left` asks for: such hypotheses differ in what the
      features are said to hold and in where searches start, never in a label.
    - `cross`: (a = c) where the class is computed as (a = c) = (b = d). It is asked on examples of its own, on which
      that gives the class too: see `apart`.

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
            raise UnknownNameError("kind of items", items, get_args(Items))
        if item_width < 1 or vocabulary < 2:
            raise SpecificationError(
                f"Items of width {item_width} from a vocabulary of {vocabulary} are asked for.",
                "An item has at least one number, and two different items need a vocabulary of two.",
                "Raise item_width or vocabulary.",
            )
        if spread <= 0 or not 0 <= near <= 1:
            raise SpecificationError(
                f"Items {spread} times as wide are asked for, of which {near} are near-equal.",
                "Items without a width are all equal, and a share lies between 0 and 1.",
                "Use spread=1 and near=0, say.",
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
        for first, second in _PAIR.values():
            equal = torch.rand(count, 1, generator=generator) < 0.5
            values[first], other = self._two_different(count, split, generator)
            values[second] = torch.where(equal, values[first], other)
        return values

    def shifted(self) -> HierarchicalEquality:
        """Items twice as wide, and every second unequal pair nearly equal."""
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
        if variable not in _PAIR:
            return None
        first, second = _PAIR[variable]
        kept = values[first]
        equal = (kept == values[second]).all(1, keepdim=True)
        return values | {second: torch.where(equal, self._another(kept, split, generator), kept)}

    def matched(self, values: Values, variable: str, *, split: Split, generator: torch.Generator) -> Values:
        """Sources whose item a is the base's b: swapped in, it makes an unequal pair equal and keeps an equal one."""
        if variable != "a":
            return super().matched(values, variable, split=split, generator=generator)
        sources = self.sample(len(values["b"]), split=split, generator=generator)
        equal = (sources["a"] == sources["b"]).all(1, keepdim=True)
        return sources | {
            "a": values["b"],
            "b": torch.where(equal, values["b"], self._another(values["b"], split, generator)),
        }

    def apart(self, hypothesis: str, count: int, *, split: Split, generator: torch.Generator) -> Values:
        """Examples of `cross`: two words, and each item is one of them.

        Then items are bits, both (a = b) = (c = d) and (a = c) = (b = d) are their parity, and each of the four
        equalities holds in one half. The task's own examples have a = c in none.
        """
        if hypothesis != "cross":
            return super().apart(hypothesis, count, split=split, generator=generator)
        words = self._two_different(count, split, generator)
        return {name: torch.where(torch.rand(count, 1, generator=generator) < 0.5, *words) for name in "abcd"}

    def _two_different(self, count: int, split: Split, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Two items a row, never the same."""
        if self.items != "vocabulary":
            one, other = self._draw(count, generator), self._draw(count, generator)
        else:
            words = self._vocabularies[split]
            rows = torch.randint(len(words), (count,), generator=generator)
            one = words[rows]
            other = words[(rows + torch.randint(1, len(words), (count,), generator=generator)) % len(words)]
        return one, self._some_near(one, other, generator)

    def _another(self, items: Tensor, split: Split, generator: torch.Generator) -> Tensor:
        """For each item one that differs from it."""
        one, other = self._two_different(len(items), split, generator)
        return self._some_near(items, torch.where((one == items).all(1, keepdim=True), other, one), generator)

    def _some_near(self, items: Tensor, others: Tensor, generator: torch.Generator) -> Tensor:
        """Others, some of which are made to lie near the items."""
        if not self.near:
            return others
        moved = items + NEARNESS * self._draw(len(items), generator)
        return torch.where(torch.rand(len(items), 1, generator=generator) < self.near, moved, others)

    def _draw(self, count: int, generator: torch.Generator) -> Float[Tensor, "batch item_width"]:
        shape = (count, self.item_width)
        if self.items == "uniform":
            return (torch.rand(shape, generator=generator) - 0.5) * self.spread
        return torch.randn(shape, generator=generator) * self.spread

    @cached_property
    def _vocabularies(self) -> dict[str, Float[Tensor, "word item_width"]]:
        """One list of items a split. They belong to the task, not to a seed of a study."""
        words = torch.randn(len(_SPLITS) * self.vocabulary, self.item_width, generator=torch.Generator().manual_seed(0))
        assert len(torch.unique(words, dim=0)) == len(words), "two words are the same"
        return dict(zip(_SPLITS, (words * self.spread).split(self.vocabulary), strict=True))


def _equal(one: Tensor, other: Tensor) -> Tensor:
    return (one == other).all(-1).long()


def _is_zero(distance: Tensor) -> Tensor:
    return (distance == 0).all(-1).long()


def _norm(difference: Tensor) -> Tensor:
    return difference.norm(dim=-1, keepdim=True)


def _same(one: Tensor, other: Tensor) -> Tensor:
    return (one == other).long()


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
