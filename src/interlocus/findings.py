"""From searches that have ended to what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from interlocus.featurizers import Frames, in_use
from interlocus.interchange import Problems
from interlocus.ledger import Ledger
from interlocus.metrics import Score
from interlocus.request import Request
from interlocus.results import Attempt, Attempts, Finding, Outcome
from interlocus.size import Size


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
    ledger: Ledger
    maps: Any
    scores: Sequence[Score]

    def row(self, problem: int, place: int) -> int:
        """Where a search stands among those of all problems."""
        return problem * len(self.places) + self.places.index(place)

    def best(self, request: Request, problem: int) -> dict[Size, Any]:
        """For each size the maps of the search that is best by validation; of equals the first."""
        found = {}
        for size in request.sizes:
            rows = [self.row(problem, place) for place in self.places if request.lineup[place].size == size]
            found[size] = self.maps.of(max(rows, key=lambda row: float(self.ledger.validation[row])))
        return found

    def attempts(self, request: Request, problem: int) -> dict[int, Attempt]:
        """The searches of a problem, by their places."""
        ledger = self.ledger
        chosen = _of_choice(self.maps) if request.featurizer.learns_size and isinstance(self.maps, Frames) else {}
        made = {}
        for place in self.places:
            row, (_, start, restart) = self.row(problem, place), request.lineup[place]
            made[place] = Attempt(
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


def gather(request: Request, problems: Problems, ended: Sequence[Ended]) -> list[Finding]:
    """One finding a problem, from all searches that were put to it."""
    findings = []
    for problem, (network, number) in enumerate(zip(*(axis.tolist() for axis in problems), strict=True)):
        attempts = {place: attempt for one in ended for place, attempt in one.attempts(request, problem).items()}
        sizes, kept = [], []
        for size in request.sizes:
            places = [place for place, entry in enumerate(request.lineup) if entry.size == size]
            best = max(places, key=lambda place: attempts[place].validation)
            own = tuple(attempts[place] for place in places)
            sizes.append(Attempts(size=size, attempts=own, chosen=places.index(best)))
            (where,) = (one for one in ended if best in one.places)
            kept.append(where.maps.of(where.row(problem, best)))
        name = request.hypotheses[number].name
        findings.append(Finding(network=network, hypothesis=name, sizes=tuple(sizes), frames=tuple(kept)))
    return findings


def _of_choice(frames: Frames) -> dict[int, Outcome]:
    """The searches of which the features that were chosen are none, or all of the site for one variable."""
    counts = in_use(frames).sum(2)
    none, every = (counts == 0).all(1).tolist(), (counts == frames.read.shape[3]).any(1).tolist()
    said: dict[int, Outcome] = {}
    for row, (empty, full) in enumerate(zip(none, every, strict=True)):
        if empty or full:
            said[row] = "empty" if empty else "full"
    return said
