"""Which examples to ask: pools of inputs, and interventions as index tuples into them."""

from __future__ import annotations

from dataclasses import dataclass, field

from jaxtyping import Float
from torch import Tensor

from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.model import Values
from interlocus.core.errors import SpecificationError


@dataclass(frozen=True, kw_only=True)
class Examples:
    """Inputs with the values of the causal variables on them.

    Args:
        inputs: `[row, width]`, what the network is shown.
        values: on each row the value of every discrete variable, and of the continuous ones that hypotheses ask for.
        count: the first so many rows are free examples; what else there is lies behind them.
        partners: for a variable the first row of its partners: row `partners[v] + i` is row i with only v changed.
        matched: for a variable the first row of sources that fit: row `matched[v] + i` is one for the base in row i.
        apart: for a hypothesis the first of `count` examples of its own.
    """

    inputs: Float[Tensor, "row width"]
    values: Values
    count: int
    partners: dict[str, int] = field(default_factory=dict)
    matched: dict[str, int] = field(default_factory=dict)
    apart: dict[str, int] = field(default_factory=dict)

    def rows(self, hypothesis: Hypothesis) -> slice:
        """The rows that bases and free sources of a hypothesis are drawn from.

        Raises:
            SpecificationError: the pool lacks the examples that the hypothesis needs.
        """
        lacks_sources = hypothesis.sampled == "matched" and not set(hypothesis.variables) <= set(self.matched)
        if lacks_sources or (hypothesis.sampled == "apart" and hypothesis.name not in self.apart):
            raise SpecificationError(
                f"Hypothesis {hypothesis.name!r} is asked, and the pool has no examples for it.",
                "With the task's own examples its labels would not depend on what is swapped.",
                f"Draw the pool with for_hypotheses=({hypothesis.name!r},).",
            )
        first = self.apart[hypothesis.name] if hypothesis.sampled == "apart" else 0
        return slice(first, first + self.count)
