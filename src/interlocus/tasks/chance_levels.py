"""The levels that a hypothesis of a task is held against: counted out where that can be done, drawn where not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from interlocus.causal.chance_levels import (
    WeightedInterventions,
    ceiling,
    copy_source,
    drawn_interventions,
    enumerate_interventions,
    no_effect,
    one_directional,
    settings,
)
from interlocus.causal.hypothesis import Hypothesis
from interlocus.core.random import derived_generator
from interlocus.tasks import AbstractTask

Means = Literal["enumerated", "drawn"]
"""How levels are known: exactly, or estimated from interventions that were drawn."""

MAX_COUNTED = 1_000_000
"""More interventions than this are not counted out."""
ESTIMATE_EXAMPLES, ESTIMATE_INTERVENTIONS = 32_768, 131_072
"""Examples and interventions of an estimate; its standard error is .005 at most for one variable."""


@dataclass(frozen=True, kw_only=True)
class ChanceLevels:
    """What a hypothesis scores without its variables, under the sampling of the test interventions.

    Args:
        no_effect: an interchange changes nothing.
        copy_source: the answer to the source comes out.
        one_directional: each variable can leave a value and not return to it; `None` for continuous variables.
        output_only: the site carries the network's answer and nothing else.
        means: whether they are enumerated or drawn.
    """

    no_effect: float
    copy_source: float
    one_directional: float | None
    output_only: float
    means: Means


def chance_levels(task: AbstractTask, hypothesis: Hypothesis, *, means: Means | None = None) -> ChanceLevels:
    """The levels of a hypothesis.

    Args:
        task: where examples come from.
        hypothesis: one of the task's.
        means: how; by default they are enumerated where that can be done.

    Raises:
        CausalModelError: enumeration is asked for, and the settings cannot be counted.
    """
    means = means or ("enumerated" if can_be_enumerated(task, hypothesis) else "drawn")
    asked = _counted(task, hypothesis) if means == "enumerated" else _drawn(task, hypothesis)
    return ChanceLevels(
        no_effect=no_effect(asked),
        copy_source=copy_source(asked),
        one_directional=one_directional(asked),
        output_only=ceiling(asked, (hypothesis.model.output,)),
        means=means,
    )


def carried_ceiling(task: AbstractTask, hypothesis: Hypothesis, carried: Sequence[str]) -> float | None:
    """The best IIA at a site that carries these variables and nothing else; `None` where they cannot be counted.

    Args:
        task: where examples come from.
        hypothesis: what is asked, one of the task's or a part of it.
        carried: variables of its causal model.
    """
    if not can_be_enumerated(task, hypothesis) or not hypothesis.model.follows(task.roots) >= set(carried):
        return None
    return ceiling(_counted(task, hypothesis), carried)


def can_be_enumerated(task: AbstractTask, hypothesis: Hypothesis) -> bool:
    """Whether all that a hypothesis asks follows from discrete variables, in a number that can be counted out."""
    model = hypothesis.model
    values = [model.variables[name].values if name in model.variables else None for name in task.roots]
    if hypothesis.sampled != "freely" or not values or None in values:
        return False
    asked = math.prod(len(each or ()) for each in values) ** (1 + len(hypothesis.variables))
    return asked <= MAX_COUNTED and model.follows(task.roots) >= {
        model.output,
        *hypothesis.variables,
        *hypothesis.needed,
    }


def _counted(task: AbstractTask, hypothesis: Hypothesis) -> WeightedInterventions:
    return enumerate_interventions(hypothesis, settings(hypothesis.model, task.roots))


def _drawn(task: AbstractTask, hypothesis: Hypothesis) -> WeightedInterventions:
    about = "floors", task.name, hypothesis.name
    named = (hypothesis.name,) if hypothesis.name in task.hypotheses else ()  # others have no sampling of their own
    pool = task.draw_examples(
        ESTIMATE_EXAMPLES, split="test", generator=derived_generator(0, *about, "pool"), for_hypotheses=named
    )
    return drawn_interventions(
        hypothesis, pool, count=ESTIMATE_INTERVENTIONS, generator=derived_generator(0, *about, "drawn")
    )
