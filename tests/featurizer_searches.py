"""Searches with one featurizer, small enough for tests."""

from __future__ import annotations

import interlocus as il
from interlocus.featurizers import AbstractFeaturizer
from interlocus.networks import MLP
from interlocus.searches.budget import Budget, Phase
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality()
SMALL = Budget(pool=8192, held_out=4096, partners=64, batch=128, check_every=25, validation=1024, test=3000)


def search(networks: MLP, featurizer: AbstractFeaturizer, *, steps: int, **changes) -> il.SearchResult:
    """Search for `left` at the input, unless the changes say otherwise."""
    settings = {"hypothesis": "left", "site": "input", "sizes": (4,), "starts": {"covariance": 1}, "budget": SMALL}
    settings |= {"phases": (Phase(steps=steps),), "featurizer": featurizer}
    return il.search(networks, TASK, **(settings | changes))
