"""What a score is worth: the scores that are reached without the variable, counted out over the causal model.

Each is the IIA of a network that is imagined, under the sampling that is used. Interventions are enumerated with their
probabilities, so nothing is estimated; where there are too many, or a variable is continuous, they are drawn.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interlocus.causal.examples import Examples
from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.interventions import Sampling, draw, kind_rows, last_value
from interlocus.causal.model import CausalModel, Values
from interlocus.core.errors import CausalModelError


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every joint setting of discrete variables, with its probability.

    Args:
        roots: the variables from which the others follow.
        values: for each variable its value in each setting.
        probability: of each setting.
    """

    roots: tuple[str, ...]
    values: Values
    probability: Float[Tensor, " setting"]


def settings(model: CausalModel, roots: Mapping[str, Sequence[float] | None]) -> Settings:
    """Enumerate the settings of a causal model from independent variables that cut its inputs off.

    Args:
        model: the causal model.
        roots: for each such variable the probabilities of its values, or `None` where all are alike.

    Raises:
        UnknownNameError: a root is not in the model.
        CausalModelError: a root is continuous, or the output does not follow from the roots.
    """
    model.check_names(roots)
    allowed = {name: model.variables[name].values for name in roots}
    continuous = [name for name, values in allowed.items() if values is None]
    if continuous:
        raise CausalModelError(
            f"The variable {continuous[0]!r} is continuous.",
            "Its settings cannot be counted.",
            "Start from discrete variables.",
        )
    grid = torch.cartesian_prod(*(torch.tensor(values) for values in allowed.values())).view(-1, len(roots))
    values = model.run(dict(zip(roots, grid.T, strict=True)))
    if model.output not in values:
        raise CausalModelError(
            f"The output does not follow from {sorted(roots)}.",
            "Floors need the label of every setting.",
            "Name variables that cut all inputs off from the output.",
        )
    odds = [
        torch.tensor(weights if weights is not None else [1.0] * len(allowed[name] or ()), dtype=torch.float64)
        for name, weights in roots.items()
    ]
    product = torch.cartesian_prod(*odds).view(-1, len(roots)).prod(1)
    return Settings(roots=tuple(roots), values=values, probability=product / product.sum())


@dataclass(frozen=True, kw_only=True)
class WeightedInterventions:
    """Interventions of a hypothesis with their probabilities: all that a sampling can ask, or many that were drawn.

    Args:
        hypothesis: what is asked.
        kind: the kind of each intervention, as an index into the hypothesis' kinds.
        base: the values of all variables on the base.
        sources: for each swapped variable the values of all variables on its source (the base where it is not swapped).
        label: the counterfactual label.
        probability: of each intervention; they add up to one.
    """

    hypothesis: Hypothesis
    kind: Int[Tensor, " intervention"]
    base: Values
    sources: dict[str, Values]
    label: Int[Tensor, " intervention"]
    probability: Float[Tensor, " intervention"]

    def score(self, answers: Int[Tensor, " intervention"]) -> float:
        """The IIA of a network that gives these answers."""
        return float(self.probability[answers == self.label].sum())


def enumerate_interventions(
    hypothesis: Hypothesis, base: Settings, source: Settings | None = None, *, sampling: Sampling = "natural"
) -> WeightedInterventions:
    """Count out the interventions of a hypothesis, equal shares of each kind.

    Args:
        hypothesis: what is asked.
        base: the settings of the bases.
        source: the settings of the sources, if they are drawn in another way than the bases.
        sampling: how sources are chosen for a base.
    """
    source = source or base
    parts = [_of_kind(hypothesis, kind, base, source, sampling) for kind in hypothesis.kinds]
    kind = torch.cat([torch.full_like(rows[0], index) for index, (rows, _) in enumerate(parts)])
    rows = torch.cat([rows for rows, _ in parts], 1)
    weight = torch.cat([weight / len(parts) for _, weight in parts])
    base_values = {name: value[rows[0]] for name, value in base.values.items()}
    sources = {}
    for index, variable in enumerate(hypothesis.variables, start=1):
        swapped = rows[index] >= 0
        sources[variable] = {
            name: torch.where(_beside(swapped, value), value[rows[index].clamp_min(0)], base_values[name])
            for name, value in source.values.items()
        }
    label = hypothesis.model.interchange(base_values, {name: value[name] for name, value in sources.items()})
    return WeightedInterventions(
        hypothesis=hypothesis,
        kind=kind,
        base=base_values,
        sources=sources,
        label=label[hypothesis.model.output],
        probability=weight,
    )


