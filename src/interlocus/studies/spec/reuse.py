"""The keys of a specification that describe re-use: a new question about variables that a search located."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from interlocus.causal.hypothesis import Hypothesis
from interlocus.core.errors import SpecificationError
from interlocus.core.spec import Count, Spec

QuestionRule = Literal["any", "all", "odd"]
"""Whether any of the variables is true, all are, or an odd number of them is."""
LABEL_COUNTS = (10, 30, 100, 300, 1000, 3000, 10_000)


class ReuseSpec(Spec):
    """A new question about the variables of a hypothesis, answered from a few labels in every trained network.

    Args:
        question: Whether `any`, `all` or an `odd` number of the variables are true.
        hypothesis: Name of the hypothesis whose variables the question is about; by default that of the study.
        site: Name of the site where the study searches the variables.
        size: Features per variable of the alignment that is used.
        featurizer: Featurizer of the alignment that is used.
        labels: Numbers of labels from which the question is answered, 5 or more each.
        draws: Number of times that other labels are drawn, for each number of labels.
    """

    question: QuestionRule = "any"
    hypothesis: str = ""
    site: str
    size: Count
    featurizer: str = "rotation"
    labels: Annotated[tuple[Annotated[int, Field(ge=5)], ...], Field(min_length=1)] = LABEL_COUNTS
    draws: Count = 2

    def check(self, hypothesis: Hypothesis, sizes: Sequence[int], featurizers: Sequence[str]) -> None:
        """Check that the study searches the alignment that the question needs.

        Args:
            hypothesis: The hypothesis whose variables the question is about.
            sizes: Sizes that the study searches for it at the site.
            featurizers: Featurizers with which the study searches it at the site.

        Raises:
            SpecificationError: The study does not search this alignment, or a variable has no declared values.
        """
        if self.size not in sizes or self.featurizer not in featurizers:
            searched = (
                f"It searches sizes {', '.join(map(str, sizes))} with {', '.join(featurizers)} there."
                if sizes
                else "It searches nothing for this hypothesis there."
            )
            raise SpecificationError(
                f"reuse names {hypothesis.name!r} at {self.site!r}, size {self.size}, featurizer {self.featurizer}, "
                "which the study does not search.",
                searched,
                "Name a search of the study, or add this one to it.",
            )
        continuous = [name for name in hypothesis.variables if hypothesis.model.variables[name].values is None]
        if continuous:
            raise SpecificationError(
                f"reuse asks whether {self.question} of {', '.join(hypothesis.variables)} is true.",
                f"{continuous[0]!r} is a number or a vector, which is neither true nor false.",
                "Name a hypothesis whose variables have declared values.",
            )
