"""Early stopping: the best maps of each search, and the decision whether the search continues."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from interlocus.searches.budget import Budget
from interlocus.searches.results import Outcome


class EarlyStopping:
    """Keeps the best parameters of searches that start together, and stops searches.

    The axis `search` of every tensor runs over `[problem, search of the problem]`, flattened in this order.

    Args:
        parameters: Initial parameters of the featurizer.
        begin: Validation IIA of the initial parameters, from 0 to 1.
        shape: Number of problems, and number of searches per problem.
        budget: Stopping rules: `solved`, `patience`, `gain` and `halving_interval`.
        groups: Indices of the searches of a problem that successive halving compares: one sequence per size.
        learns_size: Whether the featurizer chooses its features until the end of a phase. Then no search stops before
            that end, and among parameters that solve the problem the last are kept, because features have a penalty and
            become fewer over time.

    Attributes:
        best: Parameters with the highest validation IIA.
        validation: Validation IIA of `best`.
        last: Validation IIA at the last validation of each search.
        steps: Number of steps that each search has made.
        outcome: Why each search stopped; `budget` while it continues.
    """

    def __init__(
        self,
        parameters: Float[Tensor, " search *shape"],
        begin: Float[Tensor, " search"],
        shape: tuple[int, int],
        budget: Budget,
        groups: Sequence[Sequence[int]],
        *,
        learns_size: bool = False,
    ) -> None:
        self.learns_size, self.groups = learns_size, groups
        self.best, self.begin, self.shape, self.budget = parameters.clone(), begin, shape, budget
        self.validation, self.last = begin.clone(), begin.clone()
        self.steps = torch.zeros(len(begin), dtype=torch.long)
        self.outcome: list[Outcome] = ["budget"] * len(begin)
        self._alive = torch.ones(len(begin), dtype=torch.bool)
        self._not_halved = torch.ones_like(self._alive)
        self._progress_iia, self._progress_step = begin.clone(), torch.zeros_like(self.steps)
        self._earlier_steps, self._halvings = 0, 0

    @property
    def alive(self) -> Bool[Tensor, "problem search"]:
        """True where a search continues."""
        return self._alive.view(self.shape)

    def begin_phase(self, earlier_steps: int = 0) -> None:
        """Continue every search that is neither solved nor halved.

        Args:
            earlier_steps: Number of steps of all earlier phases.
        """
        self._alive = self._not_halved & ((self.validation < self.budget.solved) | self.learns_size)
        self._progress_iia, self._progress_step = self.validation.clone(), torch.zeros_like(self.steps)
        self._earlier_steps = earlier_steps
        self.outcome = [
            ("budget" if continues else "solved") if not_halved else outcome
            for continues, not_halved, outcome in zip(
                self._alive.tolist(), self._not_halved.tolist(), self.outcome, strict=True
            )
        ]

    def halve(self, step: int) -> None:
        """Stop the worse half of each problem's searches of a size, if a halving interval has passed.

        Args:
            step: Number of steps made in this phase.
        """
        interval = self.budget.halving_interval
        halvings = (self._earlier_steps + step) // interval if interval else 0
        if self.learns_size or halvings == self._halvings:
            return
        self._halvings = halvings
        not_halved, validation = self._not_halved.view(self.shape), self.validation.view(self.shape)
        for problem in range(self.shape[0]):
            for group in self.groups:
                remaining = [search for search in group if not_halved[problem, search]]
                # a stable sort: the earlier of two equal searches is kept
                order = sorted(remaining, key=lambda search: -float(validation[problem, search]))
                not_halved[problem, order[(len(order) + 1) // 2 :]] = False
        halved = ~self._not_halved & torch.tensor([outcome in {"budget", "plateau"} for outcome in self.outcome])
        self._stop("halved", halved)

    def count(self, steps: int) -> None:
        """Add steps to the searches that continue."""
        self.steps += steps * self._alive

    def update(self, parameters: Float[Tensor, " search *shape"], iia: Float[Tensor, " search"], step: int) -> None:
        """Record a validation: keep better parameters, and stop searches that are solved or do not improve.

        Args:
            parameters: Current parameters. Those of stopped searches are ignored.
            iia: Validation IIA of the parameters. The values of stopped searches are ignored.
            step: Number of steps made in this phase.
        """
        finite = torch.isfinite(parameters.flatten(1).sum(1)).cpu()
        active = self._alive.clone()
        self.last[active] = iia[active]
        as_good = (iia >= self.validation.clamp_max(self.budget.solved)) & self.learns_size
        better = active & ((iia > self.validation) | as_good)
        self.best[better] = parameters[better]
        self.validation[better] = iia[better]
        improved = active & (iia >= self._progress_iia + self.budget.gain)
        self._progress_iia[improved], self._progress_step[improved] = iia[improved], step
        self._stop("diverged", active & ~finite)
        if self.learns_size:
            solved = self.validation >= self.budget.solved
            self.outcome = [
                "solved" if continues and is_solved else outcome
                for outcome, continues, is_solved in zip(
                    self.outcome, self._alive.tolist(), solved.tolist(), strict=True
                )
            ]
            return
        self._stop("plateau", active & (step - self._progress_step >= self.budget.patience))
        self._stop("solved", active & (self.validation >= self.budget.solved))

    def _stop(self, outcome: Outcome, searches: Bool[Tensor, " search"]) -> None:
        self._alive &= ~searches
        for search in searches.nonzero().flatten().tolist():
            self.outcome[search] = outcome
