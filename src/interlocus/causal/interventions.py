"""Interchange interventions: which rows of the examples are bases and sources, and the labels that should come out."""

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
"""How bases and sources are drawn.

- `natural`: independently, as the task draws its examples, or as the hypothesis needs them (`causal.hypothesis`).
- `balanced`: such that the label differs from the base's in half of the interventions of each kind.
- `minimal_pairs`: the source differs from the base in the swapped variable only.
- `restoring`: the source has the last value of a swapped variable, and the base another value. An equality is then
  restored and never broken. Use it for a first phase, before one that does both.
"""

CANDIDATES = 16
"""Sources drawn for each base by balanced sampling. If a share p of all sources is suitable, none of them is with
probability (1 − p)¹⁶."""


class KindRows(NamedTuple):
    """The rows of a batch that hold interventions of one kind."""

    kind: tuple[str, ...]
    rows: slice


BatchLayout = tuple[KindRows, ...]
"""The kinds of intervention of a batch, in the order of their rows."""


@dataclass(frozen=True, kw_only=True)
class Interventions:
    """A batch of interchange interventions on examples, with their counterfactual labels.

    Where a variable is not swapped, its source is the base, which leaves its features as they are.

    Args:
        base: `[*steps, batch]`, the row of each base in the examples.
        sources: `[variable, *steps, batch]`, the row of each variable's source.
        labels: `[*steps, batch]`, the output of the causal model after the interchange.
        places: For each variable, the smallest slice of a batch that holds every row in which it is swapped.
    """

    base: Int[Tensor, " *steps batch"]
    sources: Int[Tensor, "variable ... batch"]
    labels: Int[Tensor, " *steps batch"]
    places: tuple[slice, ...]

    def __getitem__(self, index: int | slice) -> Interventions:
        """The interventions of one step, or of several steps."""
        return replace(self, base=self.base[index], sources=self.sources[:, index], labels=self.labels[index])


def draw(
    pool: Examples,
    hypothesis: Hypothesis,
    *,
    shape: tuple[int, ...],
    sampling: Sampling = "natural",
    generator: torch.Generator,
) -> Interventions:
    """Draw interventions of a hypothesis, in equal parts of each kind.

    Args:
        pool: Where bases and sources are drawn from, with replacement.
        hypothesis: Gives the swapped variables and the labels.
        shape: `(*steps, batch)`; each batch holds all kinds of the hypothesis.
        sampling: How bases and sources are drawn; see `Sampling`.
        generator: Source of randomness; it is advanced.

    Raises:
        UnknownNameError: there is no such sampling.
        SpecificationError: the examples have no minimal pairs for a variable, a variable has no value to restore, or
            the examples lack those that the hypothesis needs.
    """
    if sampling not in get_args(Sampling):
        raise UnknownNameError("sampling", sampling, get_args(Sampling))
    layout = kind_rows(hypothesis, shape[-1])
    propose = {"minimal_pairs": _propose_partners, "restoring": _propose_restoring}.get(sampling, _propose_free)
    base, sources = propose(pool, hypothesis, shape, layout, generator)
    labels = counterfactual_labels(pool, hypothesis, base, sources)
    if sampling == "balanced":
        sources, labels = _balance(pool, hypothesis, base, layout, generator)
    places = tuple(swapped_rows(layout, variable) for variable in hypothesis.variables)
    return Interventions(base=base, sources=sources, labels=labels, places=places)


def shuffle_labels(interventions: Interventions, generator: torch.Generator) -> Interventions:
    """The same interventions with labels of other interventions: a control in which there is nothing to find.

    Labels are permuted within a step and within the rows that `places` tells apart, so each label stays as frequent in
    each kind of intervention.

    Args:
        interventions: They are not changed.
        generator: Source of randomness; it is advanced.
    """
    edges = {end for place in interventions.places for end in (place.start, place.stop)}
    borders = sorted({0, interventions.labels.shape[-1]} | edges)
    labels = interventions.labels.clone()
    for first, last in itertools.pairwise(borders):
        part = labels[..., first:last]
        order = torch.rand(part.shape, generator=generator).argsort(-1)
        labels[..., first:last] = part.gather(-1, order)
    return replace(interventions, labels=labels)


