"""What a person writes of re-use: a new question about variables that were found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from interlocus.causal.hypothesis import Hypothesis
from interlocus.core.errors import SpecificationError
from interlocus.core.spec import Count, Spec

Rule = Literal["any", "all", "odd"]
"""Is any of the variables true, are all, is an odd number of them?"""
COUNTS = (10, 30, 100, 300, 1000, 3000, 10_000)


class ReuseSpec(Spec):
    """A new question about the variables of a hypothesis, answered from a few labels in every trained network.

    Args:
        question: `any`, `all` or `odd` of the variables.
        hypothesis: whose variables; by default that of the study.
        site: where they were found.
        size: in how many features each.
        featurizer: with which maps.
        labels: how many are given.
        draws: how often others are drawn.
    """

    question: Rule = "any"
    hypothesis: str = ""
    site: str
    size: Count
    featurizer: str = "rotation"
    labels: Annotated[tuple[Annotated[int, Field(ge=5)], ...], Field(min_length=1)] = COUNTS
    draws: Count = 2

    def check(self, hypothesis: Hypothesis, sizes: Sequence[int], featurizers: Sequence[str]) -> None:
        """Hold it against what a study searches at its site.

        Args:
            hypothesis: whose variables.
            sizes: that are searched there for it.
            featurizers: likewise.

        Raises:
            SpecificationError: such an alignment is not searched, or a variable has no values.
        """
        if self.size not in sizes or self.featurizer not in featurizers:
            raise SpecificationError(
                f"Re-use asks for {hypothesis.name!r} at {self.site!r}, size {self.size}, {self.featurizer}.",
                f"The study does not search that; it has {_listed(sizes, featurizers)} there.",
                "Name a search of the study, or add one.",
            )
        continuous = [name for name in hypothesis.variables if hypothesis.model.variables[name].values is None]
        if continuous:
            raise SpecificationError(
                f"Re-use asks whether {self.question} of {', '.join(hypothesis.variables)} is true.",
                f"{continuous[0]!r} is a number or a vector, and neither true nor false.",
                "Name a hypothesis whose variables have values.",
            )


def _listed(sizes: Sequence[int], featurizers: Sequence[str]) -> str:
    return f"sizes {', '.join(map(str, sizes))} with {', '.join(featurizers)}" if sizes else "nothing"
