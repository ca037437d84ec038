"""What is known of each search while it is under way: the best state, and whether it goes on."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from interlocus.budget import Budget
from interlocus.results import Outcome
from interlocus.stack import Stack


class Ledger:
    """The book of the searches of a block, flattened over `[problem, search]`.

    Args:
        parameters: where each search begins.
        begin: validation IIA there.
        shape: how many problems, and searches a problem.
        budget: when a search retires.
        learns_size: whether features are still being chosen until the end of a phase. No search retires before then,
            and of states that solve the problem the last is kept, for features have their price and become fewer.
    """

    def __init__(
        self,
        parameters: Float[Tensor, " search *shape"],
        begin: Float[Tensor, " search"],
        shape: tuple[int, int],
        budget: Budget,
        *,
        learns_size: bool = False,
    ) -> None:
        self.learns_size = learns_size
        self.best, self.begin, self.shape, self.budget = parameters.clone(), begin, shape, budget
        self.validation, self.last = begin.clone(), begin.clone()
        self.steps = torch.zeros(len(begin), dtype=torch.long)
        self.outcome: list[Outcome] = ["budget"] * len(begin)
        self._alive = torch.ones(len(begin), dtype=torch.bool)
        self._mark, self._marked = begin.clone(), torch.zeros_like(self.steps)

    @property
    def alive(self) -> Bool[Tensor, "problem search"]:
        """Which searches go on."""
        return self._alive.view(self.shape)

    def begin_phase(self) -> None:
        """Let every search go on that is not solved, from its best state."""
        self._alive = (self.validation < self.budget.solved) | self.learns_size
        self._mark, self._marked = self.validation.clone(), torch.zeros_like(self.steps)
        self.outcome = ["budget" if goes_on else "solved" for goes_on in self._alive.tolist()]

    def count(self, stack: Stack) -> None:
        """Note a step of the searches that are under way; retired ones that fill a stack up do not count."""
        self.steps[stack.rows] += self._alive[stack.rows].long()

    def take(self, stack: Stack, iia: Float[Tensor, " row"], step: int) -> None:
        """Note a validation: keep what is better, and retire what is solved or does not move."""
        count = len(self.validation)
        iia = stack.spread(iia, count)
        finite = torch.isfinite(stack.spread(stack.parameters.flatten(1).sum(1), count)).cpu()
        going = self._alive.clone()
        self.last[going] = iia[going]
        as_good = (iia >= self.validation.clamp_max(self.budget.solved)) & self.learns_size
        better = going & ((iia > self.validation) | as_good)
        self.best[better] = stack.spread(stack.parameters, count)[better]
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
