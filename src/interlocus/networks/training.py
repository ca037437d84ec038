"""How many perceptrons are trained at once."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from interlocus.errors import NetworkError
from interlocus.seeds import stream
from interlocus.tasks import AbstractTask

BATCH = 1024
CHUNK = 64
"""Steps whose examples are drawn together."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How networks of one activation learn.

    Args:
        learning_rate: of AdamW, at the beginning; it falls to zero along a cosine.
        steps: of 1,024 examples each, all drawn afresh.
        gain: weights are drawn with standard deviation gain / √inputs.
    """

    learning_rate: float
    steps: int
    gain: float = 1 / math.sqrt(3)


RECIPES = {
    "relu": Recipe(learning_rate=5e-3, steps=8000),
    "gelu": Recipe(learning_rate=5e-3, steps=6000),
    "tanh": Recipe(learning_rate=5e-3, steps=8000),
    "sigmoid": Recipe(learning_rate=3e-2, steps=4000, gain=4.0),
}
"""Chosen by trying; from the usual start sigmoid networks stay at chance, their pre-activations being too small."""

Parameters = tuple[list[Tensor], list[Tensor]]
"""Weights `[network out in]` and biases `[network out]` of each layer."""


def initial(widths: Sequence[int], *, gain: float, seed: int, network: int, attempt: int = 0) -> Parameters:
    """Parameters of one network before training: uniform, biases as in torch's `Linear`."""
    generator = stream(seed, "initial", network, attempt)
    weights, biases = [], []
    for inputs, outputs in itertools.pairwise(widths):
        spread = math.sqrt(3) * gain / math.sqrt(inputs)
        weights.append((2 * torch.rand(1, outputs, inputs, generator=generator) - 1) * spread)
        biases.append((2 * torch.rand(1, outputs, generator=generator) - 1) / math.sqrt(inputs))
    return weights, biases


def stack(parts: Sequence[Parameters]) -> Parameters:
    """Parameters of several networks, one behind the other."""
    return tuple([torch.cat(layer) for layer in zip(*side, strict=True)] for side in zip(*parts, strict=True))  # type: ignore[return-value]


def fit(
    parameters: Parameters,
    run: Callable[[Parameters, Tensor], Tensor],
    task: AbstractTask,
    recipe: Recipe,
    *,
    weight_decay: float,
    seed: int,
    progress: Callable[[int, int], None],
) -> Parameters:
    """Train all networks at once; they see the same examples, and none feels the others.

    Args:
        parameters: where to begin.
        run: logits `[network class batch]` from parameters and inputs.
        task: what they learn.
        recipe: how.
        weight_decay: of AdamW, on all parameters.
        seed: decides on the examples.
        progress: is told steps done and steps in all.

    Raises:
        NetworkError: a network diverges.
    """
    leaves = [tensor.clone().requires_grad_() for side in parameters for tensor in side]
    layers = len(leaves) // 2
    current = leaves[:layers], leaves[layers:]
    optimiser = torch.optim.AdamW(leaves, lr=recipe.learning_rate, weight_decay=weight_decay, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, recipe.steps)
    examples = stream(seed, "training examples")
    inputs, labels = torch.empty(0), torch.empty(0)
    for step in range(recipe.steps):
        if step % CHUNK == 0:
            progress(step, recipe.steps)
            inputs, labels = task.examples(BATCH * CHUNK, split="train", generator=examples)
        rows = slice(step % CHUNK * BATCH, (step % CHUNK + 1) * BATCH)
        loss = _cross_entropy(run(current, inputs[rows]), labels[rows])
        optimiser.zero_grad()
        loss.sum().backward()
        optimiser.step()
        schedule.step()
    if not all(torch.isfinite(leaf).all() for leaf in leaves):
        raise NetworkError(
            f"Training ended with parameters that are not numbers (learning rate {recipe.learning_rate}).",
            "Such a network has no activations to search.",
            "Lower the learning rate.",
        )
    return [leaf.detach() for leaf in current[0]], [leaf.detach() for leaf in current[1]]


def _cross_entropy(logits: Float[Tensor, "network class batch"], labels: Tensor) -> Float[Tensor, " network"]:
    if logits.shape[1] == 2:  # the same value in a third of the time
        return F.softplus((logits[:, 0] - logits[:, 1]) * (2 * labels - 1)).mean(1)
    return F.cross_entropy(logits, labels.expand(len(logits), -1), reduction="none").mean(1)
