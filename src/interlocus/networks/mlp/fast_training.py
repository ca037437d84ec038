"""Initial parameters and learning rates for perceptrons that have to learn within a few hundred steps.

Planting a variable trains many small networks; these settings make that quick. The untrained networks that serve as a
control come from `networks.sources.untrained` instead: they are initialised exactly as for ordinary training.
"""

from __future__ import annotations

from interlocus.networks import MLP
from interlocus.networks.site import INPUT_SITE
from interlocus.tasks import AbstractTask

INITIAL_GAINS = {"tanh": 2.0}
"""Factor on the usual initial weights. With the usual ones tanh is almost linear, and learning starts late."""
FAST_LEARNING_RATES = {"sigmoid": 5e-2}
DEFAULT_FAST_LEARNING_RATE = 1e-2
"""Learning rate of every activation that is not in `FAST_LEARNING_RATES`."""


def fast_learning_rate(activation: str) -> float:
    """The learning rate with which perceptrons of an activation learn within a few hundred steps."""
    return FAST_LEARNING_RATES.get(activation, DEFAULT_FAST_LEARNING_RATE)


def untrained_perceptrons_like(task: AbstractTask, like: MLP, count: int, seed: int) -> MLP:
    """Untrained perceptrons with the hidden layers and activation of another stack, initialised to learn fast.

    Args:
        task: The task that gives the input width and the number of classes.
        like: The perceptrons whose hidden widths and activation are copied; their parameters are not used.
        count: The number of networks.
        seed: Seed of the initial parameters.
    """
    hidden = tuple(width for site, width in like.sites.items() if site != INPUT_SITE)
    usual = MLP.untrained(task, hidden=hidden, activation=like.activation, count=count, seed=seed)
    gain = INITIAL_GAINS.get(like.activation, 1.0)
    return MLP([gain * weight for weight in usual.weights], usual.biases, activation=usual.activation)
