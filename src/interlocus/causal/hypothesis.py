"""Hypotheses: which variables of a causal model a network may compute."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Literal

from interlocus.causal.model import CausalModel
from interlocus.core.display import AbstractDisplayable, Display
from interlocus.core.errors import CausalModelError

Sampled = Literal["freely", "matched", "apart"]
"""Where the examples of a hypothesis come from, so that its labels depend on the swapped variables.

- `freely`: bases and sources are drawn independently from the task's examples.
- `matched`: half of the sources are made for their base. Use it for a variable that is compared with another item of
  the base: an item from an independent source would almost never equal that item.
- `apart`: bases and sources come from examples that belong to this hypothesis. Use it where the variable would never
  be true in the task's examples.
"""


@dataclass(frozen=True, kw_only=True, repr=False)
class Hypothesis(AbstractDisplayable):
    """The claim that a site of the network holds some variables of a causal model, each in separate features.

    Args:
        name: Name of the hypothesis, unique within its task.
        model: The causal model that gives the counterfactual labels.
        variables: Names of the variables that are searched for together; at least one, none a descendant of another.
        sampled: Where the examples of interventions come from; see `Sampled`.

    Raises:
        UnknownNameError: one of the variables is not in the model.
        CausalModelError: there are no variables, one occurs twice, one has no effect on the output, or one depends on
            another.
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
                "A hypothesis needs one variable, or several different ones.",
                "Name each variable once.",
            )
        for variable in self.variables:
            if variable != self.model.output and self.model.output not in self.model.descendants[variable]:
                raise CausalModelError(
                    f"Hypothesis {self.name!r} names {variable!r}, on which the output does not depend.",
                    "An interchange of this variable could never change the label.",
                    "Name a variable between the inputs and the output.",
                )

        for ancestor, variable in itertools.permutations(self.variables, 2):
            if variable in self.model.descendants[ancestor]:
                raise CausalModelError(
                    f"Hypothesis {self.name!r} names {ancestor!r} and {variable!r}, which depends on {ancestor!r}.",
                    "Where only one of them is swapped, the other would contradict it.",
                    "Make a separate hypothesis for each of them.",
                )

    def display(self) -> Display:
        """The causal model, with the variables of the hypothesis marked."""
        return replace(
            self.model.display(self.variables), title=f"{self.name}: hypothesis on {', '.join(self.variables)}"
        )

    @property
    def needed(self) -> tuple[str, ...]:
        """The variables whose values on the base determine the output, together with the swapped variables."""
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
        """The kinds of intervention, each as the variables that it swaps: each variable alone, and all of them jointly.

        In a joint intervention, each variable comes from a different source. The joint kind stands in the middle, so
        that with two variables the rows in which one of them is swapped are contiguous.
        """
        singles = [(variable,) for variable in self.variables]
        joint = [self.variables] if len(self.variables) > 1 else []
        middle = len(singles) // 2
        return tuple(singles[:middle] + joint + singles[middle:])
