"""Two variants of hierarchical equality: one pair is rarely equal, or a variable almost agrees with an equality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import torch
from torch import Tensor

from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.model import CausalModel, Values, Variable
from interlocus.core.errors import SpecificationError
from interlocus.tasks._base import Split
from interlocus.tasks.hierarchical_equality import HierarchicalEquality


class RareEquality(HierarchicalEquality):
    """Hierarchical equality in which the first pair is rarely equal.

    Args:
        item_width: Number of components of an item, at least 1.
        share: Share of the examples in which a = b, between 0 and 1.

    Raises:
        SpecificationError: `share` is not between 0 and 1.
    """

    def __init__(self, *, item_width: int = 4, share: float = 0.1) -> None:
        super().__init__(item_width=item_width)
        _check_share(share)
        self.share = share

    @property
    def name(self) -> str:
        return "rare_equality"

    @property
    def roots(self) -> Mapping[str, Sequence[float] | None]:
        return {"left": (1 - self.share, self.share), "right": None}

    def sample(self, count: int, *, split: Split, generator: torch.Generator) -> Values:
        values = super().sample(count, split=split, generator=generator)
        equal = torch.rand(count, 1, generator=generator) < self.share
        other = self._different(values["a"], split, generator)
        return {**values, "b": torch.where(equal, values["a"], other)}

    def shifted(self) -> None:
        """There is no other distribution of this task."""


class NearMissEquality(HierarchicalEquality):
    """Hierarchical equality, and a variable that agrees with (a = b) in most examples only.

    The variable `nearly_left` is (a = b), flipped where the first component of c is large. The hypothesis `nearly`
    (`nearly_left` and `right`) is wrong of a network that works with (a = b): if such a network exchanges (a = b), the
    label of the hypothesis differs in 2 q (1 − q) of the interchanges of `nearly_left`, q being the share of flips.

    Args:
        item_width: Number of components of an item, at least 1.
        share: q, the share of examples in which `nearly_left` differs from (a = b), between 0 and 1.

    Raises:
        SpecificationError: `share` is not between 0 and 1.
    """

    def __init__(self, *, item_width: int = 4, share: float = 0.06) -> None:
        super().__init__(item_width=item_width)
        _check_share(share)
        self.share = share
        self._threshold = float(torch.special.ndtri(torch.tensor(1 - share, dtype=torch.float64)))

    @property
    def name(self) -> str:
        return "near_miss"

    @property
    def roots(self) -> Mapping[str, Sequence[float] | None]:
        return {}

    @property
    def hypotheses(self) -> Mapping[str, Hypothesis]:
        return self._with_near_miss

    @cached_property
    def _with_near_miss(self) -> Mapping[str, Hypothesis]:
        items = [Variable(name=name) for name in "abcd"]
        model = CausalModel(
            [
                *items,
                Variable(name="flipped", parents=("c",), mechanism=self._flipped, values=(0, 1)),
                Variable(name="nearly_left", parents=("a", "b", "flipped"), mechanism=_equal_or_flipped, values=(0, 1)),
                Variable(name="right", parents=("c", "d"), mechanism=_equal, values=(0, 1)),
                Variable(name="output", parents=("nearly_left", "flipped", "right"), mechanism=_same, values=(0, 1)),
            ],
            output="output",
        )
        nearly = Hypothesis(name="nearly", model=model, variables=("nearly_left", "right"))
        both = super().hypotheses["both"]
        return {"nearly": nearly, "both": both, "output": super().hypotheses["output"]}

    def _flipped(self, item: Tensor) -> Tensor:
        return (item[..., 0] > self._threshold).long()

    def partner(self, values: Values, variable: str, *, split: Split, generator: torch.Generator) -> Values | None:
        known = "left" if variable == "nearly_left" else variable
        return super().partner(values, known, split=split, generator=generator)

    def shifted(self) -> None:
        """There is no other distribution of this task."""


def _check_share(share: float) -> None:
    if not 0 < share < 1:
        raise SpecificationError(
            f"share is {share:g}.",
            "It is a share of the examples.",
            "Set it between 0 and 1, for instance to .05.",
        )


def _equal(first: Tensor, second: Tensor) -> Tensor:
    return (first == second).all(-1).long()


def _equal_or_flipped(first: Tensor, second: Tensor, flipped: Tensor) -> Tensor:
    return _equal(first, second) ^ flipped


def _same(nearly: Tensor, flipped: Tensor, right: Tensor) -> Tensor:
    return ((nearly ^ flipped) == right).long()
