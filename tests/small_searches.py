"""Searches small enough for tests."""

import interlocus as il
from interlocus.networks import MLP
from interlocus.searches.budget import Budget, Phase
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality()


SMALL = Budget(pool=4096, held_out=2048, partners=512, batch=64, check_every=10, validation=512, test=1000)


RACE = SMALL.model_copy(update={"halving_interval": 20})


STARTS = {"random": 4, "covariance": 1, "neurons_greedy": 1}


def found(networks: MLP, **changes) -> il.SearchResult:
    asked = {"hypothesis": "both", "site": "layer1", "sizes": (1, 2), "budget": RACE, "seed": 0, "starts": STARTS}
    return il.search(networks, TASK, **(asked | {"phases": (Phase(steps=80),)} | changes))
