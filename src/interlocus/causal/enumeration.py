"""The interventions of a hypothesis with their probabilities: enumerated from the causal model, or sampled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interlocus.causal.examples import Examples
from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.interventions import Sampling, draw, kind_rows, last_value
from interlocus.causal.model import CausalModel, Values
from interlocus.core.errors import CausalModelError


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All joint values of discrete variables, with their probabilities.

    Args:
        roots: The independent variables that were enumerated; the others follow from them.
        values: For each variable, its value in each setting.
        probability: Probability of each setting; they sum to 1.
    """

    roots: tuple[str, ...]
    values: Values
    probability: Float[Tensor, " setting"]


def enumerate_settings(model: CausalModel, roots: Mapping[str, Sequence[float] | None]) -> Settings:
    """Enumerate the joint values of independent variables, and of everything that follows from them.

    Args:
        model: The causal model whose mechanisms compute the other variables.
        roots: Weights of each root's values, in the order in which the root declares them; `None` for equal weights.
            The output must follow from the roots. They may be variables other than the model's inputs.

    Raises:
        UnknownNameError: a root is not in the model.
        CausalModelError: a root is continuous, or the output does not follow from the roots.
    """
    model.check_names(roots)
    allowed = {name: model.variables[name].values for name in roots}
    continuous = [name for name, values in allowed.items() if values is None]
    if continuous:
        raise CausalModelError(
            f"The root {continuous[0]!r} is a continuous variable.",
            "Its values cannot be enumerated.",
            "Use discrete variables as roots.",
        )
    grid = torch.cartesian_prod(*(torch.tensor(values) for values in allowed.values())).view(-1, len(roots))
    values = model.run(dict(zip(roots, grid.T, strict=True)))
    if model.output not in values:
        raise CausalModelError(
            f"The output does not follow from the roots {sorted(roots)}.",
            "Chance levels need the label of every setting.",
            "Add roots until the output can be computed from them.",
        )
    weights = [
        torch.tensor(given if given is not None else [1.0] * len(allowed[name] or ()), dtype=torch.float64)
        for name, given in roots.items()
    ]
    product = torch.cartesian_prod(*weights).view(-1, len(roots)).prod(1)
    return Settings(roots=tuple(roots), values=values, probability=product / product.sum())


@dataclass(frozen=True, kw_only=True)
class WeightedInterventions:
    """Interventions of a hypothesis with their probabilities: all that a sampling can draw, or a sample of them.

    Args:
        hypothesis: The hypothesis whose variables are swapped.
        kind: Kind of each intervention, as an index into the kinds of the hypothesis.
        base: Values of all variables on the base, by name.
        sources: For each swapped variable, the values of all variables on its source, by name. Where the variable is
            not swapped, they are the base's values.
        label: The counterfactual label of each intervention.
        probability: Probability of each intervention; they sum to 1.
    """

    hypothesis: Hypothesis
    kind: Int[Tensor, " intervention"]
    base: Values
    sources: dict[str, Values]
    label: Int[Tensor, " intervention"]
    probability: Float[Tensor, " intervention"]

    def score(self, answers: Int[Tensor, " intervention"]) -> float:
        """The IIA of a network that gives these answers: the probability that an answer equals the label.

        Args:
            answers: The network's output after each intervention.
        """
        return float(self.probability[answers == self.label].sum())

    def is_swapped(self, variable: str) -> Bool[Tensor, " intervention"]:
        """Whether each intervention swaps a variable.

        Args:
            variable: A variable of the hypothesis.
        """
        by_kind = torch.tensor([variable in kind for kind in self.hypothesis.kinds])
        return by_kind[self.kind]


