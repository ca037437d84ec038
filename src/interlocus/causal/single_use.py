"""Interventions for a final score: each example is used once, so that hits are independent.

Interventions that share examples are right or wrong together. An exact binomial interval of their IIA then holds the
true IIA less often than it says: over pools of 16,384 examples the standard deviation of an IIA was 1.17 to 1.35 times
that of a binomial share.

Natural interventions are drawn as the task draws its examples. A transition between rare values occurs in few of them,
too few to show that it works, so further examples are chosen by their values and used for that transition only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from interlocus.causal.examples import Examples
from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.interventions import Interventions, counterfactual_labels, kind_rows, swapped_rows
from interlocus.core.errors import SpecificationError

TRANSITION_INTERVENTIONS = 384
"""Interventions of each transition of a variable. With 2,048 comparisons, 95 or more are needed to show an IIA of .90;
of 384 as many as 15 may be missed."""
MAX_ADDED_INTERVENTIONS = 65_536
"""No transition of a variable is topped up if all of them together would need more interventions than that."""

Transition = tuple[int, int]
"""A value of the base and a value of the source, for one variable."""


def batch_shape(count: int, batch: int) -> tuple[int, int]:
    """Steps and size of the batches that hold at least `count` interventions.

    Args:
        count: Number of interventions, 1 or more.
        batch: Largest number of interventions in a batch.
    """
    batch = min(batch, count)
    return -(-count // batch), batch


def examples_for(hypothesis: Hypothesis, shape: tuple[int, int]) -> int:
    """Number of examples that `draw_once` uses: one for each base, and one for each swapped variable.

    Args:
        hypothesis: Gives the kinds of intervention.
        shape: `(steps, batch)`.
    """
    steps, batch = shape
    return steps * sum((rows.stop - rows.start) * (1 + len(kind)) for kind, rows in kind_rows(hypothesis, batch))


def draw_once(
    pool: Examples, hypothesis: Hypothesis, *, shape: tuple[int, int], generator: torch.Generator
) -> Interventions:
    """Draw natural interventions in which each example is a base or a source once.

    With matched sources, half of the sources are those that were made for their base, as in `draw`.

    Args:
        pool: Examples, at least `examples_for(hypothesis, shape)`.
        hypothesis: Gives the swapped variables and the labels.
        shape: `(steps, batch)`; each batch holds all kinds of the hypothesis.
        generator: Source of randomness; it is advanced.

    Raises:
        SpecificationError: there are too few examples.
    """
    needed = examples_for(hypothesis, shape)
    if pool.count < needed:
        raise SpecificationError(
            f"There are {pool.count:,} test examples, and the interventions of {hypothesis.name!r} need {needed:,}.",
            "Each example is used in one intervention, so that the interval of the score is exact.",
            "Draw the examples with `DataSplits.draw`, or lower `test`.",
        )
    steps, batch = shape
    fresh = pool.rows(hypothesis).start + torch.randperm(pool.count, generator=generator)
    base, fresh = fresh[: steps * batch].reshape(shape), fresh[steps * batch :]
    sources = base.expand(len(hypothesis.variables), *shape).clone()
    layout = kind_rows(hypothesis, batch)
    for kind, rows in layout:
        for variable in kind:
            place = sources[hypothesis.variables.index(variable), :, rows]
            drawn, fresh = fresh[: place.numel()].reshape(place.shape), fresh[place.numel() :]
            if hypothesis.sampled == "matched":
                use_matched = torch.rand(place.shape, generator=generator) < 0.5
                drawn = torch.where(use_matched, pool.matched[variable] + base[:, rows], drawn)
            place.copy_(drawn)
    return Interventions(
        base=base,
        sources=sources,
        labels=counterfactual_labels(pool, hypothesis, base, sources),
        places=tuple(swapped_rows(layout, variable) for variable in hypothesis.variables),
    )


def rare_transitions(pool: Examples, hypothesis: Hypothesis, count: int) -> dict[str, dict[Transition, int]]:
    """For each variable the transitions that natural interventions hold too rarely, with the number that is lacking.

    A value that none of the examples has is not counted. Nothing is added for a hypothesis with examples of its own.

    Args:
        pool: The test examples.
        hypothesis: The hypothesis of the natural interventions.
        count: Number of natural interventions of all kinds.
    """
    rare: dict[str, dict[Transition, int]] = {}
    singles = count / len(hypothesis.kinds)
    wanted = min(TRANSITION_INTERVENTIONS, max(count // 4, 1))
    for variable in hypothesis.variables if hypothesis.sampled == "freely" else ():
        drawn = pool.values[variable][pool.rows(hypothesis)]
        shares = {value: float((drawn == value).double().mean()) for value in _values(hypothesis, variable)}
        seen = {value: share for value, share in shares.items() if share}
        lacking = {
            (old, new): int(wanted - singles * seen[old] * seen[new])
            for old in seen
            for new in seen
            if wanted - singles * seen[old] * seen[new] >= 1
        }
        if lacking and sum(lacking.values()) <= MAX_ADDED_INTERVENTIONS:
            rare[variable] = lacking
    return rare


def examples_by_value(lacking: Mapping[Transition, int]) -> dict[int, int]:
    """Number of examples of each value that the transitions of one variable need, as bases and as sources.

    Args:
        lacking: Number of interventions of each transition.
    """
    needed: dict[int, int] = {}
    for transition, count in lacking.items():
        for value in transition:
            needed[value] = needed.get(value, 0) + count
    return needed


@dataclass(frozen=True, kw_only=True)
class AddedInterventions:
    """Interventions that count for the transitions of single variables only, and not for the IIA.

    Args:
        interventions: `[step, batch]`; each variable has a slice of the batch in which it alone is swapped.
        variables: The variables of the hypothesis, in the order of the slices.
        transitions: For each variable with added interventions the transition of each of them, in the order of the
            rows. The interventions that fill up the last batch are left out.
    """

    interventions: Interventions
    variables: tuple[str, ...]
    transitions: dict[str, list[Transition]]


def add_transitions(
    pool: Examples, hypotheses: Sequence[Hypothesis], *, count: int, batch: int
) -> tuple[AddedInterventions, ...]:
    """For each hypothesis interventions of its rare transitions, on the examples that were chosen for them.

    Each example is used once. The shape is the same for all hypotheses, and no step is made if
    nothing is rare.

    Args:
        pool: Test examples, with those that `Examples.transitions` names.
        hypotheses: The hypotheses; all have the same number of variables.
        count: Number of natural interventions of each hypothesis.
        batch: Largest number of interventions in a batch.
    """
    pairs = [
        {
            variable: _pair(pool, hypothesis, variable, lacking)
            for variable, lacking in rare_transitions(pool, hypothesis, count).items()
        }
        for hypothesis in hypotheses
    ]
    longest = max((len(rows) for found in pairs for rows in found.values()), default=0)
    variables = len(hypotheses[0].variables)
    steps, length = batch_shape(longest, max(batch // variables, 1)) if longest else (0, 1)
    added = []
    for hypothesis, found in zip(hypotheses, pairs, strict=True):
        base = torch.zeros(steps, variables, length, dtype=torch.long)
        sources = torch.zeros(variables, steps, variables, length, dtype=torch.long)
        for index, variable in enumerate(hypothesis.variables):
            rows = found.get(variable, torch.zeros(0, 2, dtype=torch.long))
            padded = torch.cat([rows, rows.new_zeros(steps * length - len(rows), 2)]).view(steps, length, 2)
            base[:, index] = padded[..., 0]
            sources[:, :, index] = padded[..., 0]
            sources[index, :, index] = padded[..., 1]
        base, sources = base.flatten(1), sources.flatten(2)
        interventions = Interventions(
            base=base,
            sources=sources,
            labels=counterfactual_labels(pool, hypothesis, base, sources),
            places=tuple(slice(i * length, (i + 1) * length) for i in range(variables)),
        )
        transitions = {v: [(old, new) for old, new in pool.values[v][rows].tolist()] for v, rows in found.items()}
        added.append(
            AddedInterventions(interventions=interventions, variables=hypothesis.variables, transitions=transitions)
        )
    return tuple(added)


def _values(hypothesis: Hypothesis, variable: str) -> tuple[int, ...]:
    """The declared values of a variable; none if it is continuous."""
    return tuple(hypothesis.model.variables[variable].values or ())


def _pair(
    pool: Examples, hypothesis: Hypothesis, variable: str, lacking: Mapping[Transition, int]
) -> Int[Tensor, "intervention 2"]:
    """Rows of bases and sources of the transitions of a variable, as many as the chosen examples allow."""
    chosen = pool.transitions.get((hypothesis.name, variable), slice(0, 0))
    values = pool.values[variable][chosen]
    left = {
        value: chosen.start + (values == value).nonzero().squeeze(1) for value in {v for pair in lacking for v in pair}
    }
    pairs = []
    for (old, new), count in lacking.items():
        count = min(count, len(left[old]) // 2 if old == new else min(len(left[old]), len(left[new])))
        bases, left[old] = left[old][:count], left[old][count:]
        sources, left[new] = left[new][:count], left[new][count:]
        pairs.append(torch.stack([bases, sources], 1))
    return torch.cat(pairs)
