"""The control `random_directions`: the IIA of directions that are drawn at random."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float

from interlocus.alignment.dimensions import Size, equal_size
from interlocus.alignment.evaluation_set import EvaluationSet, interchange_in
from interlocus.controls._base import AbstractControl, ControlContext, Evidence, EvidenceContext
from interlocus.core.random import derived_generator
from interlocus.core.threads import one_thread
from interlocus.featurizers import Frames
from interlocus.networks import AbstractNetworks
from interlocus.searches.budget import Budget
from interlocus.tasks import AbstractTask

NULL_DRAWS = 200
"""Random subspaces of each size. Ten of them lie above the 95th percentile, which makes it precise enough."""
NULL_QUANTILE = 0.95
"""Quantile of the scores that is reported."""
NULL_INTERVENTIONS = 1024
"""Maximal number of test interventions for a random subspace, since only a percentile of the scores is reported."""


def random_subspace_scores(
    networks: AbstractNetworks,
    task: AbstractTask,
    *,
    hypothesis: str,
    site: str,
    sizes: Sequence[int],
    draws: int = NULL_DRAWS,
    budget: Budget | None = None,
    seed: int = 0,
) -> Float[np.ndarray, "network size draw"]:
    """IIA of random orthonormal directions (Haar), on the test interventions of a search with the same seed.

    Args:
        networks: The networks in which the directions are exchanged.
        task: The task that the networks solve.
        hypothesis: Name of a hypothesis of the task. Each of its variables gets other directions.
        site: Name of the site, a key of `networks.sites`.
        sizes: Numbers of directions per variable. The site must be wide enough for all variables together.
        draws: Number of random subspaces of each size.
        budget: Numbers of examples and interventions; by default those of a search.
        seed: Seed of the directions, the examples and the interventions.

    Raises:
        UnknownNameError: the task has no such hypothesis, or the networks have no such site.
    """
    target, budget = task.hypothesis(hypothesis), budget or Budget()
    width, variables = networks.width(site), len(target.variables)
    with one_thread():
        held_out = EvaluationSet.of_search(networks, site, task, target, budget=budget, seed=seed)
        scores = np.empty((len(networks), len(sizes), draws))
        for place, size in enumerate(sizes):
            noise = torch.randn(
                draws, width, variables * size, generator=derived_generator(seed, "subspaces", site, size)
            )
            rows = torch.linalg.qr(noise).Q.transpose(1, 2).reshape(draws, variables, size, width)
            rows = rows.to(held_out.cache.activations).contiguous()
            for network in range(len(networks)):
                interchange, problems = interchange_in(networks, site, network, draws)
                scores[network, place] = held_out.iia(interchange, Frames(read=rows, write=rows), problems)
    return scores


LevelBySize = dict[int, float]
"""IIA of random directions by size."""


def level_at(levels: LevelBySize | None, size: Size) -> float | None:
    """The IIA of random directions of a size; `None` if it was not measured.

    Args:
        levels: Result of the control `random_directions`; `None` if it was not measured.
        size: Number of features per variable. Unequal sizes are compared with an equal size of as many directions.
    """
    return None if levels is None else levels.get(equal_size(size))


class RandomDirections(AbstractControl[LevelBySize]):
    """For each size of the portfolio the 95th percentile of the IIA of random subspaces. It is always measured.

    The directions of a large part of a site exchange a variable even if they are drawn at random, so each size has a
    level of its own. Sizes whose variables do not fit the site together have none.
    """

    name = "random_directions"
    description = "directions drawn at random were exchanged, 200 for each size"

    def measure(self, context: ControlContext) -> list[LevelBySize | None]:
        portfolio, width = context.portfolio, context.networks.width(context.site)
        variables = len(context.task.hypothesis(portfolio.hypothesis).variables)
        test = min(portfolio.budget.test, NULL_INTERVENTIONS)
        sizes = [size for size in portfolio.sizes if size * variables <= width]
        scores = random_subspace_scores(
            context.networks,
            context.task,
            hypothesis=portfolio.hypothesis,
            site=context.site,
            sizes=sizes,
            budget=portfolio.budget.model_copy(update={"test": test}),
            seed=portfolio.seed,
        )
        levels = np.quantile(scores, NULL_QUANTILE, axis=2)
        return [dict(zip(sizes, row, strict=True)) for row in levels.tolist()]

    def evidence(self, result: LevelBySize | None, context: EvidenceContext) -> list[Evidence]:
        return []  # verdicts list it among the chance levels
