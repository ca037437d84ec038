"""The used subspaces of networks and what is found inside them, with the searches that are made a second time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.evaluation import evaluate
from interlocus.controls.criteria import Thresholds
from interlocus.controls.used.alignments import as_rotation
from interlocus.controls.used.natural import natural_iia
from interlocus.controls.used.search import RestrictedResult, search_restricted
from interlocus.controls.used.subspace import STRICT_AGREEMENT, UsedSubspace, used_subspaces
from interlocus.networks import AbstractNetworks
from interlocus.searches.portfolio import Portfolio
from interlocus.tasks import AbstractTask

NEAR_THE_BAR = 0.10
"""A search inside the used subspace that misses the bar by at most this much is repeated with more restarts."""
MORE_RESTARTS = 3
"""Factor by which the restarts are multiplied then."""

Inside = tuple[UsedSubspace, RestrictedResult]
"""The used subspace of one network, and what was found in it."""


@dataclass(frozen=True, kw_only=True)
class InsideSearch:
    """The searches inside the used subspaces of networks at one site. Each property is computed once.

    Args:
        portfolio: The searches that are repeated inside.
        task: The task that the networks solve.
        networks: Networks of one architecture.
        site: Name of the site, a key of `networks.sites`.
        alignments: For each network the alignment that represents the site; `None` for a network without one.
        thresholds: The study's thresholds, with which scores are compared.
        on_progress: Called with the share of a search that is done, from 0 to 1.
    """

    portfolio: Portfolio
    task: AbstractTask
    networks: AbstractNetworks
    site: str
    alignments: Sequence[Alignment | None]
    thresholds: Thresholds
    on_progress: Callable[[float], None] = lambda share: None

    @cached_property
    def found(self) -> list[Inside]:
        """For each network its used subspace with what is found there.

        Where an alignment counts as found in the full state and nothing does inside, both are repeated with a stricter
        subspace: the directions that a few answers in a thousand need may be those that hold the variable. Where the
        bar is missed by little, the searches are repeated with more restarts.
        """
        hypothesis, bar = self.portfolio.hypothesis, self.thresholds.found
        every = range(len(self.networks))
        found = self._searched(every, self._used(every, self.thresholds.agreement), self.portfolio)
        lost = [i for i, (_, inside) in enumerate(found) if inside.best_iia(hypothesis) < bar <= self._full_iia(i)]
        stricter = self._searched(lost, self._used(lost, STRICT_AGREEMENT), self.portfolio)
        for i, again in zip(lost, stricter, strict=True):
            if again[1].best_iia(hypothesis) > found[i][1].best_iia(hypothesis):
                found[i] = again
        near = [i for i, (_, inside) in enumerate(found) if bar - NEAR_THE_BAR <= inside.best_iia(hypothesis) < bar]
        starts = {name: MORE_RESTARTS * count for name, count in self.portfolio.starts.items()}
        more = self._searched(near, [found[i][0] for i in near], replace(self.portfolio, starts=starts))
        for i, again in zip(near, more, strict=True):
            found[i] = again  # with the restarts that were made before
        return found

    @cached_property
    def natural(self) -> list[float | None]:
        """For each network the IIA of its alignment within the range of natural states; `None` without an alignment."""
        return [
            None if alignment is None else natural_iia(alignment, self.networks[i], self.task, seed=self.portfolio.seed)
            for i, alignment in enumerate(self.alignments)
        ]

    def _used(self, indices: Sequence[int], agreement: float) -> list[UsedSubspace]:
        """The used subspaces of some of the networks at one level of agreement.

        Answers after exchanges have to be kept, too. Where the alignment works only with states that do not occur, the
        directions that it reads are exchanged instead, since elsewhere a network may read what it reads for no input.
        """
        if not indices:
            return []
        return used_subspaces(
            self.networks.select(indices),
            self.task,
            site=self.site,
            agreement=agreement,
            alignments=[
                alignment
                if alignment is None or (self.natural[i] or 0.0) >= self.thresholds.natural
                else as_rotation(alignment)
                for i, alignment in ((i, self.alignments[i]) for i in indices)
            ],
            seed=self.portfolio.seed,
        )

    def _searched(self, indices: Sequence[int], used: Sequence[UsedSubspace], portfolio: Portfolio) -> list[Inside]:
        """The used subspaces of some of the networks with what a portfolio finds there."""
        if not indices:
            return []
        restricted = search_restricted(
            portfolio,
            self.networks.select(indices),
            self.task,
            self.site,
            used,
            alignments=[self.alignments[i] for i in indices],
            on_progress=self.on_progress,
        )
        return list(zip(used, restricted, strict=True))

    def _full_iia(self, index: int) -> float:
        """IIA of a network's alignment in the full state; 0 for a network without one."""
        alignment = self.alignments[index]
        if alignment is None:
            return 0.0
        portfolio = self.portfolio
        score = evaluate(alignment, self.networks[index], self.task, budget=portfolio.budget, seed=portfolio.seed)
        return score.iia
