"""The searches of a portfolio, repeated inside used subspaces. The rest of the network reads what is found there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from interlocus.alignment.alignment import Alignment
from interlocus.causal.hypothesis import Hypothesis
from interlocus.controls.used.subspace import UsedSubspace, restrict_to
from interlocus.networks import AbstractNetworks
from interlocus.networks.subspace import SubspaceRestricted
from interlocus.searches.engine import solve
from interlocus.searches.portfolio import Portfolio
from interlocus.searches.request import Request
from interlocus.searches.results import ProblemResult, Restarts
from interlocus.searches.starts import find_start
from interlocus.tasks import AbstractTask

OUTPUT = "output"
"""Name of the hypothesis whose one variable is the output."""
OUTPUT_SIZES = (1, 2)
"""Sizes at which the output is searched: smaller than the variables together, which determine the output."""
CLOSED_FORM_STARTS = ("covariance", "mean_difference")
"""Starts that are always tried inside a used subspace: for values coded in the variance, and in the mean."""
RESTRICTED_HALVING_INTERVAL = 200
"""Steps between two rounds of successive halving inside a used subspace, where only the best search counts."""

ByFeaturizer = dict[str, tuple[Restarts, ...]]
"""For each featurizer the restarts of every size."""


@dataclass(frozen=True, kw_only=True)
class RestrictedResult:
    """What the searches found inside the used subspace of one network.

    Args:
        network: The network with its states restricted to the used subspace.
        results: For each search the name of the featurizer and what was found. Results hold the alignments' maps.
    """

    network: SubspaceRestricted
    results: tuple[tuple[str, ProblemResult], ...]

    @property
    def restarts(self) -> dict[str, ByFeaturizer]:
        """For each hypothesis and featurizer the restarts of every size."""
        found: dict[str, ByFeaturizer] = {}
        for featurizer, result in self.results:
            found.setdefault(result.hypothesis, {})[featurizer] = result.sizes
        return found

    def alignments(self, hypothesis: Hypothesis, task: AbstractTask) -> list[tuple[Restarts, Alignment]]:
        """The alignments that were found for one hypothesis, with the restarts they were chosen from."""
        return [
            (
                restarts,
                Alignment(
                    site=self.network.site,
                    hypothesis=hypothesis.name,
                    variables=hypothesis.variables,
                    featurizer=featurizer,
                    network=self.network.fingerprint(),
                    task=task.name,
                    frames=frames,
                ),
            )
            for featurizer, result in self.results
            if result.hypothesis == hypothesis.name
            for restarts, frames in zip(result.sizes, result.frames, strict=True)
        ]


def search_restricted(
    portfolio: Portfolio,
    networks: AbstractNetworks,
    task: AbstractTask,
    site: str,
    used: Sequence[UsedSubspace],
    *,
    on_progress: Callable[[float], None] = lambda share: None,
) -> list[RestrictedResult]:
    """Search the hypothesis, its rivals and the output inside the used subspace of each network.

    Networks whose used subspaces have about the same rank are searched together.

    Args:
        portfolio: What is searched. Rivals and the output are searched with its first featurizer only.
        networks: The networks, of one architecture.
        task: The task that they solve.
        site: Name of the site.
        used: For each network its used subspace.
        on_progress: Called with the share that is done, from 0 to 1.
    """
    variables = len(task.hypothesis(portfolio.hypothesis).variables)
    dimensions = [one.rank if one.rank < variables else _padded(one.rank, variables) for one in used]
    results: dict[int, RestrictedResult] = {}
    for done, dimension in enumerate(sorted(set(dimensions))):
        indices = [i for i, other in enumerate(dimensions) if other == dimension]
        restricted = restrict_to(networks.select(indices), [used[i] for i in indices], dimension=dimension)
        on_progress(done / len(set(dimensions)))
        for i, result in zip(indices, _search_together(portfolio, restricted, task, site, dimension), strict=True):
            results[i] = result
    return [results[i] for i in range(len(used))]


def _search_together(
    portfolio: Portfolio, restricted: SubspaceRestricted, task: AbstractTask, site: str, dimension: int
) -> list[RestrictedResult]:
    """The same for networks whose states are restricted to equally many coordinates."""
    output = Hypothesis(name=OUTPUT, model=task.model, variables=(task.model.output,))
    hypotheses = [task.hypothesis(name) for name in (portfolio.hypothesis, *portfolio.rivals)]
    data = portfolio.data(task, [hypothesis.name for hypothesis in hypotheses])
    results: list[list[tuple[str, ProblemResult]]] = [[] for _ in range(len(restricted))]
    for hypothesis in (*hypotheses, output):
        variables = len(hypothesis.variables)
        candidates = OUTPUT_SIZES if hypothesis is output else (*portfolio.sizes, dimension // variables)
        sizes = sorted({size for size in candidates if 0 < size * variables <= dimension})
        if not sizes:
            continue
        for featurizer in portfolio.featurizers if hypothesis is hypotheses[0] else portfolio.featurizers[:1]:
            request = portfolio.request(site, (hypothesis,), sizes=sizes, featurizer=featurizer)
            for result in solve(restricted, data, _with_more_starts(request)):
                results[result.network].append((featurizer, result))
    return [RestrictedResult(network=restricted[i], results=tuple(found)) for i, found in enumerate(results)]


def _with_more_starts(request: Request) -> Request:
    """The same request with successive halving, and with each closed-form start once.

    A random start finds little to follow in a few directions, and what is missed inside the used subspace would be
    called unused. Power is shown for the full state only.
    """
    known = {start.name for start, _ in request.starts}
    more = tuple((find_start(name), 1) for name in CLOSED_FORM_STARTS if name not in known)
    budget = request.budget
    if not budget.halving_interval:
        budget = budget.model_copy(update={"halving_interval": RESTRICTED_HALVING_INTERVAL})
    return replace(request, starts=request.starts + more, budget=budget)


def _padded(rank: int, variables: int) -> int:
    """The number of coordinates in which a used subspace is searched: `variables` times a power of two, at least rank.

    Coordinates beyond the rank have no effect on the network, so nothing can be read or written there; few different
    numbers let many networks be searched together.
    """
    dimension = variables
    while dimension < rank:
        dimension *= 2
    return dimension