def drawn_interventions(
    hypothesis: Hypothesis, pool: Examples, *, count: int, sampling: Sampling = "natural", generator: torch.Generator
) -> WeightedInterventions:
    """Draw interventions of a hypothesis, each as probable as the others: what is scored on them is an estimate.

    With n interventions on a pool of p rows, a share s has a standard error of up to √(s (1 − s) (1/n + m/p)), where m
    is the number of rows that an intervention looks at: the base, and a source a variable.

    Args:
        hypothesis: what is asked.
        pool: of examples.
        count: how many.
        sampling: how sources are chosen for a base.
        generator: where randomness comes from.
    """
    asked = draw(pool, hypothesis, shape=(count,), sampling=sampling, generator=generator)
    kind = torch.zeros(count, dtype=torch.long)
    for index, (_, rows) in enumerate(kind_rows(hypothesis, count)):
        kind[rows] = index
    known = {name: value for name, value in pool.values.items() if name in hypothesis.model.variables}
    return WeightedInterventions(
        hypothesis=hypothesis,
        kind=kind,
        base={name: value[asked.base] for name, value in known.items()},
        sources={
            variable: {name: value[rows] for name, value in known.items()}
            for variable, rows in zip(hypothesis.variables, asked.sources, strict=True)
        },
        label=asked.labels,
        probability=torch.full((count,), 1 / count, dtype=torch.float64),
    )


def _of_kind(
    hypothesis: Hypothesis, kind: tuple[str, ...], base: Settings, source: Settings, sampling: Sampling
) -> tuple[Int[Tensor, "place intervention"], Float[Tensor, " intervention"]]:
    """Rows of the base and of each variable's source (−1 where it is not swapped), and their probabilities."""
    count = len(base.probability), len(source.probability)
    choices = [torch.arange(count[0])] + [
        torch.arange(count[1]) if variable in kind else torch.tensor([-1]) for variable in hypothesis.variables
    ]
    rows = torch.cartesian_prod(*choices).T
    weight = base.probability[rows[0]].clone()
    for index, variable in enumerate(hypothesis.variables, start=1):
        if variable in kind:
            weight *= source.probability[rows[index]]
            if sampling == "minimal_pairs":
                weight *= _differs_only_in(variable, base, source)[rows[0], rows[index]]
            if sampling == "restoring":
                last = last_value(hypothesis, variable)
                weight *= base.values[variable][rows[0]] != last
                weight *= source.values[variable][rows[index]] == last
    if sampling == "balanced":
        weight = _half_changing(hypothesis, base, source, rows, weight)
    return rows, weight / weight.sum()


def _differs_only_in(variable: str, base: Settings, source: Settings) -> Float[Tensor, "setting setting"]:
    """One where the source differs from the base in that root and in no other, weighted alike for each base."""
    same = {name: base.values[name][:, None] == source.values[name] for name in base.roots}
    if variable not in same:
        raise CausalModelError(
            f"Minimal pairs of {variable!r} cannot be counted.",
            f"The settings start from {list(base.roots)}.",
            "Start from it.",
        )
    fits = ~same.pop(variable)
    for equal in same.values():
        fits = fits & equal
    odds = fits * source.probability
    return fits / odds.sum(1, keepdim=True)


