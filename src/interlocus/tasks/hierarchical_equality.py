"""Hierarchical equality: is (a = b) the same as (c = d)?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.causal import CausalModel, Hypothesis, Values, Variable
from interlocus.errors import SpecificationError, UnknownNameError
from interlocus.tasks._base import AbstractTask, Split

Items = Literal["gaussian", "uniform", "vocabulary"]
_PAIR = {"left": ("a", "b"), "right": ("c", "d")}
_SPLITS = get_args(Split)


class HierarchicalEquality(AbstractTask):
    """Four items a, b, c, d; the class is whether (a = b) equals (c = d).

    Each pair is equal with probability one half, independently. An equal pair is the same vector twice, an unequal one
    two independent draws.

    Args:
        item_width: numbers an item.
        items: `gaussian` (N(0, 1)), `uniform` (U[−.5, .5]), or `vocabulary`: a finite set of Gaussian vectors for each
            split, no vector in two of them, as in arXiv 2006.07968.
        vocabulary: vectors in each split's vocabulary.

    Raises:
        UnknownNameError: no such kind of items.
        SpecificationError: a width or a vocabulary that is too small.

    Hypotheses: `both` (left = (a = b) and right = (c = d)), `left`, `right`, and the rival `symmetric` (both pairs are
    equal, no pair is equal), from which the class follows as well.

        >>> task = HierarchicalEquality(item_width=2)
        >>> inputs, labels = task.examples(5, split="train", generator=torch.Generator().manual_seed(0))
        >>> tuple(inputs.shape), tuple(labels.shape)
        ((5, 8), (5,))

    Source: arXiv 2303.02536, section 4; arXiv 2006.07968.
    """

    def __init__(self, *, item_width: int = 4, items: Items = "gaussian", vocabulary: int = 100) -> None:
        if items not in get_args(Items):
            raise UnknownNameError("kind of items", items, get_args(Items))
        if item_width < 1 or vocabulary < 2:
            raise SpecificationError(
                f"Items of width {item_width} from a vocabulary of {vocabulary} are asked for.",
                "An item has at least one number, and two different items need a vocabulary of two.",
                "Raise item_width or vocabulary.",
            )
        self.item_width, self.items, self.vocabulary = item_width, items, vocabulary
        self._model = _model("left", "right", lambda left, right: (left == right).long())
        symmetric = _model("both_equal", "none_equal", torch.bitwise_or)
        self._hypotheses = {
            "both": Hypothesis(name="both", model=self._model, variables=("left", "right")),
            "left": Hypothesis(name="left", model=self._model, variables=("left",)),
            "right": Hypothesis(name="right", model=self._model, variables=("right",)),
            "symmetric": Hypothesis(name="symmetric", model=symmetric, variables=("both_equal", "none_equal")),
        }

    @property
    def name(self) -> str:
        return "hierarchical_equality"

    @property
    def input_width(self) -> int:
        return 4 * self.item_width

    @property
    def model(self) -> CausalModel:
        return self._model

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

    def encode(self, values: Values) -> Float[Tensor, "batch width"]:
        return torch.cat([values[name] for name in ("a", "b", "c", "d")], 1)

    def partner(self, values: Values, variable: str, *, split: Split, generator: torch.Generator) -> Values | None:
        if variable not in _PAIR:
            return None
        first, second = _PAIR[variable]
        kept = values[first]
        equal = (kept == values[second]).all(1, keepdim=True)
        return values | {second: torch.where(equal, self._another(kept, split, generator), kept)}

    def _two_different(self, count: int, split: Split, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Two items a row, never the same."""
        if self.items != "vocabulary":
            return self._draw(count, generator), self._draw(count, generator)
        words = self._vocabularies[split]
        one = torch.randint(len(words), (count,), generator=generator)
        other = (one + torch.randint(1, len(words), (count,), generator=generator)) % len(words)
        return words[one], words[other]

    def _another(self, items: Tensor, split: Split, generator: torch.Generator) -> Tensor:
        """For each item one that differs from it."""
        one, other = self._two_different(len(items), split, generator)
        return torch.where((one == items).all(1, keepdim=True), other, one)

    def _draw(self, count: int, generator: torch.Generator) -> Float[Tensor, "batch item_width"]:
        shape = (count, self.item_width)
        if self.items == "uniform":
            return torch.rand(shape, generator=generator) - 0.5
        return torch.randn(shape, generator=generator)

    @cached_property
    def _vocabularies(self) -> dict[str, Float[Tensor, "word item_width"]]:
        """One list of items a split. They belong to the task, not to a seed of a study."""
        words = torch.randn(len(_SPLITS) * self.vocabulary, self.item_width, generator=torch.Generator().manual_seed(0))
        assert len(torch.unique(words, dim=0)) == len(words), "two words are the same"
        return dict(zip(_SPLITS, words.split(self.vocabulary), strict=True))


def _equal(one: Tensor, other: Tensor) -> Tensor:
    return (one == other).all(-1).long()


def _neither(one: Tensor, other: Tensor) -> Tensor:
    return 1 - (one | other)


def _model(first: str, second: str, output: Callable[[Tensor, Tensor], Tensor]) -> CausalModel:
    """The causal model in which the class is computed from two of its variables."""
    return CausalModel(
        [
            *(Variable(name=name) for name in ("a", "b", "c", "d")),
            Variable(name="left", parents=("a", "b"), mechanism=_equal, values=(0, 1)),
            Variable(name="right", parents=("c", "d"), mechanism=_equal, values=(0, 1)),
            Variable(name="both_equal", parents=("left", "right"), mechanism=torch.bitwise_and, values=(0, 1)),
            Variable(name="none_equal", parents=("left", "right"), mechanism=_neither, values=(0, 1)),
            Variable(name="output", parents=(first, second), mechanism=output, values=(0, 1)),
        ],
        output="output",
    )
