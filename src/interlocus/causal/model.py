"""Causal models: named variables, and mechanisms that compute them in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

import torch
from torch import Tensor

from interlocus.core.display import AbstractDisplayable, Display, Node, draw_graph
from interlocus.core.errors import CausalModelError, UnknownNameError

Values = dict[str, Tensor]
"""The value of each variable for a batch of examples: `[batch]` integers, or `[batch width]` reals."""


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A variable of a causal model.

    Args:
        name: Name of the variable, unique in its model.
        parents: Names of the variables that the mechanism takes, in that order; empty for an input of the model.
        mechanism: Takes one tensor of values for each parent, the first axis being the batch, and returns this
            variable's values for the same examples. Booleans count as 0 and 1. `None` for an input.
        values: All values of a discrete variable; `None` for a continuous one, whose values are numbers or vectors.

    A mechanism works on whole batches:

        >>> left = Variable(name="left", parents=("a", "b"), values=(0, 1),
        ...                 mechanism=lambda a, b: (a == b).all(-1).long())
    """

    name: str
    parents: tuple[str, ...] = ()
    mechanism: Callable[..., Tensor] | None = None
    values: tuple[int, ...] | None = None


class CausalModel(AbstractDisplayable):
    """A deterministic causal model: variables, and mechanisms that compute them from their parents.

    Args:
        variables: The variables in any order.
        output: Name of the discrete variable that is the network's class: value number i is class i.

    Raises:
        UnknownNameError: a parent or the output is not among the variables.
        CausalModelError: two variables have the same name, a variable has a mechanism without parents or parents
            without a mechanism, the parents form a cycle, or the output is continuous.

    Source: Geiger et al. 2023 (arXiv 2303.02536), definition 1.
    """

    def __init__(self, variables: Sequence[Variable], *, output: str) -> None:
        self.variables = {variable.name: variable for variable in variables}
        self.output = output
        _check(variables, output)
        self._order = _topological(self.variables)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The variables without parents."""
        return tuple(name for name, variable in self.variables.items() if not variable.parents)

    @property
    def discrete(self) -> tuple[str, ...]:
        """The variables with declared values."""
        return tuple(name for name, variable in self.variables.items() if variable.values is not None)

    @cached_property
    def descendants(self) -> dict[str, frozenset[str]]:
        """For each variable, the variables that depend on it; it is not among them itself."""
        below: dict[str, set[str]] = {name: set() for name in self.variables}
        for name in reversed(self._order):
            for parent in self.variables[name].parents:
                below[parent] |= {name} | below[name]
        return {name: frozenset(names) for name, names in below.items()}

    def follows(self, given: Iterable[str]) -> frozenset[str]:
        """All variables that can be computed from the given ones, and the given ones themselves.

        Args:
            given: Names of variables whose values are known.
        """
        known = set(given)
        for name in self._order:
            parents = self.variables[name].parents
            if parents and known.issuperset(parents):
                known.add(name)
        return frozenset(known)

    def run(self, given: Mapping[str, Tensor]) -> Values:
        """Compute every variable that follows from the given values.

        Args:
            given: Values by variable name, the first axis being the batch: of the inputs, or of other variables. A
                given variable keeps its value, whatever its mechanism would return.

        Returns:
            The given values, and the values of all variables that can be computed from them.

        Raises:
            UnknownNameError: a value is given for a variable that is not in the model.
            CausalModelError: a mechanism returns a wrong shape or an undeclared value.
        """
        self.check_names(given)
        values = dict(given)
        for name in self._order:
            variable = self.variables[name]
            if name not in values and variable.parents and all(parent in values for parent in variable.parents):
                values[name] = _apply(variable, values)
        return values

    def interchange(self, base: Mapping[str, Tensor], sources: Mapping[str, Tensor]) -> Values:
        """The values after an interchange intervention.

        Args:
            base: Values by variable name on the base examples; at least those that the output needs.
            sources: Values by name of each swapped variable, on its source examples. Different variables may come from
                different sources.

        Returns:
            Swapped variables as in their source, their descendants recomputed, and all others as in the base.

        Raises:
            UnknownNameError: a swapped variable is not in the model.

        Source: interchange intervention, arXiv 2303.02536, definition 3.
        """
        self.check_names(sources)
        changed = set().union(*(self.descendants[name] for name in sources)) - set(sources)
        unchanged = {name: value for name, value in base.items() if name not in changed}
        return self.run(unchanged | dict(sources))

    def display(self, highlighted: Iterable[str] = ()) -> Display:
        """The variables as a table, and the graph as a drawing.

        Args:
            highlighted: Names of variables that stand out, such as those of a hypothesis.
        """
        marked = frozenset(highlighted)
        values = {n: ", ".join(map(str, v.values)) if v.values else "" for n, v in self.variables.items()}
        between = [name for name in self._order if name not in {*self.inputs, self.output}]
        title = f"{self.output} of {', '.join(self.inputs)}, computed through {', '.join(between) or 'nothing'}"
        nodes = [
            Node(name=name, parents=variable.parents, note=values[name], marked=name in marked)
            for name, variable in self.variables.items()
        ]
        rows = [
            (
                name,
                ", ".join(self.variables[name].parents) or "input",
                values[name] or "numbers",
                "in the hypothesis" if name in marked else "",
            )
            for name in self._order
        ]
        return Display(
            title=title,
            columns=("variable", "parents", "values", "") if marked else ("variable", "parents", "values"),
            rows=rows if marked else [row[:3] for row in rows],
            drawing=draw_graph(nodes, title=title),
        )

    def check_names(self, names: Iterable[str]) -> None:
        """Check that all names are variables of this model.

        Args:
            names: Names to look up among the variables.

        Raises:
            UnknownNameError: the first name that is not in the model.
        """
        for name in names:
            if name not in self.variables:
                raise UnknownNameError("variable", name, self.variables, "this causal model")


def _apply(variable: Variable, values: Values) -> Tensor:
    """Run the mechanism of a variable and check that the result is what the variable declares."""
    assert variable.mechanism is not None
    arguments = [values[parent] for parent in variable.parents]
    result = variable.mechanism(*arguments)
    _check_shape(variable, result, arguments[0].shape[0])
    if variable.values is not None:
        result = result.long() if result.dtype == torch.bool else result
        declared = torch.tensor(variable.values, device=result.device)
        undeclared = result[~torch.isin(result, declared)]
        if len(undeclared):
            raise CausalModelError(
                f"The mechanism of {variable.name!r} returned {undeclared[0].item()}.",
                f"The variable declares the values {list(variable.values)}.",
                "Declare that value too, or correct the mechanism.",
            )
    return result


def _check_shape(variable: Variable, result: object, count: int) -> None:
    """Check that a mechanism returned one value for each of `count` examples."""
    shape: tuple[int, ...] | str = type(result).__name__
    if isinstance(result, Tensor):
        shape = tuple(result.shape)
        if shape and shape[0] == count and (variable.values is None or result.dim() == 1):
            return
    expected = f"[{count}]" if variable.values is not None else f"[{count}, …]"
    raise CausalModelError(
        f"The mechanism of {variable.name!r} returned {shape} for a batch of {count}.",
        f"A mechanism must return one value for each example, here a tensor of shape {expected}.",
        "Work on whole batches: reduce over the last axis, not over the first.",
    )


def _check(variables: Sequence[Variable], output: str) -> None:
    names = [variable.name for variable in variables]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise CausalModelError(
            f"Two variables have the name {twice[0]!r}.",
            "Variables are identified by their names.",
            "Rename one of the two variables.",
        )
    for variable in variables:
        for parent in variable.parents:
            if parent not in names:
                raise UnknownNameError("variable", parent, names, f"the model (a parent of {variable.name!r})")
        if bool(variable.parents) != (variable.mechanism is not None):
            raise CausalModelError(
                f"Variable {variable.name!r} has "
                + ("parents but no mechanism." if variable.parents else "a mechanism but no parents."),
                "A variable is either an input, with neither of them, or computed, with both.",
                "Pass both parents and mechanism, or leave both out.",
            )
    if output not in names:
        raise UnknownNameError("variable", output, names, "the model (its output)")
    if next(variable for variable in variables if variable.name == output).values is None:
        raise CausalModelError(
            f"The output {output!r} declares no values.",
            "The output is the network's class, so it must be discrete.",
            "Declare its values, for instance values=(0, 1).",
        )


def _topological(variables: Mapping[str, Variable]) -> tuple[str, ...]:
    """The names of all variables, parents before children."""
    try:
        return tuple(TopologicalSorter({name: variable.parents for name, variable in variables.items()}).static_order())
    except CycleError as error:
        raise CausalModelError(
            f"The variables {' → '.join(error.args[1])} form a cycle.",
            "A causal model computes each variable from others that are known before.",
            "Remove one parent from the cycle.",
        ) from None
