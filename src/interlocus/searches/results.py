"""The stored results of searches: one restart, all restarts of one size, and all sizes of one problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import computed_field

from interlocus.alignment.dimensions import Size
from interlocus.alignment.metrics import Score
from interlocus.core.json_record import JsonRecord
from interlocus.featurizers import Frames, NonlinearMap

SOLVED_IIA = 0.99
"""A restart counts as solved from this test IIA on."""

Outcome = Literal["solved", "plateau", "budget", "halved", "diverged", "empty", "full"]
"""Why a search ended.

- `solved`: its validation IIA reached `Budget.solved`.
- `plateau`: it stopped improving.
- `budget`: it used up its steps.
- `halved`: successive halving dropped it, since other searches of its size were better.
- `diverged`: its parameters became infinite or not a number, or a map that must be invertible became singular.
- `empty`, `full`: a featurizer that learns its size chose no feature, or all features of the site.
"""

HINTS: Mapping[Outcome, str] = {
    "solved": "Nothing needs to be done.",
    "plateau": "Try another start or another loss.",
    "budget": "Allow more steps.",
    "halved": "Other searches were better after few steps: raise `budget.halving_interval`, or leave it out.",
    "diverged": "Lower the learning rate, or use a bounded featurizer if the maps are oblique.",
    "empty": "No feature was worth its penalty: lower the penalty, or conclude that the variable is not at this site.",
    "full": "All features of the site were chosen, which exchanges the whole state: raise the penalty.",
}
"""What a user can do about each outcome."""


@dataclass(frozen=True, kw_only=True)
class Restart(JsonRecord):
    """The result of one search: one start, one size, one network and one hypothesis.

    Args:
        start: Name of the start, for instance `covariance`.
        restart: Index among the restarts of the same start and size, from 0.
        begin: Validation IIA before the first step.
        validation: Best validation IIA over all validations. The maps of that validation are the result.
        last: Validation IIA at the last validation.
        steps: Number of optimiser steps that were made.
        outcome: Why the search ended, see `Outcome`.
        score: Score of the best maps on the test interventions.
    """

    start: str
    restart: int
    begin: float
    validation: float
    last: float
    steps: int
    outcome: Outcome
    score: Score

    @computed_field  # stored in records, for people who read them
    @property
    def hint(self) -> str:
        """What a user can do about the outcome."""
        return HINTS[self.outcome]


@dataclass(frozen=True, kw_only=True)
class Restarts(JsonRecord):
    """All restarts of one problem at one size.

    Args:
        size: Features per variable: an integer, or text such as `4+2` in the order of the hypothesis' variables.
        restarts: The restarts, in the order of the starts, at least one.
        best_index: Index in `restarts` of the one with the highest validation IIA.
        agreement: For each restart the overlap of its written directions with those of the best restart,
            ‖Q₁ᵀQ₂‖²_F / k from 0 to 1, averaged over the variables. `None` for maps that are not linear, and for
            restarts without directions. Empty in records of older versions.
    """

    size: Size
    restarts: tuple[Restart, ...]
    best_index: int
    agreement: tuple[float | None, ...] = ()

    @property
    def best(self) -> Restart:
        """The restart with the highest validation IIA. Its test score is the one that is reported."""
        return self.restarts[self.best_index]

    def agreeing(self, near: float) -> list[float]:
        """The agreement of every other restart whose test IIA is at most `near` below that of the best."""
        pairs = zip(self.restarts, self.agreement, strict=False)
        return [
            share
            for index, (restart, share) in enumerate(pairs)
            if share is not None and index != self.best_index and restart.score.iia >= self.best.score.iia - near
        ]

    def by_start(self) -> dict[str, float]:
        """For each start the test IIA of its best restart by validation."""
        best: dict[str, Restart] = {}
        for restart in self.restarts:
            if restart.start not in best or restart.validation > best[restart.start].validation:
                best[restart.start] = restart
        return {name: restart.score.iia for name, restart in best.items()}

    def solved(self) -> dict[str, tuple[int, int]]:
        """For each start the number of restarts with a test IIA of at least `SOLVED_IIA`, and the number of all."""
        iias: dict[str, list[float]] = {}
        for restart in self.restarts:
            iias.setdefault(restart.start, []).append(restart.score.iia)
        return {name: (sum(iia >= SOLVED_IIA for iia in values), len(values)) for name, values in iias.items()}


@dataclass(frozen=True, kw_only=True)
class ProblemResult:
    """The result of one *problem*: one network with one hypothesis at one site.

    Args:
        network: Index of the network among those that were searched, from 0.
        hypothesis: Name of the hypothesis.
        sizes: The restarts of each size, in the order in which the sizes were requested.
        frames: For each size the maps of the best restart: `Frames` with tensors `[variable, feature, width]`, or a
            `NonlinearMap`.
    """

    network: int
    hypothesis: str
    sizes: tuple[Restarts, ...]
    frames: tuple[Frames | NonlinearMap, ...]
