"""What a search minimises, as a function of the probability p of the counterfactual label.

The gradient with respect to the logits is slope(p) · (softmax − one-hot), where slope(p) = −p · dvalue/dp.
"""

from __future__ import annotations

import abc

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.core.linalg import BufferPool


class AbstractLoss(abc.ABC):
    """A loss of the probability of the right label."""

    @abc.abstractmethod
    def value(self, probability: Float[Tensor, " *batch"]) -> Float[Tensor, " *batch"]:
        """The loss of an example whose label has this probability."""

    @abc.abstractmethod
    def slope(
        self, softmax: Float[Tensor, " *stack class batch"], one_hot: Float[Tensor, " *#stack class batch"]
    ) -> Float[Tensor, " *stack 1 batch"] | float:
        """−p · dvalue/dp for each example."""


class CrossEntropy(AbstractLoss):
    """−log p. Smooth far from the goal, but blind to how many labels are right."""

    def value(self, probability: Float[Tensor, " *batch"]) -> Float[Tensor, " *batch"]:
        return -probability.log()

    def slope(
        self, softmax: Float[Tensor, " *stack class batch"], one_hot: Float[Tensor, " *#stack class batch"]
    ) -> float:
        return 1.0


class Bounded(AbstractLoss):
    """1 − p, near to the share of wrong labels. It needs a start that is already good: a second phase."""

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
        loss: which.
        logits: of the network after the interchange.
        one_hot: the counterfactual labels, shared by the searches of a problem.
        workspace: for the result.
        temperature: by which logits are divided before the loss sees them.
    """
    if temperature != 1:
        logits = logits / temperature
    softmax = torch.softmax(logits, 2, out=buffers("softmax", *logits.shape))
    slope = loss.slope(softmax, one_hot)
    return softmax.sub_(one_hot).mul_(slope / (temperature * logits.shape[3]))
