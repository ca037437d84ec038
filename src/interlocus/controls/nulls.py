"""What subspaces score that nobody searched for: a control for every score."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float

from interlocus.alignment.evaluation import EvaluationSet, interchange_in
from interlocus.core.random import derived_generator
from interlocus.core.threads import one_thread
from interlocus.featurizers import Frames
from interlocus.networks import AbstractNetworks
from interlocus.searches.budget import Budget
from interlocus.tasks import AbstractTask

DRAWS = 200
"""Enough for the 95th percentile: ten of them lie above it."""


def random_subspaces(
    networks: AbstractNetworks,
    task: AbstractTask,
    *,
    hypothesis: str,
    site: str,
    sizes: Sequence[int],
    draws: int = DRAWS,
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
