"""What else is asked of the alignment of a site. It decides no verdict, and stands beside the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from interlocus.alignment.alignment import Alignment
from interlocus.controls.code_fit import fit_code
from interlocus.controls.distribution_shift import distribution_shift
from interlocus.controls.operand_leakage import source_variation
from interlocus.core.errors import AlignmentError, SpecificationError
from interlocus.networks import AbstractNetworks
from interlocus.searches.budget import Budget
from interlocus.tasks import AbstractTask

SIDE_INTERVENTIONS = 4_000
"""Interventions, and pairs of sources; figures that decide nothing need no more."""


@dataclass(frozen=True, kw_only=True)
class Aside:
    """Further figures of one alignment.

    Args:
        size: of the alignment, as text.
        featurizer: its class of maps.
        shifted: IIA on items that the task draws otherwise; `None` where it has none.
        shifted_accuracy: of the network on those.
        varies: for each variable in how many bases two sources of equal value give different answers.
        code: for each code that the site may have the share of exchanges that are answered as it says; with `guess` all
            add up to one. Nothing stands here where they cannot be counted out.
    """

    size: str
    featurizer: str
    shifted: float | None
    shifted_accuracy: float | None
    varies: dict[str, float]
    code: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def aside_of(
    alignment: Alignment,
    network: AbstractNetworks,
    task: AbstractTask,
    *,
    rivals: Sequence[str] = (),
    budget: Budget | None = None,
    seed: int = 0,
) -> Aside:
    """Ask all of it.

    Args:
        alignment: found in the network.
        network: one.
        task: what it solves.
        rivals: other hypotheses that the site may hold, by name.
        budget: of what the alignment was found with; fewer interventions are asked.
        seed: decides on them.
    """
    own = budget or Budget()
    few = own.model_copy(
        update={"held_out": min(own.held_out, SIDE_INTERVENTIONS), "test": min(own.test, SIDE_INTERVENTIONS)}
    )
    other = distribution_shift(alignment, network, task, budget=few, seed=seed)
    varies: dict[str, float] = {}
    for variable in alignment.variables:
        with suppress(AlignmentError):  # a number or a vector has no equal values
            varies[variable] = source_variation(
                alignment, variable, network, task, pairs=SIDE_INTERVENTIONS, seed=seed
            ).share
    code: dict[str, float] = {}
    with suppress(SpecificationError):  # what does not follow from few discrete values cannot be counted out
        code = fit_code(alignment, network, task, rivals=rivals, budget=few, seed=seed).shares
    return Aside(
        size=str(alignment.size),
        featurizer=alignment.featurizer,
        shifted=None if other is None else other.score.iia,
        shifted_accuracy=None if other is None else other.accuracy,
        varies=varies,
        code=code,
    )
