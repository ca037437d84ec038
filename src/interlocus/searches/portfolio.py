"""What is searched at a site, as one value: controls, power, audits and studies all search with the same portfolio."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from interlocus.alignment.dimensions import Size
from interlocus.causal.hypothesis import Hypothesis
from interlocus.core.plugins import FEATURIZERS
from interlocus.networks import AbstractNetworks
from interlocus.searches.budget import Budget, Phase
from interlocus.searches.engine import solve
from interlocus.searches.request import Request
from interlocus.searches.results import ProblemResult
from interlocus.searches.starts import find_start
from interlocus.tasks import AbstractTask
from interlocus.tasks.splits import DataSplits


@dataclass(frozen=True, kw_only=True)
class Portfolio:
    """Every search that is made for a hypothesis at one site.

    Args:
        hypothesis: Name of the task's hypothesis whose variables are searched.
        rivals: Names of hypotheses that describe other routes to the output.
        sizes: Features per variable, each of which is searched.
        featurizers: Names of featurizers, each of which is searched with all sizes and starts.
        starts: For each start its number of restarts.
        phases: The stretches of a search, in order.
        budget: Sample sizes, and when a search ends.
        seed: Decides examples, interventions and random starts.
    """

    hypothesis: str
    rivals: tuple[str, ...] = ()
    sizes: tuple[int, ...]
    featurizers: tuple[str, ...]
    starts: Mapping[str, int]
    phases: tuple[Phase, ...]
    budget: Budget
    seed: int

    def data(self, task: AbstractTask, hypotheses: Sequence[str] = ()) -> DataSplits:
        """The training, validation and test pools that the searches share.

        Args:
            task: The task that the networks solve.
            hypotheses: Names of the hypotheses whose examples are needed; by default the portfolio's own.
        """
        return DataSplits.draw(task, self.budget, seed=self.seed, hypotheses=list(hypotheses) or [self.hypothesis])

    def request(
        self, site: str, hypotheses: Sequence[Hypothesis], *, sizes: Sequence[Size], featurizer: str
    ) -> Request:
        """The engine's request for one featurizer at one site.

        Args:
            site: Name of the site.
            hypotheses: What is searched; all have the same number of variables.
            sizes: Numbers of features per variable.
            featurizer: Name of the featurizer.
        """
        return Request(
            site=site,
            hypotheses=tuple(hypotheses),
            sizes=tuple(sizes),
            featurizer=FEATURIZERS.get(featurizer)(),
            starts=tuple((find_start(name), count) for name, count in self.starts.items()),
            phases=self.phases,
            budget=self.budget,
            seed=self.seed,
        )

    def run(
        self, networks: AbstractNetworks, task: AbstractTask, site: str, *, shuffle: bool = False
    ) -> Iterator[tuple[str, ProblemResult]]:
        """Search the hypothesis with every featurizer; yields the name of the featurizer with each network's result.

        Args:
            networks: The networks that are searched, all at once.
            task: The task that they solve.
            site: Name of the site.
            shuffle: Learn and choose by the labels of other interventions, from which nothing can be learned. Scores
                still use the true labels.
        """
        data, hypothesis = self.data(task), task.hypothesis(self.hypothesis)
        for featurizer in self.featurizers:
            request = self.request(site, (hypothesis,), sizes=self.sizes, featurizer=featurizer)
            for result in solve(networks, data, replace(request, shuffle=shuffle)):
                yield featurizer, result

    def best_iia(
        self, networks: AbstractNetworks, task: AbstractTask, site: str, *, shuffle: bool = False
    ) -> list[float]:
        """For each network the best test IIA over all featurizers and sizes; the arguments are those of `run`."""
        best = [0.0] * len(networks)
        for _, result in self.run(networks, task, site, shuffle=shuffle):
            best[result.network] = max(best[result.network], *(entry.best.score.iia for entry in result.sizes))
        return best
