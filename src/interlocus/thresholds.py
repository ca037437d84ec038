"""From where on a score counts: what a person may set in a study."""

from __future__ import annotations

from pydantic import Field

from interlocus.budget import Share, Written
from interlocus.errors import SpecificationError


class Thresholds(Written):
    """The bars of a verdict; what each decides stands in docs/verdicts.md.

    Args:
        found: the lower end of the IIA of what is found is at least this.
        cell: so is that of its smallest cell.
        gap: interventions from two sources score at most so much less or more than single ones.
        live: share of swaps that change the answer; below it nothing was swapped.
        pure: R² of the features on the operands, among examples of equal value, up to which only the value passes.
        ways: each direction of change works at least so often; a one-sided trick has none of the cases of one.
        power: lower end of the share of networks with a planted variable in which the search finds it.
        agreement: share of its own answers that a network keeps when a site is confined to its used subspace.
    """

    found: Share = 0.95
    cell: Share = 0.90
    gap: Share = 0.03
    live: Share = 0.02
    pure: Share = 0.05
    ways: Share = 0.50
    power: Share = 0.80
    agreement: Share = Field(default=0.999, gt=0.5, lt=1)

    def check(self) -> None:
        """Hold thresholds against each other.

        Raises:
            SpecificationError: two of them contradict each other.
        """
        for low, high in (("cell", "found"), ("ways", "cell")):
            if getattr(self, low) > getattr(self, high):
                raise SpecificationError(
                    f"The threshold {low!r} is {getattr(self, low):g} and {high!r} is {getattr(self, high):g}.",
                    f"What passes the first passes the second as well, so {high!r} would decide nothing.",
                    f"Set {low} to at most {getattr(self, high):g}.",
                )
        if not 0 < self.found < 1 or not 0 < self.power < 1:
            raise SpecificationError(
                f"The thresholds found and power are {self.found:g} and {self.power:g}.",
                "An interval never reaches 1, and above 0 everything would pass.",
                "Set both between 0 and 1, for instance to .95 and .8.",
            )
