"""Examples: inputs of a network with the values of the causal variables on them."""

from __future__ import annotations

from dataclasses import dataclass, field

from jaxtyping import Float
from torch import Tensor

from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.model import Values
from interlocus.core.errors import SpecificationError


@dataclass(frozen=True, kw_only=True)
class Examples:
    """A pool of examples, from which interventions draw their bases and sources by row.

    The first `count` rows are drawn freely from the task. Behind them lie blocks of `count` rows for special purposes;
    each block is named by its first row.

    Args:
        inputs: `[row, width]`, the inputs of the network.
        values: For each row, the values of every discrete variable and of the continuous ones that hypotheses need.
        count: Number of freely drawn rows, and of the rows of each block.
        partners: Blocks of minimal pairs, by variable: row `partners[v] + i` is row i with only v changed.
        matched: Blocks of matched sources, by variable: row `matched[v] + i` is a source made for the base in row i.
        apart: Blocks of examples that belong to one hypothesis, by the name of that hypothesis.
        transitions: Rows at the end that were chosen by the value of a variable, for its rare transitions, by the names
            of the hypothesis and of the variable. Natural interventions do not use them.
    """

    inputs: Float[Tensor, "row width"]
    values: Values
    count: int
    partners: dict[str, int] = field(default_factory=dict)
    matched: dict[str, int] = field(default_factory=dict)
    apart: dict[str, int] = field(default_factory=dict)
    transitions: dict[tuple[str, str], slice] = field(default_factory=dict)

    def rows(self, hypothesis: Hypothesis) -> slice:
        """The rows from which bases and free sources of a hypothesis are drawn.

        Args:
            hypothesis: A hypothesis of the task.

        Raises:
            SpecificationError: the examples that the hypothesis needs were not drawn.
        """
        lacks_sources = hypothesis.sampled == "matched" and not set(hypothesis.variables) <= set(self.matched)
        if lacks_sources or (hypothesis.sampled == "apart" and hypothesis.name not in self.apart):
            raise SpecificationError(
                f"These examples include none for hypothesis {hypothesis.name!r}, which needs examples of its own.",
                "On the task's usual examples its labels would not depend on the swapped variables.",
                f"Draw the examples with for_hypotheses=({hypothesis.name!r},).",
            )
        first = self.apart[hypothesis.name] if hypothesis.sampled == "apart" else 0
        return slice(first, first + self.count)
