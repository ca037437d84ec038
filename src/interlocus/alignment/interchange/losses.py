"""Losses as functions of the probability p of the counterfactual label.

The gradient with respect to the logits is slope(p) · (softmax − one-hot), where slope(p) = −p · dvalue/dp.
"""

from __future__ import annotations

import abc

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.core.linalg import BufferPool


class AbstractLoss(abc.ABC):
    """A loss that depends on the probability of the counterfactual label only."""

    @abc.abstractmethod
    def value(self, probability: Float[Tensor, " *batch"]) -> Float[Tensor, " *batch"]:
        """The loss of examples, given the probabilities of their labels."""

    @abc.abstractmethod
    def slope(
        self, softmax: Float[Tensor, " *stack class batch"], one_hot: Float[Tensor, " *#stack class batch"]
    ) -> Float[Tensor, " *stack 1 batch"] | float:
        """−p · dvalue/dp for each example, given all probabilities and the one-hot labels."""


class CrossEntropy(AbstractLoss):
    """−log p. Its gradient is useful far from the optimum, but its value does not say how many labels are correct."""

    def value(self, probability: Float[Tensor, " *batch"]) -> Float[Tensor, " *batch"]:
        return -probability.log()

    def slope(
        self, softmax: Float[Tensor, " *stack class batch"], one_hot: Float[Tensor, " *#stack class batch"]
    ) -> float:
        return 1.0


class Bounded(AbstractLoss):
    """1 − p, close to the share of wrong labels. It is meant for a second phase, since it needs a good start."""

    def value(self, probability: Float[Tensor, " *batch"]) -> Float[Tensor, " *batch"]:
        return 1 - probability

    def slope(
        self, softmax: Float[Tensor, " *stack class batch"], one_hot: Float[Tensor, " *#stack class batch"]
    ) -> Float[Tensor, " *stack 1 batch"]:
        return (softmax * one_hot).sum(-2, keepdim=True)


def gradient(
    loss: AbstractLoss,
    logits: Float[Tensor, "problem search class batch"],
    one_hot: Float[Tensor, "problem 1 class batch"],
    buffers: BufferPool,
    temperature: float = 1.0,
) -> Float[Tensor, "problem search class batch"]:
    """The gradient of the mean loss of each search with respect to its logits.

    Args:
        loss: The loss of an example.
        logits: Logits after the interchange; they are not changed.
        one_hot: Counterfactual labels, shared by the searches of a problem.
        buffers: Memory for the result.
        temperature: Divisor of the logits before the softmax, above 0.
    """
    if temperature != 1:
        logits = logits / temperature
    softmax = torch.softmax(logits, 2, out=buffers("softmax", *logits.shape))
    slope = loss.slope(softmax, one_hot)
    return softmax.sub_(one_hot).mul_(slope / (temperature * logits.shape[3]))
