"""The control `shuffled_labels`: the best IIA of all searches when their labels are shuffled."""

from __future__ import annotations

from interlocus.controls._base import AbstractControl, ControlContext, Evidence, EvidenceContext


class ShuffledLabels(AbstractControl[float]):
    """The best IIA of the portfolio when maps are trained and chosen with labels of other interventions.

    The result is one number for each network. A verdict takes it as a chance level.
    """

    name = "shuffled_labels"
    description = "the searches were repeated with labels of other interventions, whose best score counts as chance"

    def measure(self, context: ControlContext) -> list[float | None]:
        return [*context.portfolio.best_iia(context.networks, context.task, context.site, shuffle=True)]

    def evidence(self, result: float | None, context: EvidenceContext) -> list[Evidence]:
        return []  # verdicts list it among the chance levels
