"""Chance levels: the IIA that a network can reach without the variables of a hypothesis.

Each chance level is the IIA of an imagined network on the interventions of a hypothesis, computed from the causal
model. It is exact where the interventions are enumerated with their probabilities, and an estimate where they are
sampled.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch

from interlocus.causal.enumeration import WeightedInterventions


def no_effect(interventions: WeightedInterventions) -> float:
    """The IIA of a site where an interchange has no effect: P(output on the base = label).

    Args:
        interventions: Enumerated or sampled interventions of a hypothesis.
    """
    return interventions.score(interventions.base[interventions.hypothesis.model.output])


def copy_source(interventions: WeightedInterventions) -> float:
    """The IIA of a site where an interchange copies the source's answer: P(output on the source = label).

    A joint intervention has several sources; it counts with the mean over the swapped variables.

    Args:
        interventions: Enumerated or sampled interventions of a hypothesis.
    """
    output = interventions.hypothesis.model.output
    swapped = torch.stack([interventions.is_swapped(variable) for variable in interventions.hypothesis.variables])
    right = torch.stack([values[output] == interventions.label for values in interventions.sources.values()])
    return float((interventions.probability * (right & swapped).sum(0) / swapped.sum(0)).sum())


def one_directional(interventions: WeightedInterventions) -> float | None:
    """The best IIA of an interchange that works in one direction only: it cannot set a variable to one of its values.

    max over (u₁, …, uₘ) of P(output with v ← (source if source ≠ u_v, else base) = label), where u_v is the value to
    which variable v cannot be set. With two values, for instance, such an interchange can break an equality but never
    restore it. An IIA up to this level does not need a variable that works in both directions.

    Args:
        interventions: Enumerated or sampled interventions of a hypothesis.

    Returns:
        The chance level; `None` where a variable is continuous and so has no values to enumerate.
    """
    hypothesis = interventions.hypothesis
    values = [hypothesis.model.variables[name].values or () for name in hypothesis.variables]
    if not all(values):
        return None
    base, sources = interventions.base, interventions.sources
    best = 0.0
    for unreachable in itertools.product(*values):
        effective = {
            name: torch.where(sources[name][name] == value, base[name], sources[name][name])
            for name, value in zip(hypothesis.variables, unreachable, strict=True)
        }
        answers = hypothesis.model.interchange(base, effective)[hypothesis.model.output]
        best = max(best, interventions.score(answers))
    return best


def ceiling(interventions: WeightedInterventions, carried: Sequence[str]) -> float:
    """The best IIA at a site that carries some variables and nothing else: Σ over o of max over y of P(o, label = y).

    Whatever the interchange and the rest of the network do, the answer is then a function of o: the kind of the
    intervention, and the carried variables on the base and on the swapped sources. The best function names the most
    probable label y for each o.

    Args:
        interventions: Enumerated or sampled interventions of a hypothesis.
        carried: Discrete variables of the causal model that the site carries; may be empty.
    """
    observed = [interventions.kind]
    for name in carried:
        observed.append(interventions.base[name])
        for variable, source in interventions.sources.items():
            observed.append(torch.where(interventions.is_swapped(variable), source[name], -1))
    _, group = torch.unique(torch.stack(observed, 1), dim=0, return_inverse=True)
    labels, label = torch.unique(interventions.label, return_inverse=True)
    mass = torch.zeros(int(group.max()) + 1, len(labels), dtype=torch.float64)
    mass.index_put_((group, label), interventions.probability, accumulate=True)
    return float(mass.amax(1).sum())