def kind_rows(hypothesis: Hypothesis, batch: int) -> BatchLayout:
    """Divide a batch into one slice for each kind of intervention; their lengths differ by at most one.

    Args:
        hypothesis: Gives the kinds and their order.
        batch: Number of rows of the batch.
    """
    kinds = hypothesis.kinds
    ends = [round(batch * i / len(kinds)) for i in range(len(kinds) + 1)]
    return tuple(KindRows(kind, slice(*borders)) for kind, borders in zip(kinds, itertools.pairwise(ends), strict=True))


def swapped_rows(layout: BatchLayout, variable: str) -> slice:
    """The smallest slice of a batch that holds every row in which a variable is swapped.

    Args:
        layout: The batch, as `kind_rows` divides it.
        variable: A variable of the hypothesis.
    """
    slices = [rows for kind, rows in layout if variable in kind]
    return slice(min(rows.start for rows in slices), max(rows.stop for rows in slices))


def counterfactual_labels(
    pool: Examples, hypothesis: Hypothesis, base: Int[Tensor, " *batch"], sources: Int[Tensor, " variable *batch"]
) -> Int[Tensor, " *batch"]:
    """The output of the causal model after each interchange.

    Args:
        pool: The examples that the rows point into.
        hypothesis: Gives the causal model and the swapped variables.
        base: Rows of the bases.
        sources: Rows of the sources of each variable; the base's row where a variable is not swapped.
    """
    model = hypothesis.model
    swapped = {
        name: pool.values[name][rows.reshape(-1)] for name, rows in zip(hypothesis.variables, sources, strict=True)
    }
    unchanged = {name: pool.values[name][base.reshape(-1)] for name in hypothesis.needed}
    result = model.interchange(unchanged, swapped)
    return result[model.output].view(base.shape)


def check_sampling(hypothesis: Hypothesis, sampling: Sampling) -> None:
    """Check that the variables of a hypothesis allow a sampling, before any example is drawn.

    Args:
        hypothesis: The hypothesis that interventions will be drawn for.
        sampling: How they will be drawn.

    Raises:
        SpecificationError: the sampling is `restoring`, and a variable declares fewer than two values.
    """
    for variable in hypothesis.variables if sampling == "restoring" else ():
        last_value(hypothesis, variable)


def last_value(hypothesis: Hypothesis, variable: str) -> int:
    """The value to which the sampling `restoring` takes a variable: the last one that it declares.

    Args:
        hypothesis: Gives the causal model.
        variable: A variable of that model.

    Raises:
        SpecificationError: the variable is continuous, or declares fewer than two values.
    """
    values = hypothesis.model.variables[variable].values
    if values is None or len(values) < 2:
        raise SpecificationError(
            f"The variable {variable!r} does not declare two values, and the sampling is 'restoring'.",
            "This sampling takes a variable from another value to its last one.",
            "Declare the values of the variable, or use another sampling.",
        )
    return values[-1]


Proposal = tuple[Int[Tensor, " *batch"], Int[Tensor, "variable ..."]]
"""Rows of the bases, and of the sources of each variable."""


def _propose_free(
    pool: Examples, hypothesis: Hypothesis, shape: tuple[int, ...], layout: BatchLayout, generator: torch.Generator
) -> Proposal:
    """Bases and sources drawn independently."""
    base = pool.rows(hypothesis).start + torch.randint(pool.count, shape, generator=generator)
    sources = base.expand(len(hypothesis.variables), *shape).clone()
    for variable, rows in zip(hypothesis.variables, sources, strict=True):
        place = swapped_rows(layout, variable)
        rows[..., place] = _draw_sources(pool, hypothesis, variable, base[..., place], generator)
    return base, _reset_unswapped(base, sources, hypothesis, layout)


def _draw_sources(
    pool: Examples, hypothesis: Hypothesis, variable: str, base: Int[Tensor, " *batch"], generator: torch.Generator
) -> Int[Tensor, " *batch"]:
    """A source of a variable for each base: a free one, or in half of the cases a matched one if there are any."""
    free = pool.rows(hypothesis).start + torch.randint(pool.count, base.shape, generator=generator)
    if hypothesis.sampled != "matched":
        return free
    use_matched = torch.rand(base.shape, generator=generator) < 0.5
    return torch.where(use_matched, pool.matched[variable] + base, free)


