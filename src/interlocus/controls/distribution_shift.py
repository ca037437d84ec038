"""The control `distribution_shift`: the score of an alignment on items from another distribution."""

from __future__ import annotations

from dataclasses import dataclass

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.dimensions import Size
from interlocus.alignment.evaluation import evaluate
from interlocus.controls._base import AbstractControl, ControlContext, Evidence, EvidenceContext
from interlocus.networks import AbstractNetworks
from interlocus.searches.budget import Budget
from interlocus.tasks import AbstractTask

SHIFT_INTERVENTIONS = 4_000
"""Maximal number of examples and of interventions. The control decides no verdict, so it needs no more."""


@dataclass(frozen=True, kw_only=True)
class DistributionShiftResult:
    """The performance of a network and of an alignment on items from another distribution.

    Args:
        featurizer: Name of the alignment's featurizer.
        size: Features per variable of the alignment.
        accuracy: Accuracy of the network on the shifted items. If it is low, the IIA says little.
        iia: IIA of the alignment on the shifted items.
    """

    featurizer: str
    size: Size
    accuracy: float
    iia: float


def distribution_shift(
    alignment: Alignment, network: AbstractNetworks, task: AbstractTask, *, budget: Budget | None = None, seed: int = 0
) -> DistributionShiftResult | None:
    """Score an alignment on items from another distribution; `None` if the task has no such items.

    Args:
        alignment: An alignment that was found on the items of the task.
        network: The single network to which the alignment belongs.
        task: The task, whose method `shifted` gives the task with the other items.
        budget: Numbers of examples and interventions; by default those of a search.
        seed: Seed of the examples and interventions that are drawn.

    Raises:
        AlignmentError: the alignment belongs to another network.
    """
    shifted_task = task.shifted()
    if shifted_task is None:
        return None
    score = evaluate(alignment, network, shifted_task, budget=budget, seed=seed)
    return DistributionShiftResult(
        featurizer=alignment.featurizer,
        size=alignment.size,
        accuracy=network.accuracy(shifted_task, seed=seed)[0],
        iia=score.iia,
    )


class DistributionShift(AbstractControl[DistributionShiftResult]):
    """The score of the site's alignment on items that are drawn from another distribution. It decides no verdict."""

    name = "distribution_shift"
    description = "alignments were scored on items from another distribution as well"

    def measure(self, context: ControlContext) -> list[DistributionShiftResult | None]:
        budget = context.portfolio.budget
        capped = budget.model_copy(update={"test": min(budget.test, SHIFT_INTERVENTIONS)})
        return [
            alignment
            and distribution_shift(
                alignment, context.networks[i], context.task, budget=capped, seed=context.portfolio.seed
            )
            for i, alignment in enumerate(context.alignments)
        ]

    def evidence(self, result: DistributionShiftResult | None, context: EvidenceContext) -> list[Evidence]:
        if result is None:
            return []
        text = (
            f"On items from another distribution, of which the network solves {result.accuracy:.3f}, the "
            f"{result.featurizer} map of size {result.size} scores {result.iia:.3f}."
        )
        return [Evidence(control="distribution shift", text=text, passes=None)]