def enumerate_interventions(
    hypothesis: Hypothesis, base: Settings, source: Settings | None = None, *, sampling: Sampling = "natural"
) -> WeightedInterventions:
    """Enumerate the interventions of a hypothesis. All kinds together have equal probability.

    Args:
        hypothesis: The hypothesis whose variables are swapped.
        base: Settings of the bases.
        source: Settings of the sources; by default those of the bases.
        sampling: How sources are drawn for a base.

    Raises:
        CausalModelError: the sampling is `minimal_pairs`, and a variable is not a root of the settings.
        SpecificationError: the sampling is `restoring`, and a variable does not declare two values.
    """
    source = source or base
    parts = [_enumerate_kind(hypothesis, kind, base, source, sampling) for kind in hypothesis.kinds]
    kind = torch.cat([torch.full_like(rows[0], index) for index, (rows, _) in enumerate(parts)])
    rows = torch.cat([rows for rows, _ in parts], 1)
    weight = torch.cat([weight / len(parts) for _, weight in parts])
    base_values = {name: value[rows[0]] for name, value in base.values.items()}
    sources = {}
    for index, variable in enumerate(hypothesis.variables, start=1):
        swapped = rows[index] >= 0
        sources[variable] = {
            name: torch.where(_per_row(swapped, value), value[rows[index].clamp_min(0)], base_values[name])
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


def sample_interventions(
    hypothesis: Hypothesis, pool: Examples, *, count: int, sampling: Sampling = "natural", generator: torch.Generator
) -> WeightedInterventions:
    """Draw interventions of a hypothesis and give them equal weights, so that scores on them are estimates.

    With n interventions on p examples, the standard error of a share s is at most √(s (1 − s) (1/n + m/p)), where m is
    the number of rows that an intervention uses: the base, and one source for each variable.

    Args:
        hypothesis: The hypothesis whose variables are swapped.
        pool: Examples to draw bases and sources from.
        count: Number of interventions, n.
        sampling: How bases and sources are drawn.
        generator: Source of randomness; it is advanced.

    Raises:
        SpecificationError: the examples do not allow this sampling.
    """
    drawn = draw(pool, hypothesis, shape=(count,), sampling=sampling, generator=generator)
    kind = torch.zeros(count, dtype=torch.long)
    for index, (_, rows) in enumerate(kind_rows(hypothesis, count)):
        kind[rows] = index
    known = {name: value for name, value in pool.values.items() if name in hypothesis.model.variables}
    return WeightedInterventions(
        hypothesis=hypothesis,
        kind=kind,
        base={name: value[drawn.base] for name, value in known.items()},
        sources={
            variable: {name: value[rows] for name, value in known.items()}
            for variable, rows in zip(hypothesis.variables, drawn.sources, strict=True)
        },
        label=drawn.labels,
        probability=torch.full((count,), 1 / count, dtype=torch.float64),
    )


def _enumerate_kind(
    hypothesis: Hypothesis, kind: tuple[str, ...], base: Settings, source: Settings, sampling: Sampling
) -> tuple[Int[Tensor, "place intervention"], Float[Tensor, " intervention"]]:
    """Settings of the base and of each variable's source (−1 where it is not swapped), and their probabilities."""
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
                weight *= _minimal_pair_weights(variable, base, source)[rows[0], rows[index]]
            if sampling == "restoring":
                last = last_value(hypothesis, variable)
                weight *= base.values[variable][rows[0]] != last
                weight *= source.values[variable][rows[index]] == last
    if sampling == "balanced":
        weight = _balanced_weights(hypothesis, base, source, rows, weight)
    return rows, weight / weight.sum()


def _minimal_pair_weights(variable: str, base: Settings, source: Settings) -> Float[Tensor, "setting setting"]:
    """Zero unless base and source differ in that root and in no other; scaled so that all bases count equally."""
    same = {name: base.values[name][:, None] == source.values[name] for name in base.roots}
    if variable not in same:
        raise CausalModelError(
            f"The variable {variable!r} is not among the roots {list(base.roots)}.",
            "Minimal pairs change one root at a time, so only those of roots can be enumerated.",
            "Make it a root of the settings, or use another sampling.",
        )
    fits = ~same.pop(variable)
    for equal in same.values():
        fits = fits & equal
    odds = fits * source.probability
    return fits / odds.sum(1, keepdim=True)


def _balanced_weights(
    hypothesis: Hypothesis, base: Settings, source: Settings, rows: Tensor, weight: Tensor
) -> Float[Tensor, " intervention"]:
    """Weights such that half of each base's interventions change the label, if some change it and others keep it."""
    output = hypothesis.model.output
    before = {name: value[rows[0]] for name, value in base.values.items()}
    swapped = {
        name: torch.where(rows[i] >= 0, source.values[name][rows[i].clamp_min(0)], before[name])
        for i, name in enumerate(hypothesis.variables, start=1)
    }
    changes = hypothesis.model.interchange(before, swapped)[output] != before[output]
    balanced = torch.zeros_like(weight)
    for setting in range(len(base.probability)):
        of_base = rows[0] == setting
        total = weight[of_base].sum()
        shares = [weight[of_base & (changes == changed)].sum() for changed in (False, True)]
        for changed, share in zip((False, True), shares, strict=True):
            place = of_base & (changes == changed)
            half = 0.5 if all(shares) else 1.0
            balanced[place] = weight[place] / share * total * half if share else 0.0
    return balanced


def _per_row(condition: Tensor, value: Tensor) -> Tensor:
    """A condition for each row, with as many axes as the values, which may be vectors."""
    return condition.view(-1, *[1] * (value.dim() - 1))