def _propose_partners(
    pool: Examples, hypothesis: Hypothesis, shape: tuple[int, ...], layout: BatchLayout, generator: torch.Generator
) -> Proposal:
    """Free bases, each with its partner as the source."""
    missing = [variable for variable in hypothesis.variables if variable not in pool.partners]
    if missing:
        raise SpecificationError(
            f"The examples have no minimal pairs for {missing[0]!r}, and the sampling is 'minimal_pairs'.",
            "This sampling needs for each base an input in which only that variable differs.",
            "Use another sampling, or give the task a method `partner` for this variable.",
        )
    base = torch.randint(pool.count, shape, generator=generator)
    sources = torch.stack([base + pool.partners[variable] for variable in hypothesis.variables])
    return base, _reset_unswapped(base, sources, hypothesis, layout)


def _propose_restoring(
    pool: Examples, hypothesis: Hypothesis, shape: tuple[int, ...], layout: BatchLayout, generator: torch.Generator
) -> Proposal:
    """Bases without, and sources with the last value of each swapped variable."""
    check_sampling(hypothesis, "restoring")
    allowed = pool.rows(hypothesis)
    is_last = {name: pool.values[name][allowed] == last_value(hypothesis, name) for name in hypothesis.variables}

    def draw_from(rows: Int[Tensor, " row"], place: slice, condition: str) -> Int[Tensor, " *steps batch"]:
        if not len(rows):
            raise SpecificationError(
                f"There is no example in which {condition}.",
                "The sampling 'restoring' draws bases without and sources with the last value of a variable.",
                "Draw more examples, or use another sampling.",
            )
        drawn = torch.randint(len(rows), (*shape[:-1], place.stop - place.start), generator=generator)
        return allowed.start + rows[drawn]

    base = torch.empty(shape, dtype=torch.long)
    for kind, place in layout:
        without = ~torch.stack([is_last[name] for name in kind]).any(0)
        base[..., place] = draw_from(without.nonzero().squeeze(1), place, f"{' and '.join(kind)} have another value")
    sources = base.expand(len(hypothesis.variables), *shape).clone()
    for name, rows in zip(hypothesis.variables, sources, strict=True):
        place = swapped_rows(layout, name)
        rows[..., place] = draw_from(is_last[name].nonzero().squeeze(1), place, f"{name} has its last value")
    return base, _reset_unswapped(base, sources, hypothesis, layout)


def _reset_unswapped(
    base: Tensor, sources: Tensor, hypothesis: Hypothesis, layout: BatchLayout
) -> Int[Tensor, " variable *batch"]:
    """Set the source of each variable to the base where the variable is not swapped; changes `sources` in place."""
    for variable, rows in zip(hypothesis.variables, sources, strict=True):
        for kind, place in layout:
            if variable not in kind:
                rows[..., place] = base[..., place]
    return sources


def _balance(
    pool: Examples, hypothesis: Hypothesis, base: Tensor, layout: BatchLayout, generator: torch.Generator
) -> tuple[Int[Tensor, " variable *batch"], Int[Tensor, " *batch"]]:
    """Sources and labels for these bases: the label changes in every odd row and stays in every even one.

    For each base the first suitable one of several candidates is taken, or the first candidate if none is suitable.
    """
    shape = (CANDIDATES, *base.shape)
    bases = base.expand(shape)
    sources = torch.stack([_draw_sources(pool, hypothesis, name, bases, generator) for name in hypothesis.variables])
    sources = _reset_unswapped(bases, sources, hypothesis, layout)
    labels = counterfactual_labels(pool, hypothesis, bases, sources)
    changes = labels != pool.values[hypothesis.model.output][base]
    should_change = torch.arange(base.shape[-1]) % 2 == 1
    choice = (changes == should_change).int().argmax(0, keepdim=True)
    chosen = sources.gather(1, choice.expand(len(sources), *choice.shape)).squeeze(1)
    return chosen, labels.gather(0, choice).squeeze(0)
