"""What searches found in planted networks, and the power that follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from interlocus.controls.ground_truth.recipes import PLANTING_RECIPES
from interlocus.core.json_record import JsonRecord
from interlocus.core.statistics import clopper_pearson

PLANTED_COUNT = 17
"""Networks that are searched. If all 17 are found, the lower end of the share is .805; of 16 it would be .794, which is
less than the required .80."""
PLANTED_AFTER_A_MISS = 30
"""Networks that are searched in all if exactly one of the first `PLANTED_COUNT` was missed. If 29 of them are found,
the lower end is .812, corrected for the second look."""
MIN_KINDS = 2
"""Kinds of planted networks on which an absence rests. A single kind may be one that happens to suit the search."""


@dataclass(frozen=True, kw_only=True)
class Power:
    """The power of a search: in how many networks with planted variables it finds them, for the hardest kind.

    Args:
        kind: Name of the planting recipe.
        found: Number of networks in which the variables were found.
        of: Number of networks that were searched.
        kinds: Number of recipes with which enough networks were made.
        unknown: Names of the recipes with which too few networks could be made, so that their power is unknown.
        found_inside: Number of networks in which the variables were found inside the used subspace.
        of_inside: Number of networks that were searched inside the used subspace; 0 if none was.
    """

    kind: str
    found: int
    of: int
    kinds: int = MIN_KINDS
    unknown: tuple[str, ...] = ()
    found_inside: int = 0
    of_inside: int = 0

    @property
    def low(self) -> float:
        """Lower end of the exact 95 % interval of the share found.

        The hardest recipe of several needs no correction: power is claimed only if every recipe shows it.
        """
        return _low(self.found, self.of)

    @property
    def low_inside(self) -> float | None:
        """The same inside the used subspace; `None` if it was not measured."""
        return _low(self.found_inside, self.of_inside) if self.of_inside else None

    @property
    def inside(self) -> Power | None:
        """The power of the searches inside the used subspace, for the recipe with which it was measured."""
        if not self.of_inside:
            return None
        return Power(kind=INSIDE_KIND, found=self.found_inside, of=self.of_inside)

    def missing(self, least: float) -> str | None:
        """What has to be shown before an absence is claimed, in a sentence; `None` where this power is enough.

        Args:
            least: Threshold for the lower end of the share that is found, from 0 to 1 (`Thresholds.power`).
        """
        if self.low < least:
            return (
                f"A stronger search (more restarts, other starts or sizes): it finds {self.found} of {self.of} planted "
                f"variables ({self.kind})."
            )
        if self.kinds < MIN_KINDS:
            return (
                f"Variables that are planted in another way: all were found that were planted as {self.kind}, and too "
                f"few could be planted as {', '.join(self.unknown)}."
            )
        return None


INSIDE_KIND = "graded"
"""The recipe whose networks are searched inside their used subspaces too. Their true IIAs lie between .80 and 1, and
they use further directions, so that the used subspace has to be found. One recipe is enough: these searches cost more
than those in the full state."""


@dataclass(frozen=True, kw_only=True)
class PlantedResult(JsonRecord):
    """The results of searches in networks that were planted with one recipe.

    Args:
        kind: Name of the planting recipe.
        planted: For each network the true IIA, that of the planted subspace.
        best: For each network the highest IIA of the searches, which end with the first that finds the variables.
        hits: For each network whether the variables were found. If its true IIA is below 1, an IIA near it is enough.
        left_out: Number of networks in which planting failed.
        best_inside: For each network the highest IIA inside its used subspace; empty if it was not searched.
        hits_inside: For each network whether the variables were found inside; empty if it was not searched.
    """

    kind: str
    planted: tuple[float, ...]
    best: tuple[float, ...]
    hits: tuple[bool, ...]
    left_out: int
    best_inside: tuple[float, ...] = ()
    hits_inside: tuple[bool, ...] = ()

    @property
    def found(self) -> int:
        """Number of networks in which the variables were found."""
        return sum(self.hits)

    @property
    def count(self) -> int:
        """Number of networks that were searched."""
        return len(self.hits)

    @property
    def is_unknown(self) -> bool:
        """Whether so few networks could be made that the searches' power in them is not known."""
        return self.count < PLANTED_COUNT and self.found == self.count

    @property
    def low(self) -> float:
        """Lower end of the exact 95 % interval of the share found."""
        return _low(self.found, self.count)

    @classmethod
    def combine(cls, rounds: Sequence[PlantedResult], count: int) -> PlantedResult:
        """The results of several rounds as one, with the first networks of them.

        Args:
            rounds: The results of one recipe, at least one.
            count: Number of networks to keep.
        """
        return cls(
            kind=rounds[0].kind,
            planted=tuple(iia for one in rounds for iia in one.planted)[:count],
            best=tuple(iia for one in rounds for iia in one.best)[:count],
            hits=tuple(hit for one in rounds for hit in one.hits)[:count],
            left_out=sum(one.left_out for one in rounds),
            best_inside=tuple(iia for one in rounds for iia in one.best_inside)[:count],
            hits_inside=tuple(hit for one in rounds for hit in one.hits_inside)[:count],
        )


def networks_to_search(hits: Sequence[bool]) -> int:
    """How many planted networks have to be searched, given what was found in those so far.

    Args:
        hits: For each network that was searched whether the variables were found.
    """
    missed_one = hits[:PLANTED_COUNT].count(False) == 1
    return PLANTED_AFTER_A_MISS if missed_one and len(hits) >= PLANTED_COUNT else PLANTED_COUNT


def _low(found: int, of: int) -> float:
    """Lower end of the exact 95 % interval, corrected for the second look where more than the first networks count."""
    return clopper_pearson(found, of, comparisons=2 if of > PLANTED_COUNT else 1)[0]


def power_of(measured: Sequence[PlantedResult], least: float) -> Power | None:
    """The power for the hardest recipe.

    It is `None` while recipes are left to measure and none of the measured ones is below the threshold, and where no
    recipe could make enough networks.

    Args:
        measured: The results so far, one for each recipe.
        least: Threshold for the lower end of the share that is found, from 0 to 1.
    """
    known = [result for result in measured if not result.is_unknown]
    hardest = min(known, key=lambda result: result.low, default=None)
    if hardest is None or (len(measured) < len(PLANTING_RECIPES) and hardest.low >= least):
        return None
    inside = [hit for result in measured for hit in result.hits_inside]
    return Power(
        kind=hardest.kind,
        found=hardest.found,
        of=hardest.count,
        kinds=len(known),
        unknown=tuple(result.kind for result in measured if result.is_unknown),
        found_inside=sum(inside),
        of_inside=len(inside),
    )
