"""Chance levels of the hypotheses of a task: enumerated where that is possible, estimated from a sample elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from interlocus.causal.chance_levels import ceiling, copy_source, no_effect, one_directional
from interlocus.causal.enumeration import (
    WeightedInterventions,
    enumerate_interventions,
    enumerate_settings,
    sample_interventions,
)
from interlocus.causal.hypothesis import Hypothesis
from interlocus.core.random import derived_generator
from interlocus.tasks._base import AbstractTask

Method = Literal["enumerated", "drawn"]
"""How chance levels were computed: exactly over all interventions, or estimated from interventions that were drawn."""

MAX_ENUMERATED = 1_000_000
"""A hypothesis with more interventions than this is estimated from a sample."""
ESTIMATE_EXAMPLES, ESTIMATE_INTERVENTIONS = 32_768, 131_072
"""Examples and interventions of an estimate; its standard error is at most .005 for one variable."""


@dataclass(frozen=True, kw_only=True)
class ChanceLevels:
    """The IIA that a hypothesis reaches without its variables, with bases and sources drawn as for test interventions.

    Args:
        no_effect: The interchange changes nothing, and the network gives its answer to the base.
        copy_source: The network gives its answer to the source.
        one_directional: The interchange can take each variable out of one value but never back into it; `None` where
            a variable is continuous.
        output_only: The site carries the network's answer and nothing else.
        method: Whether these levels were enumerated or estimated from drawn interventions.
    """

    no_effect: float
    copy_source: float
    one_directional: float | None
    output_only: float
    method: Method


def chance_levels(task: AbstractTask, hypothesis: Hypothesis, *, method: Method | None = None) -> ChanceLevels:
    """The chance levels of a hypothesis.

    Args:
        task: Gives the probabilities of its roots, or examples to draw from.
        hypothesis: A hypothesis of the task.
        method: How to compute them; by default they are enumerated if that is possible.

    Raises:
        CausalModelError: `method` is `"enumerated"`, and the settings cannot be enumerated.
    """
    method = method or ("enumerated" if can_be_enumerated(task, hypothesis) else "drawn")
    interventions = _enumerate(task, hypothesis) if method == "enumerated" else _sample(task, hypothesis)
    return ChanceLevels(
        no_effect=no_effect(interventions),
        copy_source=min(copy_source(interventions), 1.0),  # a sum of many weights can exceed 1 by a rounding error
        one_directional=one_directional(interventions),
        output_only=min(ceiling(interventions, (hypothesis.model.output,)), 1.0),
        method=method,
    )


def carried_ceiling(task: AbstractTask, hypothesis: Hypothesis, carried: Sequence[str]) -> float | None:
    """The best IIA at a site that carries some variables and nothing else; `None` where it cannot be enumerated.

    Args:
        task: Gives the probabilities of its roots.
        hypothesis: A hypothesis of the task, or one on some of its variables.
        carried: Variables of the hypothesis' causal model that the site carries.
    """
    if not can_be_enumerated(task, hypothesis) or not hypothesis.model.follows(task.roots) >= set(carried):
        return None
    return ceiling(_enumerate(task, hypothesis), carried)


def can_be_enumerated(task: AbstractTask, hypothesis: Hypothesis) -> bool:
    """Whether the interventions of a hypothesis follow from the task's roots, and are few enough to enumerate.

    Args:
        task: Gives the roots, which must be discrete variables of the hypothesis' causal model.
        hypothesis: A hypothesis of the task; its examples must be drawn freely.
    """
    model = hypothesis.model
    values = [model.variables[name].values if name in model.variables else None for name in task.roots]
    if hypothesis.sampled != "freely" or not values or None in values:
        return False
    interventions = math.prod(len(each or ()) for each in values) ** (1 + len(hypothesis.variables))
    return interventions <= MAX_ENUMERATED and model.follows(task.roots) >= {
        model.output,
        *hypothesis.variables,
        *hypothesis.needed,
    }


def _enumerate(task: AbstractTask, hypothesis: Hypothesis) -> WeightedInterventions:
    return enumerate_interventions(hypothesis, enumerate_settings(hypothesis.model, task.roots))


def _sample(task: AbstractTask, hypothesis: Hypothesis) -> WeightedInterventions:
    key = "floors", task.name, hypothesis.name  # names the random stream, so it stays as it is
    # a hypothesis that is not the task's, such as one on some of its variables, has no special examples
    special = (hypothesis.name,) if hypothesis.name in task.hypotheses else ()
    generator = derived_generator(0, *key, "pool")
    pool = task.draw_examples(ESTIMATE_EXAMPLES, split="test", generator=generator, for_hypotheses=special)
    return sample_interventions(
        hypothesis, pool, count=ESTIMATE_INTERVENTIONS, generator=derived_generator(0, *key, "drawn")
    )
