"""What a search leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from interlocus.alignment.dimensions import Size, parse_size
from interlocus.alignment.metrics import Score
from interlocus.featurizers import Frames, NonlinearMap

SOLVED_IIA = 0.99
"""A search whose test IIA is as high has found the whole variable."""

Outcome = Literal["solved", "plateau", "budget", "halved", "diverged", "empty", "full"]
"""Why a search ended: the goal was reached, it stopped improving, its steps were used up, others of its size were ahead
at a rung, its numbers overflowed or a map that has to be inverted became singular, or a size that was learned became
nothing, or the whole site."""

MENDS: Mapping[Outcome, str] = {
    "solved": "Nothing needs to be done.",
    "plateau": "Another start or loss may lead on.",
    "budget": "More steps may lead on.",
    "halved": "Others were ahead after a short run: without `budget.halving_interval`, or a larger one, it goes on.",
    "diverged": "A lower learning rate may help, or for oblique maps a bound.",
    "empty": "No feature was worth its penalty: lower `penalty`, or conclude that the variable is not at this site.",
    "full": "All features of the site were selected, which swaps the whole activation: raise `penalty`.",
}
"""What helps, for each outcome."""


@dataclass(frozen=True, kw_only=True)
class Restart:
    """One search: a start, and what became of it.

    Args:
        start: the name of the start.
        restart: which of several.
        begin: validation IIA before the first step.
        validation: the best validation IIA.
        last: validation IIA at the end, where the loss had led to.
        steps: how many were made.
        outcome: why it ended.
        score: of the best state, on test interventions.
    """

    start: str
    restart: int
    begin: float
    validation: float
    last: float
    steps: int
    outcome: Outcome
    score: Score

    @property
    def hint(self) -> str:
        """What helps."""
        return MENDS[self.outcome]

    def to_json(self) -> dict[str, Any]:
        """Plain values for a record, with the mend for who reads it."""
        return asdict(self) | {"mend": self.hint, "score": self.score.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Restart:
        """What `to_json` wrote."""
        plain = {name: value for name, value in data.items() if name not in {"mend", "score"}}
        return cls(**plain, score=Score.from_json(data["score"]))


@dataclass(frozen=True, kw_only=True)
class Restarts:
    """All searches of one problem at one size.

    Args:
        size: features a variable; unequal ones as text, in the order of the hypothesis' variables: `4+2`.
        restarts: one a start and restart.
        chosen: the attempt that is best by validation.
        agreement: for each attempt how far it writes a variable in the directions of the chosen one, ‖Q₁ᵀQ₂‖²_F / k, on
            average of the variables; `None` for maps that are not linear.
    """

    size: Size
    restarts: tuple[Restart, ...]
    chosen: int
    agreement: tuple[float | None, ...] = ()

    @property
    def best(self) -> Restart:
        """The attempt that is best by validation. Its test score is what is reported."""
        return self.restarts[self.chosen]

    def agreeing(self, near: float) -> list[float]:
        """The agreement of the attempts, other than the best, whose test IIA is so near to its own."""
        pairs = zip(self.restarts, self.agreement, strict=False)
        return [
            share
            for place, (restart, share) in enumerate(pairs)
            if share is not None and place != self.chosen and restart.score.iia >= self.best.score.iia - near
        ]

    def by_start(self) -> dict[str, float]:
        """For each start the test IIA of its best attempt by validation."""
        best: dict[str, Restart] = {}
        for restart in self.restarts:
            if restart.start not in best or restart.validation > best[restart.start].validation:
                best[restart.start] = restart
        return {name: restart.score.iia for name, restart in best.items()}

    def solved(self) -> dict[str, tuple[int, int]]:
        """For each start how many of its attempts reach a test IIA of .99, and how many there were."""
        iias: dict[str, list[float]] = {}
        for restart in self.restarts:
            iias.setdefault(restart.start, []).append(restart.score.iia)
        return {name: (sum(iia >= SOLVED_IIA for iia in own), len(own)) for name, own in iias.items()}

    def to_json(self) -> dict[str, Any]:
        """Plain values for a record."""
        restarts = [restart.to_json() for restart in self.restarts]
        return {"size": self.size, "chosen": self.chosen, "restarts": restarts, "agreement": list(self.agreement)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Restarts:
        """What `to_json` wrote."""
        restarts = tuple(Restart.from_json(restart) for restart in data["restarts"])
        agreement = tuple(data.get("agreement", ()))  # older records have none
        return cls(size=parse_size(data["size"]), chosen=data["chosen"], restarts=restarts, agreement=agreement)


@dataclass(frozen=True, kw_only=True)
class ProblemResult:
    """What was found in one network for one hypothesis.

    Args:
        network: its index.
        hypothesis: its name.
        sizes: one entry a size.
        frames: for each size the maps of the chosen attempt: `Frames` of one search, or a `NonlinearMap`.
    """

    network: int
    hypothesis: str
    sizes: tuple[Restarts, ...]
    frames: tuple[Frames | NonlinearMap, ...]
