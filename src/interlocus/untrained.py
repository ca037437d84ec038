"""Networks of the architecture of others that were never trained: what a search finds in nothing."""

from __future__ import annotations

from interlocus.networks import MLP, AbstractNetworks, Module
from interlocus.tasks import AbstractTask

UNTRAINED = 5


def untrained_like(network: AbstractNetworks, task: AbstractTask, *, seed: int) -> list[AbstractNetworks]:
    """Networks of the same architecture that were never trained; none where that cannot be made.

    Args:
        network: like which they are.
        task: what the network solves.
        seed: decides on their parameters.
    """
    if isinstance(network, MLP):
        hidden = [len(weight[0]) for weight in network.weights[:-1]]
        return [MLP.untrained(task, hidden=hidden, activation=network.activation, count=UNTRAINED, seed=seed)]
    if isinstance(network, Module):
        fresh = [network.afresh(seed + number) for number in range(UNTRAINED)]
        return [one for one in fresh if one is not None]
    return []
