"""Collects the searches of all stages into one result for each problem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from interlocus.alignment.dimensions import Size
from interlocus.alignment.interchange.cache import Problems
from interlocus.alignment.metrics import Score
from interlocus.core.linalg import orthonormal_basis, subspace_overlap
from interlocus.featurizers import Frames, NonlinearMap, in_use
from interlocus.searches.early_stopping import EarlyStopping
from interlocus.searches.request import Request
from interlocus.searches.results import Outcome, ProblemResult, Restart, Restarts


@dataclass(frozen=True, kw_only=True)
class StageOutcome:
    """The searches of one stage, after all of them have stopped.

    The rows of `early_stopping`, `maps` and `scores` run over `[problem, search of the stage]`, flattened.

    Args:
        searches: Indices into `Request.search_list` of the searches of the stage.
        early_stopping: Best validation IIA, number of steps and outcome of each search.
        maps: The best maps of each search (`featurizers.Maps`).
        scores: The test scores of these maps.
    """

    searches: tuple[int, ...]
    early_stopping: EarlyStopping
    maps: Frames | NonlinearMap
    scores: Sequence[Score]

    def row(self, problem: int, search: int) -> int:
        """The row of a search, given the index of its problem and its index in `Request.search_list`."""
        return problem * len(self.searches) + self.searches.index(search)

    def best(self, request: Request, problem: int) -> dict[Size, Frames | NonlinearMap]:
        """For each size the maps of the search with the highest validation IIA; the first one if several are equal."""
        best = {}
        for size in request.sizes:
            rows = [self.row(problem, search) for search in self.searches if request.search_list[search].size == size]
            best[size] = self.maps.select(max(rows, key=lambda row: float(self.early_stopping.validation[row])))
        return best

    def restarts(self, request: Request, problem: int) -> dict[int, Restart]:
        """The results of the searches of a problem, by their indices in `Request.search_list`."""
        stopping = self.early_stopping
        degenerate = (
            _size_outcomes(self.maps) if request.featurizer.learns_size and isinstance(self.maps, Frames) else {}
        )
        restarts = {}
        for search in self.searches:
            row, (_, start, restart) = self.row(problem, search), request.search_list[search]
            restarts[search] = Restart(
                start=start.name,
                restart=restart,
                begin=float(stopping.begin[row]),
                validation=float(stopping.validation[row]),
                last=float(stopping.last[row]),
                steps=int(stopping.steps[row]),
                outcome=degenerate.get(row, stopping.outcome[row]),
                score=self.scores[row],
            )
        return restarts


def collect_results(request: Request, problems: Problems, stages: Sequence[StageOutcome]) -> list[ProblemResult]:
    """One result for each problem, from the searches of all stages.

    Args:
        request: The request that was searched.
        problems: Network and hypothesis of each problem, as indices.
        stages: The outcomes of all stages of the request.
    """
    results = []
    for problem, (network, number) in enumerate(zip(*(axis.tolist() for axis in problems), strict=True)):
        restarts = {search: one for stage in stages for search, one in stage.restarts(request, problem).items()}
        sizes, frames = [], []
        for size in request.sizes:
            searches = [search for search, key in enumerate(request.search_list) if key.size == size]
            best_index = searches.index(max(searches, key=lambda search: restarts[search].validation))
            maps = [_maps_of(stages, problem, search) for search in searches]
            sizes.append(
                Restarts(
                    size=size,
                    restarts=tuple(restarts[search] for search in searches),
                    best_index=best_index,
                    agreement=_agreement(maps, best_index),
                )
            )
            frames.append(maps[best_index])
        name = request.hypotheses[number].name
        results.append(ProblemResult(network=network, hypothesis=name, sizes=tuple(sizes), frames=tuple(frames)))
    return results


def _maps_of(stages: Sequence[StageOutcome], problem: int, search: int) -> Frames | NonlinearMap:
    (stage,) = (stage for stage in stages if search in stage.searches)
    return stage.maps.select(stage.row(problem, search))


def _agreement(maps: Sequence[Frames | NonlinearMap], best_index: int) -> tuple[float | None, ...]:
    """For each search the overlap of its directions with those of the best search, averaged over the variables."""
    linear = [frames for frames in maps if isinstance(frames, Frames)]
    if len(maps) < 2 or len(linear) < len(maps):
        return (None,) * len(maps)
    bases = [_written_bases(frames) for frames in linear]
    return tuple(_mean_overlap(basis, bases[best_index]) for basis in bases)


def _written_bases(maps: Frames) -> list[Float[np.ndarray, "width _"]]:
    """For each variable an orthonormal basis of its written directions; empty if a map diverged or has no feature."""
    finite = bool(torch.isfinite(maps.write).all())
    return [
        orthonormal_basis(rows.double().numpy().T) if finite else np.zeros((rows.shape[1], 0)) for rows in maps.write
    ]


def _mean_overlap(bases: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> float | None:
    if not all(a.shape[1] and b.shape[1] for a, b in zip(bases, others, strict=True)):
        return None
    return float(np.mean([subspace_overlap(a, b) for a, b in zip(bases, others, strict=True)]))


def _size_outcomes(frames: Frames) -> dict[int, Outcome]:
    """The searches that chose no feature for any variable (`empty`), or gave one variable the whole site (`full`)."""
    counts = in_use(frames).sum(2)
    none, every = (counts == 0).all(1).tolist(), (counts == frames.read.shape[3]).any(1).tolist()
    outcomes: dict[int, Outcome] = {}
    for row, (empty, full) in enumerate(zip(none, every, strict=True)):
        if empty or full:
            outcomes[row] = "empty" if empty else "full"
    return outcomes
