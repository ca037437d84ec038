"""Perceptrons built like others that have learned nothing, and can learn quickly."""

from __future__ import annotations

from interlocus.networks import MLP
from interlocus.tasks import AbstractTask

INITIAL_GAINS = {"tanh": 2.0}
"""First parameters are so many times as large as usual: tanh is all but linear there, and learns nothing for long."""
QUICK_RATES = {"sigmoid": 5e-2}
DEFAULT_QUICK_RATE = 1e-2
"""Learning rate where the activation has none of its own."""


def quick_rate(activation: str) -> float:
    """The learning rate with which perceptrons get in a few rounds of training where they are wanted."""
    return QUICK_RATES.get(activation, DEFAULT_QUICK_RATE)


def untrained_perceptrons_like(task: AbstractTask, like: MLP, count: int, seed: int) -> MLP:
    """So many, with the same activation and hidden layers."""
    fresh = MLP.untrained(task, hidden=_hidden(like), activation=like.activation, count=count, seed=seed)
    gain = INITIAL_GAINS.get(like.activation, 1.0)
    return MLP([gain * weight for weight in fresh.weights], fresh.biases, activation=fresh.activation)


def _hidden(like: MLP) -> tuple[int, ...]:
    return tuple(width for site, width in like.sites.items() if site != "input")
