"""Which examples to ask: pools of inputs, and interventions as index tuples into them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, get_args

import torch
from jaxtyping import Int
from torch import Tensor

from interlocus.causal.examples import Examples
from interlocus.causal.hypothesis import Hypothesis
from interlocus.core.errors import SpecificationError, UnknownNameError

Sampling = Literal["natural", "balanced", "minimal_pairs", "restoring"]
"""How bases and sources are chosen.

- `natural`: independently, as the task draws its examples; a hypothesis may ask for others (`causal.Sampled`).
- `balanced`: so that the label differs from the base's in half of the interventions of each kind.
- `minimal_pairs`: the source differs from the base in the swapped variable only.
- `restoring`: the source has the last of a swapped variable's values and the base another, so equality is only ever
  restored, never broken. A first phase, before one that asks for both.
"""

CANDIDATES = 16
"""Sources tried for each base by balanced sampling; a share p of wanted ones is missed with probability (1 − p)^16."""


class KindRows(NamedTuple):
    """The rows of a batch that hold interventions of one kind."""

    kind: tuple[str, ...]
    rows: slice


@dataclass(frozen=True, kw_only=True)
class Interventions:
    """Interchange interventions on a pool, and what the causal model says of them.

    A variable that is not swapped in a row has the base as its source, so nothing is added for it.

    Args:
        base: rows of the bases.
        sources: rows of the sources of each variable.
        labels: the output of the causal model after the interchange.
        places: for each variable the smallest slice of a batch that holds every row in which it is swapped.
    """

    base: Int[Tensor, " *steps batch"]
    sources: Int[Tensor, "variable ... batch"]
    labels: Int[Tensor, " *steps batch"]
    places: tuple[slice, ...]

    def __getitem__(self, index: int | slice) -> Interventions:
        """The interventions of one step, or of some steps."""
        return replace(self, base=self.base[index], sources=self.sources[:, index], labels=self.labels[index])


def draw(
    pool: Examples,
    hypothesis: Hypothesis,
    *,
    shape: tuple[int, ...],
    sampling: Sampling = "natural",
    generator: torch.Generator,
) -> Interventions:
    """Draw interventions; the last axis of `shape` is the batch, in equal parts of each kind of the hypothesis.

    Raises:
        UnknownNameError: no such sampling.
        SpecificationError: minimal pairs are asked of a pool without partners, a variable cannot be restored, or a
            hypothesis needs examples of its own and the pool has none.
    """
    if sampling not in get_args(Sampling):
        raise UnknownNameError("sampling", sampling, get_args(Sampling))
    layout = kind_rows(hypothesis, shape[-1])
    propose = {"minimal_pairs": _partners, "restoring": _restoring}.get(sampling, _free)
    base, sources = propose(pool, hypothesis, shape, layout, generator)
    labels = counterfactual_labels(pool, hypothesis, base, sources)
    if sampling == "balanced":
        sources, labels = _balance(pool, hypothesis, base, layout, generator)
    places = tuple(swapped_rows(layout, variable) for variable in hypothesis.variables)
    return Interventions(base=base, sources=sources, labels=labels, places=places)


def shuffle_labels(asked: Interventions, generator: torch.Generator) -> Interventions:
    """The same interventions with labels of others of the same kind: a control in which there is nothing to find.

    Labels change places within a step and within the rows that `places` tells apart, so how often each label is right
    for each kind stays as it is.
    """
    borders = sorted({0, asked.labels.shape[-1]} | {end for place in asked.places for end in (place.start, place.stop)})
    labels = asked.labels.clone()
    for first, last in itertools.pairwise(borders):
        part = labels[..., first:last]
        order = torch.rand(part.shape, generator=generator).argsort(-1)
        labels[..., first:last] = part.gather(-1, order)
    return replace(asked, labels=labels)


def kind_rows(hypothesis: Hypothesis, batch: int) -> tuple[KindRows, ...]:
    """Part a batch into equal slices, one a kind of intervention."""
    kinds = hypothesis.kinds
    ends = [round(batch * i / len(kinds)) for i in range(len(kinds) + 1)]
    return tuple(KindRows(kind, slice(*borders)) for kind, borders in zip(kinds, itertools.pairwise(ends), strict=True))


def swapped_rows(layout: tuple[KindRows, ...], variable: str) -> slice:
    """The smallest slice of a batch that holds every row in which the variable is swapped."""
    slices = [rows for kind, rows in layout if variable in kind]
    return slice(min(rows.start for rows in slices), max(rows.stop for rows in slices))


def counterfactual_labels(
    pool: Examples, hypothesis: Hypothesis, base: Int[Tensor, " *batch"], sources: Int[Tensor, " variable *batch"]
) -> Int[Tensor, " *batch"]:
    """What the causal model answers after the interchanges."""
    model = hypothesis.model
    swapped = {
        name: pool.values[name][rows.reshape(-1)] for name, rows in zip(hypothesis.variables, sources, strict=True)
    }
    kept = {name: pool.values[name][base.reshape(-1)] for name in hypothesis.needed}
    result = model.interchange(kept, swapped)
    return result[model.output].view(base.shape)


Proposal = tuple[Int[Tensor, " *batch"], Int[Tensor, "variable ..."]]
"""Rows of the bases, and of the sources of each variable."""


def _free(
    pool: Examples,
    hypothesis: Hypothesis,
    shape: tuple[int, ...],
    layout: tuple[KindRows, ...],
    generator: torch.Generator,
) -> Proposal:
    base = pool.rows(hypothesis).start + torch.randint(pool.count, shape, generator=generator)
    sources = base.expand(len(hypothesis.variables), *shape).clone()
    for variable, rows in zip(hypothesis.variables, sources, strict=True):
        place = swapped_rows(layout, variable)
        rows[..., place] = _sources(pool, hypothesis, variable, base[..., place], generator)
    return base, _only_swapped(base, sources, hypothesis, layout)


def _sources(
    pool: Examples, hypothesis: Hypothesis, variable: str, base: Int[Tensor, " *batch"], generator: torch.Generator
) -> Int[Tensor, " *batch"]:
    """A source of a variable for each base."""
    free = pool.rows(hypothesis).start + torch.randint(pool.count, base.shape, generator=generator)
    if hypothesis.sampled != "matched":
        return free
    fits = torch.rand(base.shape, generator=generator) < 0.5
    return torch.where(fits, pool.matched[variable] + base, free)


def _partners(
    pool: Examples,
    hypothesis: Hypothesis,
    shape: tuple[int, ...],
    layout: tuple[KindRows, ...],
    generator: torch.Generator,
) -> Proposal:
    missing = [variable for variable in hypothesis.variables if variable not in pool.partners]
    if missing:
        raise SpecificationError(
            f"Minimal pairs are asked for {missing[0]!r}, and the pool has none.",
            "A minimal pair needs an input in which only that variable differs.",
            "Use another sampling, or give the task minimal pairs for it.",
        )
    base = torch.randint(pool.count, shape, generator=generator)
    sources = torch.stack([base + pool.partners[variable] for variable in hypothesis.variables])
    return base, _only_swapped(base, sources, hypothesis, layout)


def check_sampling(hypothesis: Hypothesis, sampling: Sampling) -> None:
    """Raise `SpecificationError` where no example of a hypothesis could be drawn in this way."""
    for variable in hypothesis.variables if sampling == "restoring" else ():
        last_value(hypothesis, variable)


def last_value(hypothesis: Hypothesis, variable: str) -> int:
    """The value to which a variable is restored.

    Raises:
        SpecificationError: it declares no two values.
    """
    values = hypothesis.model.variables[variable].values
    if values is None or len(values) < 2:
        raise SpecificationError(
            f"The sampling 'restoring' is asked for {variable!r}, which declares no two values.",
            "It lets a variable go from another value to its last one.",
            "Declare the values of the variable, or use another sampling.",
        )
    return values[-1]


def _restoring(
    pool: Examples,
    hypothesis: Hypothesis,
    shape: tuple[int, ...],
    layout: tuple[KindRows, ...],
    generator: torch.Generator,
) -> Proposal:
    check_sampling(hypothesis, "restoring")
    own = pool.rows(hypothesis)
    last = {name: pool.values[name][own] == last_value(hypothesis, name) for name in hypothesis.variables}

    def among(rows: Int[Tensor, " row"], places: slice, what: str) -> Int[Tensor, " *steps batch"]:
        if not len(rows):
            raise SpecificationError(
                f"The pool has no example in which {what}.",
                "The sampling 'restoring' draws bases without and sources with the last value of a variable.",
                "Use a larger pool, or another sampling.",
            )
        wanted = (*shape[:-1], places.stop - places.start)
        return own.start + rows[torch.randint(len(rows), wanted, generator=generator)]

    base = torch.empty(shape, dtype=torch.long)
    for kind, places in layout:
        without = ~torch.stack([last[name] for name in kind]).any(0)
        base[..., places] = among(without.nonzero().squeeze(1), places, f"{' and '.join(kind)} have another value")
    sources = base.expand(len(hypothesis.variables), *shape).clone()
    for name, rows in zip(hypothesis.variables, sources, strict=True):
        places = swapped_rows(layout, name)
        rows[..., places] = among(last[name].nonzero().squeeze(1), places, f"{name} has its last value")
    return base, _only_swapped(base, sources, hypothesis, layout)


def _only_swapped(
    base: Tensor, sources: Tensor, hypothesis: Hypothesis, layout: tuple[KindRows, ...]
) -> Int[Tensor, " variable *batch"]:
    """Where a variable is not swapped, let its source be the base."""
    for variable, rows in zip(hypothesis.variables, sources, strict=True):
        for kind, place in layout:
            if variable not in kind:
                rows[..., place] = base[..., place]
    return sources


def _balance(
    pool: Examples, hypothesis: Hypothesis, base: Tensor, layout: tuple[KindRows, ...], generator: torch.Generator
) -> tuple[Int[Tensor, " variable *batch"], Int[Tensor, " *batch"]]:
    """Of several sources for each base take one that changes the label in every other row, and keeps it in the rest."""
    shape = (CANDIDATES, *base.shape)
    bases = base.expand(shape)
    sources = torch.stack([_sources(pool, hypothesis, name, bases, generator) for name in hypothesis.variables])
    sources = _only_swapped(bases, sources, hypothesis, layout)
    labels = counterfactual_labels(pool, hypothesis, bases, sources)
    changes = labels != pool.values[hypothesis.model.output][base]
    wanted = torch.arange(base.shape[-1]) % 2 == 1
    choice = (changes == wanted).int().argmax(0, keepdim=True)
    picked = sources.gather(1, choice.expand(len(sources), *choice.shape)).squeeze(1)
    return picked, labels.gather(0, choice).squeeze(0)
