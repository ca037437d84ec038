"""The control `near_misses`: other variables for which a hypothesis would score nearly as high as for its own.

A variable that agrees with the hypothesised one in 94 % of the examples, and lies at the site in its place, gets an IIA
of about .97. No search tells the two apart, so the evidence names them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from interlocus.causal.enumeration import (
    WeightedInterventions,
    enumerate_interventions,
    enumerate_settings,
    sample_interventions,
)
from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.model import CausalModel, Values
from interlocus.controls._base import AbstractControl, ControlContext, Evidence, EvidenceContext
from interlocus.core.random import derived_generator
from interlocus.tasks import AbstractTask
from interlocus.tasks.chance_levels import can_be_enumerated

NEAR = 0.9
"""Share of the interventions on a variable in which the labels of another must agree for it to be named."""
SAMPLED_EXAMPLES, SAMPLED_INTERVENTIONS = 8_192, 20_000
"""Examples and interventions of an estimate; its standard error at a share of .9 is about .004."""


@dataclass(frozen=True, kw_only=True)
class NearMiss:
    """A variable that could lie at the site in place of a hypothesised one.

    Args:
        instead: Name of that variable.
        agreement: Share of the interventions on the hypothesised variable after which the causal model gives the same
            output if the other variable is exchanged in its place, from 0 to 1.
        expected: The IIA of the hypothesis, over all of its interventions, if it were exchanged in its place.
    """

    instead: str
    agreement: float
    expected: float


def near_misses(
    task: AbstractTask, hypothesis: str, *, rivals: Sequence[str] = (), at_least: float = NEAR, seed: int = 0
) -> dict[str, tuple[NearMiss, ...]]:
    """For each variable of a hypothesis the others that interventions hardly tell apart from it, the nearest first.

    Compared are the discrete variables of the causal model, the output among them, and the variables of the task's
    other hypotheses and of the rivals. Each takes the place of one variable: where an intervention exchanges that
    variable, the other one is exchanged between the same examples, in its own causal model. Where the values of the
    roots can be enumerated, the shares are exact.

    Args:
        task: The task.
        hypothesis: Name of one of its hypotheses.
        rivals: Names of hypotheses that are compared too, also if their examples are not drawn freely.
        at_least: Smallest agreement of a variable that is listed.
        seed: Seed of the interventions where they are drawn.

    Raises:
        UnknownNameError: The task has no hypothesis of one of the names.
    """
    asked = task.hypothesis(hypothesis)
    interventions = _interventions(task, asked, seed)
    others = [other for name, other in task.hypotheses.items() if other.sampled == "freely" or name in rivals]
    found: dict[str, tuple[NearMiss, ...]] = {}
    for variable in asked.variables:
        near: dict[str, NearMiss] = {}
        for instead, model in _candidates(asked, [*others, *map(task.hypothesis, rivals)]):
            agreement = _agreement(interventions, variable, instead, model) if instead not in near else None
            if agreement is not None and agreement >= at_least:
                swapped = float(interventions.probability[interventions.is_swapped(variable)].sum())
                expected = 1 - swapped * (1 - agreement)
                near[instead] = NearMiss(instead=instead, agreement=agreement, expected=expected)
        found[variable] = tuple(sorted(near.values(), key=lambda miss: -miss.agreement))
    return found


def _interventions(task: AbstractTask, asked: Hypothesis, seed: int) -> WeightedInterventions:
    """All interventions of a hypothesis, or many of them."""
    settings = enumerate_settings(asked.model, task.roots) if can_be_enumerated(task, asked) else None
    if settings is not None and set(asked.model.discrete) <= set(settings.values):
        return enumerate_interventions(asked, settings)
    generator = derived_generator(seed, "near misses")
    pool = task.draw_examples(SAMPLED_EXAMPLES, split="test", generator=generator, for_hypotheses=(asked.name,))
    return sample_interventions(asked, pool, count=SAMPLED_INTERVENTIONS, generator=generator)


def _candidates(asked: Hypothesis, others: Sequence[Hypothesis]) -> Iterator[tuple[str, CausalModel]]:
    """Variables that may take the place of one of the hypothesis, each with its causal model."""
    model = asked.model
    for name in model.discrete:
        if name not in asked.variables and (name == model.output or model.output in model.descendants[name]):
            yield name, model
    for other in others:
        yield from ((name, other.model) for name in other.variables if name not in asked.variables)


def _agreement(interventions: WeightedInterventions, variable: str, instead: str, model: CausalModel) -> float | None:
    """Share of the interventions on a variable with the same label if another is exchanged; `None` if unknown."""
    hypothesis, agreed, total = interventions.hypothesis, 0.0, 0.0
    for index, kind in enumerate(hypothesis.kinds):
        rest = [name for name in kind if name != variable]
        if variable not in kind or not set(rest) <= set(model.variables):
            continue
        rows = (interventions.kind == index).nonzero().flatten()
        base = _known(model, interventions.base, rows)
        sources = {name: _known(model, interventions.sources[name], rows) for name in kind}
        if instead not in sources[variable] or any(name not in sources[name] for name in rest):
            return None
        swapped = {instead: sources[variable][instead]} | {name: sources[name][name] for name in rest}
        label = model.interchange(base, swapped).get(model.output)
        if label is None:
            return None
        weight = interventions.probability[rows]
        agreed += float(weight[label == interventions.label[rows]].sum())
        total += float(weight.sum())
    return agreed / total if total else None


def _known(model: CausalModel, values: Values, rows: Tensor) -> Values:
    """The values of a causal model's variables on some rows, as far as they follow from those that are known."""
    return model.run({name: value[rows] for name, value in values.items() if name in model.variables})


NearMissesByVariable = dict[str, tuple[NearMiss, ...]]
"""For each variable of the hypothesis the others that are nearly as good, the nearest first."""


class NearMissesControl(AbstractControl[NearMissesByVariable]):
    """Variables that could lie at the site in place of the hypothesised one. It decides no verdict."""

    name = "near_misses"
    description = "other variables whose exchange asks for nearly the same answers were listed"

    def measure(self, context: ControlContext) -> list[NearMissesByVariable | None]:
        portfolio = context.portfolio
        found = near_misses(context.task, portfolio.hypothesis, rivals=portfolio.rivals, seed=portfolio.seed)
        return [found] * len(context.networks)

    def evidence(self, result: NearMissesByVariable | None, context: EvidenceContext) -> list[Evidence]:
        return [self._row(miss, context) for miss in (result or {}).get(context.variable, ())]

    def _row(self, miss: NearMiss, context: EvidenceContext) -> Evidence:
        """What is known of one of them.

        It passes if the interval of the best IIA inside the used subspace excludes what the other variable would give,
        and fails if it lies nearer to that than to one.
        """
        differ = 1 - miss.agreement
        text = f"If the site held {miss.instead} instead of {context.variable}, "
        text += f"IIA {miss.expected:.3f} would be expected; "
        if not differ:
            text += "no intervention tells them apart."
            return Evidence(control="near misses", text=text, passes=None)
        text += f"interventions on {context.variable} tell them apart in {differ:.1%} of the cases."
        passes = None
        if context.inside:
            best = max(context.inside, key=lambda effect: effect.iia)
            nearer = best.high < (1 + miss.expected) / 2
            passes = True if miss.expected < best.low else False if nearer else None
        return Evidence(control="near misses", text=text, passes=passes)
