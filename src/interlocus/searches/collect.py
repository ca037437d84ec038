"""From searches that have ended to what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from interlocus.alignment.dimensions import Size
from interlocus.alignment.interchange.cache import Problems
from interlocus.alignment.metrics import Score
from interlocus.core.linalg import orthonormal_basis, subspace_overlap
from interlocus.featurizers import Frames, in_use
from interlocus.searches.early_stopping import EarlyStopping
from interlocus.searches.request import Request
from interlocus.searches.results import Outcome, ProblemResult, Restart, Restarts


@dataclass(frozen=True, kw_only=True)
class Ended:
    """Searches that began together, when all of them have ended.

    Args:
        places: which of the lineup they are.
        ledger: what is known of them.
        maps: those of their best states.
        scores: of these.
    """

    places: tuple[int, ...]
    ledger: EarlyStopping
    maps: Any
    scores: Sequence[Score]

    def row(self, problem: int, place: int) -> int:
        """Where a search stands among those of all problems."""
        return problem * len(self.places) + self.places.index(place)

    def best(self, request: Request, problem: int) -> dict[Size, Any]:
        """For each size the maps of the search that is best by validation; of equals the first."""
        found = {}
        for size in request.sizes:
            rows = [self.row(problem, place) for place in self.places if request.search_list[place].size == size]
            found[size] = self.maps.select(max(rows, key=lambda row: float(self.ledger.validation[row])))
        return found

    def restarts(self, request: Request, problem: int) -> dict[int, Restart]:
        """The searches of a problem, by their places."""
        ledger = self.ledger
        chosen = _of_choice(self.maps) if request.featurizer.learns_size and isinstance(self.maps, Frames) else {}
        made = {}
        for place in self.places:
            row, (_, start, restart) = self.row(problem, place), request.search_list[place]
            made[place] = Restart(
                start=start.name,
                restart=restart,
                begin=float(ledger.begin[row]),
                validation=float(ledger.validation[row]),
                last=float(ledger.last[row]),
                steps=int(ledger.steps[row]),
                outcome=chosen.get(row, ledger.outcome[row]),
                score=self.scores[row],
            )
        return made


def gather(request: Request, problems: Problems, ended: Sequence[Ended]) -> list[ProblemResult]:
    """One finding a problem, from all searches that were put to it."""
    findings = []
    for problem, (network, number) in enumerate(zip(*(axis.tolist() for axis in problems), strict=True)):
        restarts = {place: restart for one in ended for place, restart in one.restarts(request, problem).items()}
        sizes, kept = [], []
        for size in request.sizes:
            places = [place for place, entry in enumerate(request.search_list) if entry.size == size]
            best = max(places, key=lambda place: restarts[place].validation)
            own = tuple(restarts[place] for place in places)
            maps = [_maps_of(ended, problem, place) for place in places]
            chosen = places.index(best)
            sizes.append(Restarts(size=size, restarts=own, chosen=chosen, agreement=_agreement(maps, chosen)))
            kept.append(maps[chosen])
        name = request.hypotheses[number].name
        findings.append(ProblemResult(network=network, hypothesis=name, sizes=tuple(sizes), frames=tuple(kept)))
    return findings


def _maps_of(ended: Sequence[Ended], problem: int, place: int) -> Any:
    (where,) = (one for one in ended if place in one.places)
    return where.maps.select(where.row(problem, place))


def _agreement(maps: Sequence[Any], chosen: int) -> tuple[float | None, ...]:
    """For each search how far its variables lie in the directions of the chosen one, on average of the variables."""
    if len(maps) < 2 or not isinstance(maps[chosen], Frames):
        return (None,) * len(maps)
    bases = [_bases(one) for one in maps]
    return tuple(_mean_shared(own, bases[chosen]) for own in bases)


def _bases(maps: Frames) -> list[Float[np.ndarray, "width _"]]:
    """Orthonormal directions that each variable writes; none where a map diverged, or nothing was chosen."""
    finite = bool(torch.isfinite(maps.write).all())
    return [
        orthonormal_basis(rows.double().numpy().T) if finite else np.zeros((rows.shape[1], 0)) for rows in maps.write
    ]


def _mean_shared(one: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> float | None:
    if not all(a.shape[1] and b.shape[1] for a, b in zip(one, other, strict=True)):
        return None
    return float(np.mean([subspace_overlap(a, b) for a, b in zip(one, other, strict=True)]))


def _of_choice(frames: Frames) -> dict[int, Outcome]:
    """The searches of which the features that were chosen are none, or all of the site for one variable."""
    counts = in_use(frames).sum(2)
    none, every = (counts == 0).all(1).tolist(), (counts == frames.read.shape[3]).any(1).tolist()
    said: dict[int, Outcome] = {}
    for row, (empty, full) in enumerate(zip(none, every, strict=True)):
        if empty or full:
            said[row] = "empty" if empty else "full"
    return said