def _half_changing(
    hypothesis: Hypothesis, base: Settings, source: Settings, rows: Tensor, weight: Tensor
) -> Float[Tensor, " intervention"]:
    """Weights under which, for each base, half of the interventions change the label where both can be had."""
    output = hypothesis.model.output
    before = {name: value[rows[0]] for name, value in base.values.items()}
    swapped = {
        name: torch.where(rows[i] >= 0, source.values[name][rows[i].clamp_min(0)], before[name])
        for i, name in enumerate(hypothesis.variables, start=1)
    }
    changes = hypothesis.model.interchange(before, swapped)[output] != before[output]
    balanced = torch.zeros_like(weight)
    for setting in range(len(base.probability)):
        here = rows[0] == setting
        total = weight[here].sum()
        shares = [weight[here & (changes == flag)].sum() for flag in (False, True)]
        for flag, share in zip((False, True), shares, strict=True):
            place = here & (changes == flag)
            half = 0.5 if all(shares) else 1.0
            balanced[place] = weight[place] / share * total * half if share else 0.0
    return balanced


def no_effect(asked: WeightedInterventions) -> float:
    """The IIA of a site where an interchange changes nothing."""
    return asked.score(asked.base[asked.hypothesis.model.output])


def copy_source(asked: WeightedInterventions) -> float:
    """The IIA where the answer to the source comes out; for a joint intervention the mean over its sources."""
    output = asked.hypothesis.model.output
    swapped = torch.stack([_swapped(asked, variable) for variable in asked.hypothesis.variables])
    right = torch.stack([values[output] == asked.label for values in asked.sources.values()])
    return float((asked.probability * (right & swapped).sum(0) / swapped.sum(0)).sum())


def one_directional(asked: WeightedInterventions) -> float | None:
    """The best IIA of a swap that can take each variable out of a value but never put it back.

    For two-valued variables: equality can be broken and not restored, or the reverse. An IIA up to here needs no
    variable that works in both directions. A continuous variable has no values to be taken out of: `None`.
    """
    hypothesis = asked.hypothesis
    values = [hypothesis.model.variables[name].values or () for name in hypothesis.variables]
    if not all(values):
        return None
    best = 0.0
    for unreachable in itertools.product(*values):
        effective = {
            name: torch.where(asked.sources[name][name] == value, asked.base[name], asked.sources[name][name])
            for name, value in zip(hypothesis.variables, unreachable, strict=True)
        }
        answers = hypothesis.model.interchange(asked.base, effective)[hypothesis.model.output]
        best = max(best, asked.score(answers))
    return best


def ceiling(asked: WeightedInterventions, carried: Sequence[str]) -> float:
    """The best IIA at a site that carries these variables and nothing else.

    Whatever the swap and the rest of the network do, the answer is a function of the kind of intervention and of the
    carried variables on base and sources; the best function names the likelier label for each of their values.
    """
    seen = [asked.kind]
    for name in carried:
        seen.append(asked.base[name])
        seen.extend(torch.where(_swapped(asked, v), s[name], -1) for v, s in asked.sources.items())
    _, group = torch.unique(torch.stack(seen, 1), dim=0, return_inverse=True)
    labels, label = torch.unique(asked.label, return_inverse=True)
    mass = torch.zeros(int(group.max()) + 1, len(labels), dtype=torch.float64)
    mass.index_put_((group, label), asked.probability, accumulate=True)
    return float(mass.amax(1).sum())


def _swapped(asked: WeightedInterventions, variable: str) -> Tensor:
    """The interventions in which the variable is swapped."""
    has = torch.tensor([variable in kind for kind in asked.hypothesis.kinds])
    return has[asked.kind]


def _beside(condition: Tensor, value: Tensor) -> Tensor:
    """A condition a row, shaped so that it goes with values that may be vectors."""
    return condition.view(-1, *[1] * (value.dim() - 1))
