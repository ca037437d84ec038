"""Networks that learn something new from a few labels: copies of one network, trained side by side.

How a kind of networks is copied is registered with `trainable`, so that others can be added from outside.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import singledispatch

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
"""Learning rates of Adam, at first, of which the better on held-out labels is taken."""
RETRAINING_STEPS = 2000
RETRAINING_PATIENCE = 400
"""Steps without a better state after which training ends."""
RETRAINING_BATCH = 256
STEPS_BETWEEN_CHECKS = 50
"""Steps between looks at the held-out labels, at which a state is kept that is better than all before."""
HELD_OUT_SHARE = 0.2


@dataclass(frozen=True, kw_only=True)
class Trainable:
    """Copies of a network whose parameters may be moved.

    Args:
        parameters: all of them, each a leaf that wants its gradient.
        logits: of each copy on inputs of its own.
    """

    parameters: list[Tensor]
    logits: Callable[[Float[Tensor, "copy batch ..."]], Float[Tensor, "copy batch class"]]


@singledispatch
def trainable(network: AbstractNetworks, count: int, site: str | None) -> Trainable:
    """Copies of one network; the network itself stays as it is.

    Args:
        network: which.
        count: how many copies.
        site: what is before it stays as it is; `None` where everything goes on learning.

    Raises:
        NetworkError: nobody has said how networks of this kind are copied.
    """
    raise NetworkError(
        f"Networks of the kind {type(network).__name__} are to be trained further.",
        "Nothing says how their parameters are moved.",
        "Leave 'retrained' out, or register a function with `interlocus.retraining.trainable`.",
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
    for one in copies:
        one.module.eval().requires_grad_(True)

    def logits(inputs: Float[Tensor, "copy batch ..."]) -> Float[Tensor, "copy batch class"]:
        return torch.stack(
            [one.differentiable_logits(own, detach_at=site) for one, own in zip(copies, inputs, strict=True)]
        )

    return Trainable(parameters=[tensor for one in copies for tensor in one.module.parameters()], logits=logits)


def retrain(
    network: AbstractNetworks,
    site: str,
    inputs: Float[Tensor, "draw row ..."],
    labels: Int[Tensor, "draw row"],
    test: Float[Tensor, "batch ..."],
    *,
    seed: int,
) -> Int[Tensor, "draw batch"]:
    """Train a network on a few labels, and answer new inputs.

    Either all of it goes on learning, or what is behind a site. A fifth of the labels is held out; what is best there
    is taken, of these two, of the learning rates and of the states.

    Args:
        network: where to begin; its output layer is kept, and has to have as many classes as there are labels.
        site: one of the network's.
        inputs: of each draw of labelled examples.
        labels: from 0 on.
        test: what is to be answered.
        seed: decides on the batches.

    Raises:
        NetworkError: there are more labels than the network has classes, or its kind cannot be copied.
    """
    if network.classes is None or int(labels.max()) >= network.classes:
        raise NetworkError(
            f"There are labels up to {int(labels.max())}, and the network tells {network.classes} classes apart.",
            "Its output layer is kept, so it cannot answer with more.",
            "Leave 'retrained' out, or use a label with fewer values.",
        )
    trained = [
        _Training(trainable(network, len(labels), place), inputs, labels, test).run(rate, seed)
        for place in (None, site)
        for rate in RETRAINING_RATES
    ]
    surprise, answers = (torch.stack(part) for part in zip(*trained, strict=True))
    return answers[surprise.argmin(0), torch.arange(len(labels))]


@dataclass(frozen=True)
class _Training:
    copies: Trainable
    inputs: Float[Tensor, "draw row ..."]
    labels: Int[Tensor, "draw row"]
    test: Float[Tensor, "batch ..."]

    def run(self, rate: float, seed: int) -> tuple[Float[Tensor, " draw"], Int[Tensor, "draw batch"]]:
        """For each draw how surprising the held-out labels are at best, and the answers to new inputs then."""
        count = self.labels.shape[1]
        own, aside = torch.tensor_split(torch.arange(count), [count - max(1, round(HELD_OUT_SHARE * count))])
        generator, parameters = derived_generator(seed, "retraining", count), self.copies.parameters
        adams = [Adam.begin(parameter.detach()) for parameter in parameters]
        best = torch.full((len(self.labels),), math.inf)
        answers, improved = torch.zeros(len(best), len(self.test), dtype=torch.long), 0
        for step in range(RETRAINING_STEPS + 1):
            if step % STEPS_BETWEEN_CHECKS == 0:
                improved = step if self._keep_better(aside, best, answers) else improved
            if step - improved > RETRAINING_PATIENCE:
                break
            rows = own[torch.randint(len(own), (min(RETRAINING_BATCH, len(own)),), generator=generator)]
            gradients = torch.autograd.grad(self._surprise(rows).sum(), parameters, allow_unused=True)
            with torch.no_grad():
                for parameter, gradient, adam in zip(parameters, gradients, adams, strict=True):
                    if gradient is not None:
                        adam.step(parameter, gradient, rate * (1 + math.cos(math.pi * step / RETRAINING_STEPS)) / 2)
        return best, answers

    def _keep_better(self, aside: Tensor, best: Tensor, answers: Tensor) -> bool:
        """Note the answers of copies that are better than before; says whether any was."""
        with torch.no_grad():
            now = self._surprise(aside)
            better = now < best
            if better.any():
                every = self.copies.logits(self.test.expand(len(best), *self.test.shape)).argmax(2).cpu()
                best[better], answers[better] = now[better], every[better]
        return bool(better.any())

    def _surprise(self, rows: Int[Tensor, " row"]) -> Float[Tensor, " draw"]:
        """Mean cross-entropy of each copy on some of its labels."""
        logits = self.copies.logits(self.inputs[:, rows]).transpose(1, 2)
        return F.cross_entropy(logits, self.labels[:, rows].to(logits.device), reduction="none").mean(1).cpu()
