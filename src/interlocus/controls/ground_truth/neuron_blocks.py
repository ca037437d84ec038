"""Perceptrons in which each variable has a block of neurons to itself."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interlocus.causal.hypothesis import Hypothesis
from interlocus.controls.ground_truth.planting import Planted, PlantingRequest
from interlocus.core.errors import SpecificationError
from interlocus.core.random import derived_generator
from interlocus.core.threads import one_thread
from interlocus.networks import MLP
from interlocus.networks.mlp.fast_training import untrained_perceptrons_like
from interlocus.networks.mlp.training import RECIPES, MLPTraining, Parameters
from interlocus.tasks import AbstractTask

BLOCK_STEPS, BLOCK_STEPS_OF = 1500, {"sigmoid": 3000}
"""Steps of training, and those of activations that need more."""
DEPENDENCE_EXAMPLES = 256
"""Examples that show which inputs a variable depends on."""

Owners = Int[Tensor, "network neuron"]
"""For each neuron of a layer the index of the variable that it belongs to."""


def neuron_blocks(request: PlantingRequest) -> Planted:
    """Plant each variable in its own block of neurons, which see only the inputs that the variable depends on.

    Whatever code training picks, the variable lies in its block, and no other part of the input does. The neurons of a
    block are drawn at random. In every second network the weights of the first layer are pairs of opposite differences
    and are not trained, so that values are coded by the spread of the states and not by their means.

    All networks are trained to the end, so the sizes and the allowed failures of the request do not matter.

    Raises:
        SpecificationError: Two variables depend on the same input, or the networks are no perceptrons.
    """
    like, target = request.like, request.target
    if not isinstance(like, MLP):
        raise SpecificationError(
            f"Neuron blocks are to be planted in a {type(like).__name__}.",
            "Only in a perceptron is it known which parameters lead to which neuron.",
            "Use another planting recipe.",
        )
    visible = _visible_inputs(request.task, target)
    if bool((visible.sum(0) > 1).any()):
        raise SpecificationError(
            f"The variables {', '.join(target.variables)} depend on the same inputs.",
            "So no block of neurons can be given the inputs of one variable only.",
            "Use another planting recipe.",
        )
    depth = list(like.sites).index(request.site)
    widths = [like.width(f"layer{i + 1}") for i in range(depth)]
    owners = [_owners(width, len(visible), request.count, request.seed, i) for i, width in enumerate(widths)]
    parameters, trainable = _masked_parameters(request, like, owners, visible)
    networks = _trained(request, like.activation, parameters, trainable)
    rows = _neuron_axes(owners[-1], len(visible))
    return Planted.of(networks, request.task, target, request.site, rows, seed=request.seed)


def _masked_parameters(
    request: PlantingRequest, like: MLP, owners: list[Owners], visible: Bool[Tensor, "variable input"]
) -> tuple[Parameters, Parameters]:
    """Initial parameters, and for each parameter 1 where it is trained and 0 where it stays as it is."""
    initial = untrained_perceptrons_like(request.task, like, request.count, request.seed)
    weights, biases = [w.clone() for w in initial.weights], [b.clone() for b in initial.biases]
    trainable = [torch.ones_like(w) for w in weights], [torch.ones_like(b) for b in biases]
    inputs = visible.T.float().expand(request.count, -1, -1)  # input × variable
    for i, layer_owners in enumerate(owners):
        outputs = torch.nn.functional.one_hot(layer_owners, len(visible)).float()  # neuron × variable
        allowed = (outputs @ inputs.transpose(1, 2)).clamp_max(1)
        gain = (allowed.shape[2] / allowed.sum(2, keepdim=True).clamp_min(1)).sqrt()  # for fewer inputs larger weights
        weights[i] *= allowed * gain
        trainable[0][i] *= allowed
        inputs = outputs
    _set_difference_weights((weights, biases), owners[0], visible, slice(1, None, 2), request.seed)
    for part in (trainable[0][0], trainable[1][0]):
        part[1::2] = 0.0
    return (weights, biases), trainable


def _trained(request: PlantingRequest, activation: str, parameters: Parameters, trainable: Parameters) -> MLP:
    recipe = replace(RECIPES[activation], steps=BLOCK_STEPS_OF.get(activation, BLOCK_STEPS))
    training = MLPTraining(
        task=request.task, activation=activation, recipe=recipe, weight_decay=0.01, seed=request.seed
    )
    with one_thread():
        fitted = training.run(parameters, trainable=trainable, on_progress=request.on_progress)
    return MLP(*fitted, activation=activation)


def _visible_inputs(task: AbstractTask, hypothesis: Hypothesis) -> Bool[Tensor, "variable input"]:
    """Which numbers of the network's input depend on an input of each variable in the causal model."""
    model, generator = hypothesis.model, derived_generator(0, "inputs of")
    drawn, other = (task.sample(DEPENDENCE_EXAMPLES, split="train", generator=generator) for _ in range(2))
    unchanged, visible = task.encode(drawn), []
    for variable in hypothesis.variables:
        changed = {
            name: other[name] if name in model.inputs and variable in model.descendants[name] else value
            for name, value in drawn.items()
        }
        visible.append((task.encode(changed) != unchanged).any(0))
    return torch.stack(visible)


def _owners(width: int, variables: int, count: int, seed: int, layer: int) -> Owners:
    """Owners of the neurons of a layer: equal shares of the variables, in a random order for each network."""
    equal = torch.arange(width) * variables // width
    orders = [torch.randperm(width, generator=derived_generator(seed, "blocks", layer, i)) for i in range(count)]
    return torch.stack([equal[order] for order in orders])


def _set_difference_weights(
    parameters: Parameters, owners: Owners, visible: Bool[Tensor, "variable input"], chosen: slice, seed: int
) -> None:
    """Give the first layer of some networks pairs of opposite random differences of the inputs of their variable.

    The inputs of a variable are taken as two halves, as in a comparison of two items. If their number is odd, the last
    one is left out.
    """
    weights, biases = parameters[0][0], parameters[1][0]
    for network in range(len(weights))[chosen]:
        generator = derived_generator(seed, "differences", network)
        biases[network] = 0.0
        for variable, inputs_of_variable in enumerate(visible):
            rows = (owners[network] == variable).nonzero().flatten()
            inputs = inputs_of_variable.nonzero().flatten()
            half = len(inputs) // 2
            directions = torch.randn(-(-len(rows) // 2), max(half, 1), generator=generator)
            if half and len(directions) >= half:  # independent directions, so that no difference is lost
                directions[:half] = torch.linalg.qr(torch.randn(half, half, generator=generator)).Q
            weights[network, rows] = 0.0
            for place, row in enumerate(rows.tolist()):
                direction = directions[place // 2] * (1 if place % 2 == 0 else -1)
                weights[network, row, inputs[:half]] = direction
                weights[network, row, inputs[half : 2 * half]] = -direction


def _neuron_axes(owners: Owners, variables: int) -> Float[Tensor, "network variable feature width"]:
    """The axes of the neurons of each variable; smaller blocks are filled up with zeros."""
    axes = torch.eye(owners.shape[1])
    largest = int(torch.stack([(owners == v).sum(1) for v in range(variables)]).max())
    rows = torch.zeros(len(owners), variables, largest, owners.shape[1])
    for network, network_owners in enumerate(owners):
        for variable in range(variables):
            chosen = (network_owners == variable).nonzero().flatten()
            rows[network, variable, : len(chosen)] = axes[chosen]
    return rows
