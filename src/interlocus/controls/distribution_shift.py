"""The control `distribution_shift`: does an alignment hold beyond the items on which it was found?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.dimensions import Size, parse_size
from interlocus.alignment.evaluation import evaluate
from interlocus.controls._base import AbstractControl, ControlContext, Evidence, EvidenceContext
from interlocus.networks import AbstractNetworks
from interlocus.searches.budget import Budget
from interlocus.tasks import AbstractTask

SHIFT_INTERVENTIONS = 4_000
"""Examples and interventions, at most: the control decides nothing, so it needs no more."""


@dataclass(frozen=True, kw_only=True)
class Shifted:
    """A network and an alignment on shifted items.

    Args:
        featurizer: Name of the alignment's featurizer.
        size: Features per variable of the alignment.
        accuracy: Accuracy of the network on the shifted items. Where it cannot solve them, its IIA says little.
        iia: IIA of the alignment there.
    """

    featurizer: str
    size: Size
    accuracy: float
    iia: float


def distribution_shift(
    alignment: Alignment, network: AbstractNetworks, task: AbstractTask, *, budget: Budget | None = None, seed: int = 0
) -> Shifted | None:
    """The score of an alignment on shifted items; `None` where the task has none.

    Args:
        alignment: found on the task's own items.
        network: in which it was found.
        task: on whose items.
        budget: how many examples and interventions.
        seed: decides on them.

    Raises:
        AlignmentError: the alignment belongs to another network.
    """
    other = task.shifted()
    if other is None:
        return None
    score = evaluate(alignment, network, other, budget=budget, seed=seed)
    return Shifted(
        featurizer=alignment.featurizer,
        size=alignment.size,
        accuracy=network.accuracy(other, seed=seed)[0],
        iia=score.iia,
    )


class DistributionShift(AbstractControl[Shifted]):
    """The score of the site's alignment on items that are drawn from another distribution. It decides no verdict."""

    name = "distribution_shift"
    description = "alignments were scored on items from another distribution as well"

    def measure(self, context: ControlContext) -> list[Shifted | None]:
        budget = context.portfolio.budget
        fewer = budget.model_copy(
            update={
                "held_out": min(budget.held_out, SHIFT_INTERVENTIONS),
                "test": min(budget.test, SHIFT_INTERVENTIONS),
            }
        )
        return [
            alignment
            and distribution_shift(
                alignment, context.networks[i], context.task, budget=fewer, seed=context.portfolio.seed
            )
            for i, alignment in enumerate(context.alignments)
        ]

    def to_json(self, result: Shifted) -> dict[str, Any]:
        return asdict(result)

    def from_json(self, data: dict[str, Any]) -> Shifted:
        return Shifted(
            featurizer=data["featurizer"],
            size=parse_size(data["size"]),
            accuracy=data["accuracy"],
            iia=data["iia"],
        )

    def evidence(self, result: Shifted | None, context: EvidenceContext) -> list[Evidence]:
        if result is None:
            return []
        text = (
            f"On items from another distribution, of which the network solves {result.accuracy:.3f}, the "
            f"{result.featurizer} map of size {result.size} scores {result.iia:.3f}."
        )
        return [Evidence(control="distribution shift", text=text, passes=None)]
