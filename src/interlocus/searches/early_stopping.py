"""What is known of each search while it is under way: the best state, and whether it goes on."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from interlocus.searches.budget import Budget
from interlocus.searches.results import Outcome


class EarlyStopping:
    """The book of searches that begin together, flattened over `[problem, search]`.

    Args:
        parameters: where each search begins.
        begin: validation IIA there.
        shape: how many problems, and searches a problem.
        budget: when a search retires.
        rivals: places of searches of a problem that race against each other, for each size.
        learns_size: whether features are still being chosen until the end of a phase. No search retires before then,
            and of states that solve the problem the last is kept, because the penalty reduces the number of features.
    """

    def __init__(
        self,
        parameters: Float[Tensor, " search *shape"],
        begin: Float[Tensor, " search"],
        shape: tuple[int, int],
        budget: Budget,
        rivals: Sequence[Sequence[int]],
        *,
        learns_size: bool = False,
    ) -> None:
        self.learns_size, self.rivals = learns_size, rivals
        self.best, self.begin, self.shape, self.budget = parameters.clone(), begin, shape, budget
        self.validation, self.last = begin.clone(), begin.clone()
        self.steps = torch.zeros(len(begin), dtype=torch.long)
        self.outcome: list[Outcome] = ["budget"] * len(begin)
        self._alive = torch.ones(len(begin), dtype=torch.bool)
        self._racing = torch.ones_like(self._alive)
        self._mark, self._marked = begin.clone(), torch.zeros_like(self.steps)
        self._before, self._rungs = 0, 0

    @property
    def alive(self) -> Bool[Tensor, "problem search"]:
        """Which searches go on."""
        return self._alive.view(self.shape)

    def begin_phase(self, before: int = 0) -> None:
        """Let every search go on that is neither solved nor outrun, from its best state.

        Args:
            before: steps of the phases before this one.
        """
        self._alive = self._racing & ((self.validation < self.budget.solved) | self.learns_size)
        self._mark, self._marked, self._before = self.validation.clone(), torch.zeros_like(self.steps), before
        self.outcome = [
            ("budget" if goes_on else "solved") if racing else was
            for goes_on, racing, was in zip(self._alive.tolist(), self._racing.tolist(), self.outcome, strict=True)
        ]

    def race(self, step: int) -> None:
        """Where a rung was passed, let only the better half of each problem's searches of a size go on.

        Args:
            step: of the phase, the next that would be made.
        """
        rungs = (self._before + step) // self.budget.halving_interval if self.budget.halving_interval else 0
        if self.learns_size or rungs == self._rungs:
            return
        self._rungs = rungs
        racing, validation = self._racing.view(self.shape), self.validation.view(self.shape)
        for problem in range(self.shape[0]):
            for places in self.rivals:
                left = [place for place in places if racing[problem, place]]
                order = sorted(left, key=lambda place: -float(validation[problem, place]))  # of equals the first
                racing[problem, order[(len(order) + 1) // 2 :]] = False
        halved = ~self._racing & torch.tensor([outcome in {"budget", "plateau"} for outcome in self.outcome])
        self._retire("halved", halved)

    def count(self, steps: int) -> None:
        """Note steps of the searches that are under way."""
        self.steps += steps * self._alive

    def take(self, parameters: Float[Tensor, " search *shape"], iia: Float[Tensor, " search"], step: int) -> None:
        """Note a validation: keep what is better, and retire what is solved or does not move.

        Args:
            parameters: of all searches; those of retired ones are not looked at.
            iia: theirs, likewise.
            step: of the phase, after which this was measured.
        """
        finite = torch.isfinite(parameters.flatten(1).sum(1)).cpu()
        going = self._alive.clone()
        self.last[going] = iia[going]
        as_good = (iia >= self.validation.clamp_max(self.budget.solved)) & self.learns_size
        better = going & ((iia > self.validation) | as_good)
        self.best[better] = parameters[better]
        self.validation[better] = iia[better]
        moved = going & (iia >= self._mark + self.budget.gain)
        self._mark[moved], self._marked[moved] = iia[moved], step
        self._retire("diverged", going & ~finite)
        if self.learns_size:
            reached = self.validation >= self.budget.solved
            self.outcome = [
                "solved" if goes_on and there else was
                for was, goes_on, there in zip(self.outcome, self._alive.tolist(), reached.tolist(), strict=True)
            ]
            return
        self._retire("plateau", going & (step - self._marked >= self.budget.patience))
        self._retire("solved", going & (self.validation >= self.budget.solved))

    def _retire(self, outcome: Outcome, searches: Bool[Tensor, " search"]) -> None:
        self._alive &= ~searches
        for search in searches.nonzero().flatten().tolist():
            self.outcome[search] = outcome
