"""What was found on a task's items, asked on others: does it hold beyond what it was found on?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.evaluation import evaluate
from interlocus.alignment.metrics import Score
from interlocus.networks import AbstractNetworks
from interlocus.searches.budget import Budget
from interlocus.tasks import AbstractTask


@dataclass(frozen=True, kw_only=True)
class Shifted:
    """A network and an alignment on shifted items.

    Args:
        accuracy: of the network there. Where it cannot solve them, its IIA says little.
        score: of the alignment there.
    """

    accuracy: float
    score: Score

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"accuracy": self.accuracy, "score": self.score.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Shifted:
        """What `to_json` wrote."""
        return cls(accuracy=data["accuracy"], score=Score.from_json(data["score"]))


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
    return Shifted(accuracy=network.accuracy(other, seed=seed)[0], score=score)
