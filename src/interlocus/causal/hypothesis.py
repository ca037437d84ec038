"""The high-level side: a causal model of named variables with batched mechanisms."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Literal

from interlocus.causal.model import CausalModel
from interlocus.core.display import AbstractDisplayable, Display
from interlocus.core.errors import CausalModelError

Sampled = Literal["freely", "matched", "apart"]
"""Where the examples of a hypothesis come from, so that its labels depend on what is swapped.

- `freely`: bases and sources are the task's examples, drawn independently.
- `matched`: half of the sources are made to fit their base. An item from a free source, put beside another item of the
  base, would as good as never equal it.
- `apart`: bases and sources are examples of its own, where the task's would never make the variable true.
"""


@dataclass(frozen=True, kw_only=True, repr=False)
class Hypothesis(AbstractDisplayable):
    """Variables of a causal model that a place in the network may hold, each in its own features.

    Args:
        name: how it is called.
        model: the causal model that gives the counterfactual labels.
        variables: the variables that are sought together.
        sampled: where its examples come from.

    Raises:
        UnknownNameError: one of them is not in the model.
        CausalModelError: none is given, one is given twice, the output does not depend on one of them, or one depends
            on another.
    """

    name: str
    model: CausalModel
    variables: tuple[str, ...]
    sampled: Sampled = "freely"

    def __post_init__(self) -> None:
        self.model.check_names(self.variables)
        if not self.variables or len(set(self.variables)) < len(self.variables):
            raise CausalModelError(
                f"Hypothesis {self.name!r} names the variables {list(self.variables)}.",
                "It seeks one variable or several different ones.",
                "Name each variable once.",
            )
        for variable in self.variables:
            if variable != self.model.output and self.model.output not in self.model.descendants[variable]:
                raise CausalModelError(
                    f"The output does not depend on {variable!r}.",
                    "An interchange of it could never change the label.",
                    "Seek a variable on the way to the output.",
                )

        for one, other in itertools.permutations(self.variables, 2):
            if other in self.model.descendants[one]:
                raise CausalModelError(
                    f"The variable {other!r} depends on {one!r}, and both are sought together.",
                    "Where only one of them is swapped, the other could not follow.",
                    "Seek them one by one.",
                )

    def display(self) -> Display:
        """The causal model, with the variables that are sought."""
        return replace(self.model.display(self.variables), title=f"{self.name}: {', '.join(self.variables)} are sought")

    @property
    def needed(self) -> tuple[str, ...]:
        """Variables whose value on the base the output needs after an interchange."""
        changed = set().union(*(self.model.descendants[name] for name in self.variables))
        needed: set[str] = set()
        waiting = [self.model.output]
        while waiting:
            name = waiting.pop()
            if name in self.variables:
                continue
            if name in changed:
                waiting.extend(self.model.variables[name].parents)
            else:
                needed.add(name)
        return tuple(sorted(needed))

    @property
    def kinds(self) -> tuple[tuple[str, ...], ...]:
        """The kinds of intervention that are asked: each variable alone, and all at once from different sources.

        The joint kind stands in the middle, so that with two variables the rows of each lie together.
        """
        singles = [(variable,) for variable in self.variables]
        joint = [self.variables] if len(self.variables) > 1 else []
        middle = len(singles) // 2
        return tuple(singles[:middle] + joint + singles[middle:])
