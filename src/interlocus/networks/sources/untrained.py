"""Untrained copies of a network, the control that shows what a search finds where nothing was learned.

Perceptrons are initialised exactly as for ordinary training. Networks that are about to be trained quickly come from
`networks.mlp.fast_training` instead.
"""

from __future__ import annotations

from interlocus.networks import MLP, AbstractNetworks

UNTRAINED_COPIES = 5
"""Copies of a network for this control."""


def untrained_like(network: AbstractNetworks, *, seed: int) -> list[AbstractNetworks]:
    """Untrained copies of a network; copies that can be searched together form one object.

    Args:
        network: The network whose architecture is copied.
        seed: Seed of the initial parameters.

    Returns:
        An empty list if there can be none.
    """
    copies = list(network.untrained_copies(UNTRAINED_COPIES, seed=seed))
    perceptrons = [copy for copy in copies if isinstance(copy, MLP)]
    return [MLP.stacked(perceptrons)] if perceptrons else copies
