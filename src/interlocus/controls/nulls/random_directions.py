"""The control `random_directions`: what directions score that nobody searched for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float

from interlocus.alignment.evaluation import EvaluationSet, interchange_in
from interlocus.controls._base import AbstractControl, ControlContext, Evidence, EvidenceContext
from interlocus.core.random import derived_generator
from interlocus.core.threads import one_thread
from interlocus.featurizers import Frames
from interlocus.networks import AbstractNetworks
from interlocus.searches.budget import Budget
from interlocus.tasks import AbstractTask

NULL_DRAWS = 200
"""Random subspaces of each size: enough for the 95th percentile, above which ten of them lie."""
NULL_PERCENTILE = 0.95
NULL_INTERVENTIONS = 1024
"""Test interventions of a random subspace, at most: only a percentile of their scores is reported."""


def random_subspaces(
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
    """IIA of orthonormal directions drawn at random (Haar), on the test interventions of a search with this seed.

    Args:
        networks: in which they are swapped.
        task: what the networks solve.
        hypothesis: one of the task's, by name; each of its variables gets directions of its own.
        site: one of the networks', by name.
        sizes: directions a variable.
        draws: how many of each size.
        budget: how many interventions.
        seed: decides on the directions and on the interventions.

    Raises:
        UnknownNameError: no such hypothesis or site.
    """
    sought, budget = task.hypothesis(hypothesis), budget or Budget()
    width, variables = networks.width(site), len(sought.variables)
    with one_thread():
        held_out = EvaluationSet.of_search(networks, site, task, sought, budget=budget, seed=seed)
        found = np.empty((len(networks), len(sizes), draws))
        for place, size in enumerate(sizes):
            noise = torch.randn(
                draws, width, variables * size, generator=derived_generator(seed, "subspaces", site, size)
            )
            rows = torch.linalg.qr(noise).Q.transpose(1, 2).reshape(draws, variables, size, width)
            rows = rows.to(held_out.cache.activations).contiguous()
            for network in range(len(networks)):
                interchange, problems = interchange_in(networks, site, network, draws)
                found[network, place] = held_out.iia(interchange, Frames(read=rows, write=rows), problems)
    return found


class RandomDirections(AbstractControl[float]):
    """95th percentile, over random subspaces, of the best IIA over the portfolio's sizes. It is always measured."""

    name = "random_directions"
    description = "directions drawn at random were exchanged, 200 for each size"

    def measure(self, context: ControlContext) -> list[float | None]:
        portfolio, width = context.portfolio, context.networks.width(context.site)
        variables = len(context.task.hypothesis(portfolio.hypothesis).variables)
        test = min(portfolio.budget.test, NULL_INTERVENTIONS)
        drawn = random_subspaces(
            context.networks,
            context.task,
            hypothesis=portfolio.hypothesis,
            site=context.site,
            sizes=[size for size in portfolio.sizes if size * variables <= width],
            budget=portfolio.budget.model_copy(update={"test": test}),
            seed=portfolio.seed,
        )
        return [float(value) for value in np.quantile(drawn.max(1), NULL_PERCENTILE, axis=1)]

    def to_json(self, result: float) -> float:
        return result

    def from_json(self, data: float) -> float:
        return float(data)

    def evidence(self, result: float | None, context: EvidenceContext) -> list[Evidence]:
        return []  # it stands among the chance levels
