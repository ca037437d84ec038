"""Train copies of a network further, from a few labels, side by side.

How networks of a class are copied is registered with `trainable`, so that other packages can add theirs.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import singledispatch
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from interlocus.core.errors import NetworkError
from interlocus.core.linalg import Adam
from interlocus.core.random import derived_generator
from interlocus.networks import MLP, AbstractNetworks, Module
from interlocus.networks.site import INPUT_SITE

RETRAINING_RATES = (0.001, 0.01)
"""Initial learning rates of Adam; the one that is better on held-out labels is used."""
RETRAINING_STEPS = 2000
RETRAINING_PATIENCE = 400
"""Steps without improvement on the held-out labels after which training ends."""
RETRAINING_BATCH = 256
STEPS_BETWEEN_CHECKS = 50
"""Steps between checks of the held-out labels; the best state of all checks is used."""
HELD_OUT_SHARE = 0.2


@dataclass(frozen=True, kw_only=True)
class Trainable:
    """Copies of a network with trainable parameters.

    Args:
        parameters: The parameters that are trained, each a leaf that requires its gradient.
        logits: Computes the logits of all copies; each copy has other inputs.
    """

    parameters: list[Tensor]
    logits: Callable[[Float[Tensor, "copy batch ..."]], Float[Tensor, "copy batch class"]]


@singledispatch
def trainable(network: AbstractNetworks, count: int, site: str | None) -> Trainable:
    """Trainable copies of a network; the network itself stays as it is.

    Args:
        network: The network to copy, a stack of one.
        count: Number of copies, 1 or more.
        site: Name of the site; parameters before it stay as they are. `None` trains all parameters.

    Raises:
        NetworkError: No function is registered for networks of this class.
    """
    raise NetworkError(
        f"A network of class {type(network).__name__} is to be trained further.",
        "No function is registered that makes trainable copies of it.",
        "Leave out the way 'retrained', or register one with `interlocus.studies.reuse.retraining.trainable.register`.",
    )


@trainable.register
def _(network: MLP, count: int, site: str | None) -> Trainable:
    def leaf(tensor: Tensor) -> Tensor:
        return tensor.detach().repeat(count, *[1] * (tensor.dim() - 1)).requires_grad_()

    weights, biases = [leaf(weight) for weight in network.weights], [leaf(bias) for bias in network.biases]
    function = network.suffix(INPUT_SITE).activation.function

    def logits(inputs: Float[Tensor, "copy batch input"]) -> Float[Tensor, "copy batch class"]:
        value = inputs
        for i, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            value = torch.baddbmm(bias.unsqueeze(1), function(value) if i else value, weight.transpose(1, 2))
        return value

    first = list(network.sites).index(site) if site else 0
    return Trainable(parameters=[*weights[first:], *biases[first:]], logits=logits)


@trainable.register
def _(network: Module, count: int, site: str | None) -> Trainable:
    copies = [copy.deepcopy(network) for _ in range(count)]
    for replica in copies:
        replica.module.eval().requires_grad_(True)

    def logits(inputs: Float[Tensor, "copy batch ..."]) -> Float[Tensor, "copy batch class"]:
        return torch.stack(
            [replica.differentiable_logits(rows, detach_at=site) for replica, rows in zip(copies, inputs, strict=True)]
        )

    return Trainable(parameters=[tensor for replica in copies for tensor in replica.module.parameters()], logits=logits)


def retrain(
    network: AbstractNetworks,
    site: str,
    inputs: Float[Tensor, "draw row ..."],
    labels: Int[Tensor, "draw row"],
    test: Float[Tensor, "batch ..."],
    *,
    seed: int,
) -> Int[Tensor, "draw batch"]:
    """Train a network further on a few labels, and classify new inputs.

    All parameters are trained, or those after a site. A fifth of the labels is held out. Of both choices, of all
    learning rates and of all states the best on the held-out labels is used, for each draw.

    Args:
        network: The network that training starts from. Its output layer is kept, so labels are among its classes.
        site: Name of the site before which parameters are not trained, in one of the two choices.
        inputs: The inputs of the labelled examples of each draw.
        labels: The labels of these examples, integers from 0 on.
        test: The inputs to classify.
        seed: Seed of the batches.

    Raises:
        NetworkError: A label is not a class of the network, or its class cannot be copied.
    """
    if network.classes is None or int(labels.max()) >= network.classes:
        raise NetworkError(
            f"The labels go up to {int(labels.max())}, and the network has {network.classes} classes.",
            "Its output layer is kept, so it cannot answer with another class.",
            "Leave out the way 'retrained', or use a question with fewer values.",
        )
    trained = [
        _Training(trainable(network, len(labels), place), inputs, labels, test).run(rate, seed)
        for place in (None, site)
        for rate in RETRAINING_RATES
    ]
    losses = torch.stack([result.loss for result in trained])
    answers = torch.stack([result.answers for result in trained])
    return answers[losses.argmin(0), torch.arange(len(labels))]


class _Trained(NamedTuple):
    """The best held-out loss of each draw, and the classes of the test inputs at that state."""

    loss: Float[Tensor, " draw"]
    answers: Int[Tensor, "draw batch"]


@dataclass(frozen=True)
class _Training:
    """One training of copies of a network, one copy for each draw of labels."""

    copies: Trainable
    inputs: Float[Tensor, "draw row ..."]
    labels: Int[Tensor, "draw row"]
    test: Float[Tensor, "batch ..."]

    def run(self, rate: float, seed: int) -> _Trained:
        """Train with Adam and an initial learning rate, which falls to zero along a cosine."""
        count = self.labels.shape[1]
        training_rows, held_out = torch.tensor_split(
            torch.arange(count), [count - max(1, round(HELD_OUT_SHARE * count))]
        )
        generator, parameters = derived_generator(seed, "retraining", count), self.copies.parameters
        adams = [Adam.begin(parameter.detach()) for parameter in parameters]
        best = torch.full((len(self.labels),), math.inf)
        answers, improved = torch.zeros(len(best), len(self.test), dtype=torch.long), 0
        for step in range(RETRAINING_STEPS + 1):
            if step % STEPS_BETWEEN_CHECKS == 0:
                improved = step if self._update_best(held_out, best, answers) else improved
            if step - improved > RETRAINING_PATIENCE:
                break
            size = min(RETRAINING_BATCH, len(training_rows))
            rows = training_rows[torch.randint(len(training_rows), (size,), generator=generator)]
            gradients = torch.autograd.grad(self._losses(rows).sum(), parameters, allow_unused=True)
            with torch.no_grad():
                for parameter, gradient, adam in zip(parameters, gradients, adams, strict=True):
                    if gradient is not None:
                        adam.step(parameter, gradient, rate * (1 + math.cos(math.pi * step / RETRAINING_STEPS)) / 2)
        return _Trained(best, answers)

    def _update_best(self, held_out: Tensor, best: Tensor, answers: Tensor) -> bool:
        """Store, in place, loss and answers of the copies that improved; returns whether any did."""
        with torch.no_grad():
            now = self._losses(held_out)
            better = now < best
            if better.any():
                every = self.copies.logits(self.test.expand(len(best), *self.test.shape)).argmax(2).cpu()
                best[better], answers[better] = now[better], every[better]
        return bool(better.any())

    def _losses(self, rows: Int[Tensor, " row"]) -> Float[Tensor, " draw"]:
        """Mean cross-entropy of each copy on some of its labelled examples."""
        logits = self.copies.logits(self.inputs[:, rows]).transpose(1, 2)
        return F.cross_entropy(logits, self.labels[:, rows].to(logits.device), reduction="none").mean(1).cpu()
