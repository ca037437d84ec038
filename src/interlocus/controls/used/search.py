"""The searches of a portfolio, repeated inside used subspaces. The rest of the network reads what is found there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.dimensions import Size
from interlocus.causal.hypothesis import Hypothesis
from interlocus.controls.used.subspace import UsedSubspace, restrict_to
from interlocus.featurizers import Frames
from interlocus.networks import AbstractNetworks
from interlocus.networks.subspace import SubspaceRestricted
from interlocus.searches.engine import solve
from interlocus.searches.portfolio import Portfolio
from interlocus.searches.request import Request
from interlocus.searches.results import ProblemResult, Restarts
from interlocus.searches.starts import AbstractStart, Directions, StartContext, fill_with_random, find_start
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


class FullState(AbstractStart):
    """Begins at the directions that a search in the full state found, confined to the used subspace."""

    name = "full_state"

    def directions(self, context: StartContext, sizes: tuple[int, ...], generator: torch.Generator) -> Directions:
        return fill_with_random(context.known, context, sizes, generator)


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

    def best_iia(self, hypothesis: str) -> float:
        """The highest test IIA of a hypothesis over all featurizers and sizes; 0 if it was not searched.

        Args:
            hypothesis: Name of the hypothesis.
        """
        results = [result for _, result in self.results if result.hypothesis == hypothesis]
        return max((entry.best.score.iia for result in results for entry in result.sizes), default=0.0)

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

    def in_full_state(
        self, hypothesis: Hypothesis, task: AbstractTask, network: AbstractNetworks
    ) -> dict[str, dict[Size, Alignment]]:
        """The linear alignments that were found for one hypothesis, as alignments of the unrestricted network.

        They read and write inside the used subspace only.

        Args:
            hypothesis: The hypothesis.
            task: The task that the network solves.
            network: The network whose states were restricted, a stack of one.

        Returns:
            For each featurizer with linear maps the alignments by size.
        """
        basis = self.network.rows[0].cpu()
        lifted: dict[str, dict[Size, Alignment]] = {}
        for restarts, found in self.alignments(hypothesis, task):
            if isinstance(found.frames, Frames):
                frames = Frames(*((part @ basis).contiguous() for part in found.frames))
                full = replace(found, frames=frames, network=network.fingerprint())
                lifted.setdefault(found.featurizer, {})[restarts.size] = full
        return lifted


def search_restricted(
    portfolio: Portfolio,
    networks: AbstractNetworks,
    task: AbstractTask,
    site: str,
    used: Sequence[UsedSubspace],
    *,
    alignments: Sequence[Alignment | None] = (),
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
        alignments: For each network an alignment of the full state, at which one search of each size begins; `None`
            for no such search.
        on_progress: Called with the share that is done, from 0 to 1.
    """
    variables, known = len(task.hypothesis(portfolio.hypothesis).variables), list(alignments) or [None] * len(used)
    dimensions = [one.rank if one.rank < variables else _padded(one.rank, variables) for one in used]
    results: dict[int, RestrictedResult] = {}
    for done, dimension in enumerate(sorted(set(dimensions))):
        indices = [i for i, other in enumerate(dimensions) if other == dimension]
        restricted = restrict_to(networks.select(indices), [used[i] for i in indices], dimension=dimension)
        on_progress(done / len(set(dimensions)))
        begin = [_confined(known[i], restricted.rows[place], variables) for place, i in enumerate(indices)]
        for i, result in zip(indices, _search_together(portfolio, restricted, task, dimension, begin), strict=True):
            results[i] = result
    return [results[i] for i in range(len(used))]


def _search_together(
    portfolio: Portfolio,
    restricted: SubspaceRestricted,
    task: AbstractTask,
    dimension: int,
    known: Sequence[Directions],
) -> list[RestrictedResult]:
    """The same for networks whose states are restricted to equally many coordinates, with directions to begin at."""
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
            request = portfolio.request(restricted.site, (hypothesis,), sizes=sizes, featurizer=featurizer)
            begin = known if hypothesis is hypotheses[0] and any(len(blocks[0]) for blocks in known) else ()
            for result in solve(restricted, data, _with_more_starts(request, begin)):
                results[result.network].append((featurizer, result))
    return [RestrictedResult(network=restricted[i], results=tuple(found)) for i, found in enumerate(results)]


def _confined(alignment: Alignment | None, rows: Float[Tensor, "dimension state"], variables: int) -> Directions:
    """The directions that an alignment reads, as coordinates in a subspace: first what lies in it most."""
    if alignment is None or not isinstance(alignment.frames, Frames):
        return (torch.zeros(0, len(rows)),) * variables
    return tuple(torch.linalg.svd(read @ rows.T.cpu(), full_matrices=False).Vh for read in alignment.frames.read)


def _with_more_starts(request: Request, known: Sequence[Directions]) -> Request:
    """The same request with successive halving, each closed-form start once, and a start at known directions if any.

    A random start finds little to follow in a few directions, and what is missed inside the used subspace would be
    called unused. Power is shown for the full state only.
    """
    named = {start.name for start, _ in request.starts}
    more: list[tuple[AbstractStart, int]] = [(find_start(name), 1) for name in CLOSED_FORM_STARTS if name not in named]
    if known:
        more.append((FullState(), 1))
    budget = request.budget
    if not budget.halving_interval:
        budget = budget.model_copy(update={"halving_interval": RESTRICTED_HALVING_INTERVAL})
    return replace(request, starts=(*request.starts, *more), budget=budget, known=tuple(known))


def _padded(rank: int, variables: int) -> int:
    """The number of coordinates in which a used subspace is searched: `variables` times a power of two, at least rank.

    Coordinates beyond the rank have no effect on the network, so nothing can be read or written there; few different
    numbers let many networks be searched together.
    """
    dimension = variables
    while dimension < rank:
        dimension *= 2
    return dimension
