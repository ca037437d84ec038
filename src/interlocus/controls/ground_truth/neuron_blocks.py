"""Networks of the architecture of others in which each variable has neurons of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from interlocus.causal.hypothesis import Hypothesis
from interlocus.controls.ground_truth.planting import Plantable, Planted
from interlocus.core.errors import SpecificationError
from interlocus.core.random import derived_generator
from interlocus.core.threads import one_thread
from interlocus.networks import MLP
from interlocus.networks.mlp.fast_training import untrained_perceptrons_like
from interlocus.networks.mlp.training import RECIPES, MLPTraining
from interlocus.tasks import AbstractTask

BLOCK_STEPS, BLOCK_STEPS_OF = 1500, {"sigmoid": 3000}
DEPENDENCE_EXAMPLES = 256
"""Examples on which it is seen what a variable depends on."""


def neuron_blocks(
    task: AbstractTask,
    *,
    hypothesis: str,
    site: str,
    like: Plantable,
    count: int,
    seed: int,
    allowed_failures: int = 0,
    progress: Callable[[float], None] = lambda share: None,
) -> Planted:
    """Up to the site, each variable has neurons of its own, which see only the inputs that it depends on.

    Whatever code training picks, the variable is in those neurons, and nothing else of the input is. Which neurons they
    are is drawn at random. In every second network the first layer holds signed differences in pairs and is not
    trained, so that values are coded by spread and not by means.

    All are trained to the end, so that none needs to be spared.

    Raises:
        SpecificationError: two variables depend on the same input, or the networks are no perceptrons.
    """
    if not isinstance(like, MLP):
        raise SpecificationError(
            "A module is to be made of which each variable has neurons of its own.",
            "Only of a perceptron it is known which of its parameters lead to which neuron.",
            "Use another kind of planting.",
        )
    sought = task.hypothesis(hypothesis)
    sees = _inputs_of(task, sought)
    if bool((sees.sum(0) > 1).any()):
        raise SpecificationError(
            f"The variables {', '.join(sought.variables)} depend on the same inputs.",
            "Neurons of their own cannot see what is only theirs.",
            "Use another kind of planting.",
        )
    depth = list(like.sites).index(site)
    begin = untrained_perceptrons_like(task, like, count, seed)
    owners = [_owners(begin.width(f"layer{i + 1}"), len(sees), count, seed, i) for i in range(depth)]
    weights, biases = [w.clone() for w in begin.weights], [b.clone() for b in begin.biases]
    free = [torch.ones_like(w) for w in weights], [torch.ones_like(b) for b in biases]
    before = sees.T.float().expand(count, -1, -1)  # input × variable
    for i in range(depth):
        after = torch.nn.functional.one_hot(owners[i], len(sees)).float()  # neuron × variable
        allowed = (after @ before.transpose(1, 2)).clamp_max(1)
        fewer = (allowed.shape[2] / allowed.sum(2, keepdim=True).clamp_min(1)).sqrt()
        weights[i] *= allowed * fewer
        free[0][i] *= allowed
        before = after
    _by_spread(weights[0], biases[0], owners[0], sees, slice(1, None, 2), seed)
    for part in (free[0][0], free[1][0]):
        part[1::2] = 0.0
    recipe = replace(RECIPES[like.activation], steps=BLOCK_STEPS_OF.get(like.activation, BLOCK_STEPS))
    with one_thread():
        training = MLPTraining(task=task, activation=like.activation, recipe=recipe, weight_decay=0.01, seed=seed)
        fitted = training.run((weights, biases), trainable=free, on_progress=progress)
    networks = MLP(*fitted, activation=like.activation)
    rows = _neurons(owners[-1], len(sees))
    return Planted.of(networks, task, sought, site, rows, seed=seed)


def _inputs_of(task: AbstractTask, hypothesis: Hypothesis) -> Bool[Tensor, "variable input"]:
    """One where a number that the network is shown depends on an input of that variable in the causal model."""
    model, generator = hypothesis.model, derived_generator(0, "inputs of")
    drawn, other = (task.sample(DEPENDENCE_EXAMPLES, split="train", generator=generator) for _ in range(2))
    before, sees = task.encode(drawn), []
    for variable in hypothesis.variables:
        changed = {
            name: other[name] if name in model.inputs and variable in model.descendants[name] else value
            for name, value in drawn.items()
        }
        sees.append((task.encode(changed) != before).any(0))
    return torch.stack(sees)


def _owners(width: int, variables: int, count: int, seed: int, layer: int) -> Tensor:
    """For each network and neuron the variable it belongs to, in equal shares, in a random order."""
    equal = torch.arange(width) * variables // width
    orders = [torch.randperm(width, generator=derived_generator(seed, "blocks", layer, i)) for i in range(count)]
    return torch.stack([equal[order] for order in orders])


def _by_spread(
    weights: Float[Tensor, "network out input"],
    biases: Float[Tensor, "network out"],
    owners: Tensor,
    sees: Tensor,
    chosen: slice,
    seed: int,
) -> None:
    """Give the first layer of some networks pairs of opposite random differences of the inputs of their variable.

    The inputs of a variable are taken as two halves, as in a comparison of two items; where they are odd in number, the
    last one is left out.
    """
    for network in range(len(weights))[chosen]:
        generator = derived_generator(seed, "differences", network)
        biases[network] = 0.0
        for variable, seen in enumerate(sees):
            rows, inputs = (owners[network] == variable).nonzero().flatten(), seen.nonzero().flatten()
            half = len(inputs) // 2
            turn = torch.randn(-(-len(rows) // 2), max(half, 1), generator=generator)
            if half and len(turn) >= half:  # independent directions, so that no difference is lost
                turn[:half] = torch.linalg.qr(torch.randn(half, half, generator=generator)).Q
            weights[network, rows] = 0.0
            for place, row in enumerate(rows.tolist()):
                direction = turn[place // 2] * (1 if place % 2 == 0 else -1)
                weights[network, row, inputs[:half]] = direction
                weights[network, row, inputs[half : 2 * half]] = -direction


def _neurons(owners: Tensor, variables: int) -> Float[Tensor, "network variable feature width"]:
    """The axes of the neurons of each variable."""
    axes = torch.eye(owners.shape[1])
    most = int(torch.stack([(owners == v).sum(1) for v in range(variables)]).max())
    rows = torch.zeros(len(owners), variables, most, owners.shape[1])
    for network, own in enumerate(owners):
        for variable in range(variables):
            chosen = (own == variable).nonzero().flatten()
            rows[network, variable, : len(chosen)] = axes[chosen]
    return rows
