"""The high-level side: a causal model of named variables with batched mechanisms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

import torch
from torch import Tensor

from interlocus.core.display import AbstractDisplayable, Display
from interlocus.core.display_graph import Node, draw_graph
from interlocus.core.errors import CausalModelError, UnknownNameError

Values = dict[str, Tensor]
"""The value of each variable for a batch of examples: `[batch]` integers, or `[batch width]` reals."""


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A variable of a causal model.

    Args:
        name: how it is called.
        parents: the variables that its mechanism takes, in that order. None of them: an input of the model.
        mechanism: tensors of the parents' values in, the tensor of this variable's values out, a row an example. Truth
            values are taken as 0 and 1.
        values: the values that it may take, for a discrete variable; `None` for a continuous one (a number or vector).

    A mechanism works on whole batches:

        >>> left = Variable(name="left", parents=("a", "b"), values=(0, 1),
        ...                 mechanism=lambda a, b: (a == b).all(-1).long())
    """

    name: str
    parents: tuple[str, ...] = ()
    mechanism: Callable[..., Tensor] | None = None
    values: tuple[int, ...] | None = None


class CausalModel(AbstractDisplayable):
    """Variables, and for each the mechanism that computes it from its parents.

    Args:
        variables: in any order.
        output: the variable that the network's class answers to.

    Raises:
        CausalModelError: two variables of one name, an unknown parent, a mechanism without parents or parents without a
            mechanism, a cycle, or an output that is not a discrete variable of the model.

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
        """For each variable those that depend on it, without itself."""
        below: dict[str, set[str]] = {name: set() for name in self.variables}
        for name in reversed(self._order):
            for parent in self.variables[name].parents:
                below[parent] |= {name} | below[name]
        return {name: frozenset(names) for name, names in below.items()}

    def follows(self, given: Iterable[str]) -> frozenset[str]:
        """The variables that can be computed from those that are given, with these."""
        known = set(given)
        for name in self._order:
            parents = self.variables[name].parents
            if parents and known.issuperset(parents):
                known.add(name)
        return frozenset(known)

    def run(self, given: Mapping[str, Tensor]) -> Values:
        """Every variable that follows from what is given.

        Args:
            given: values of the inputs, or of any variables that cut the inputs off from what is wanted. A given
                variable keeps its value whatever its parents say.

        Returns:
            The given values, and those of all variables whose parents are known.

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
        """What the variables are when some of them take the value that they have elsewhere.

        Args:
            base: values of all variables on the base examples.
            sources: for each variable that is swapped its values on its own source examples. Different variables may
                come from different sources.

        Returns:
            The values after the interchange: swapped ones from their source, their descendants computed anew, and
            everything else as in the base.

        Raises:
            UnknownNameError: a swapped variable is not in the model.

        Source: interchange intervention, arXiv 2303.02536, definition 3.
        """
        self.check_names(sources)
        changed = set().union(*(self.descendants[name] for name in sources)) - set(sources)
        kept = {name: value for name, value in base.items() if name not in changed}
        return self.run(kept | dict(sources))

    def display(self, sought: Iterable[str] = ()) -> Display:
        """Its variables, and the graph that they form; those that are sought stand out."""
        marked = frozenset(sought)
        values = {n: ", ".join(map(str, v.values)) if v.values else "" for n, v in self.variables.items()}
        title = f"{self.output} of {', '.join(self.inputs)}, by way of " + (
            ", ".join(n for n in self._order if n not in {*self.inputs, self.output}) or "nothing"
        )
        nodes = [
            Node(name=name, parents=self.variables[name].parents, note=values[name], marked=name in marked)
            for name in self.variables
        ]
        rows = [
            (
                n,
                ", ".join(self.variables[n].parents) or "input",
                values[n] or "numbers",
                "sought" if n in marked else "",
            )
            for n in self._order
        ]
        return Display(
            title=title,
            columns=("variable", "follows from", "values", "") if marked else ("variable", "follows from", "values"),
            rows=rows if marked else [row[:3] for row in rows],
            drawing=draw_graph(nodes, title=title),
        )

    def check_names(self, names: Iterable[str]) -> None:
        """Raise `UnknownNameError` for the first name that is no variable of this model."""
        for name in names:
            if name not in self.variables:
                raise UnknownNameError("variable", name, self.variables, "this causal model")


def _apply(variable: Variable, values: Values) -> Tensor:
    """Run one mechanism and hold its result against what the variable declares."""
    assert variable.mechanism is not None
    arguments = [values[parent] for parent in variable.parents]
    result = variable.mechanism(*arguments)
    count = arguments[0].shape[0]
    shape = tuple(result.shape) if isinstance(result, Tensor) else type(result).__name__
    wanted = f"[{count}]" if variable.values is not None else f"[{count}, …]"
    if (
        not isinstance(result, Tensor)
        or not result.shape
        or result.shape[0] != count
        or (variable.values is not None and result.dim() != 1)
    ):
        raise CausalModelError(
            f"The mechanism of {variable.name!r} returned {shape} for a batch of {count}.",
            f"A mechanism gives one value an example, here a tensor of shape {wanted}.",
            "Work on whole batches: reduce over the last axis, not over the first.",
        )
    if variable.values is not None:
        result = result.long() if result.dtype == torch.bool else result
        allowed = torch.tensor(variable.values, device=result.device)
        strange = result[~torch.isin(result, allowed)]
        if len(strange):
            raise CausalModelError(
                f"The mechanism of {variable.name!r} returned {strange[0].item()}.",
                f"The variable declares the values {list(variable.values)}.",
                "Declare that value too, or mend the mechanism.",
            )
    return result


def _check(variables: Sequence[Variable], output: str) -> None:
    names = [variable.name for variable in variables]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise CausalModelError(
            f"Two variables are called {twice[0]!r}.",
            "A name stands for one variable.",
            "Give one of them another name.",
        )
    for variable in variables:
        for parent in variable.parents:
            if parent not in names:
                raise UnknownNameError("variable", parent, names, f"the model (a parent of {variable.name!r})")
        if bool(variable.parents) != (variable.mechanism is not None):
            raise CausalModelError(
                f"Variable {variable.name!r} has {'parents' if variable.parents else 'a mechanism'} only.",
                "A variable is either an input (neither) or computed (both).",
                "Pass both parents and mechanism, or leave both out.",
            )
    if output not in names:
        raise UnknownNameError("variable", output, names, "the model (its output)")
    if next(variable for variable in variables if variable.name == output).values is None:
        raise CausalModelError(
            f"The output {output!r} declares no values.",
            "The network answers with a class, so the output must be discrete.",
            "Declare its values, for instance values=(0, 1).",
        )


def _topological(variables: Mapping[str, Variable]) -> tuple[str, ...]:
    """The names, parents before children."""
    try:
        return tuple(TopologicalSorter({name: variable.parents for name, variable in variables.items()}).static_order())
    except CycleError as error:
        raise CausalModelError(
            f"The variables {' → '.join(error.args[1])} depend on each other in a circle.",
            "A causal model computes each variable from earlier ones.",
            "Take one arrow of the circle out.",
        ) from None
