"""Networks built like others that were never trained: what a search finds in nothing."""

from __future__ import annotations

from interlocus.networks import MLP, AbstractNetworks

UNTRAINED = 5


def untrained_like(network: AbstractNetworks, *, seed: int) -> list[AbstractNetworks]:
    """Such networks, those together that can be searched at once; none where that cannot be made.

    Args:
        network: like which they are.
        seed: decides on their parameters.
    """
    copies = list(network.untrained_copies(UNTRAINED, seed=seed))
    perceptrons = [one for one in copies if isinstance(one, MLP)]
    return [MLP.stacked(perceptrons)] if perceptrons else copies
