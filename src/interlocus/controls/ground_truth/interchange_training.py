"""Interchange intervention training: networks learn a task, and to follow a causal model under interventions at a site.

Source: arXiv 2112.00826, section 3.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.controls.ground_truth.training_batches import TrainingBatch, TrainingConfig, TrainingSteps
from interlocus.core.linalg import Adam
from interlocus.networks import MLP, Module
from interlocus.networks.mlp.activations import find_activation


def train_perceptrons(
    networks: MLP,
    config: TrainingConfig,
    subspaces: Float[Tensor, "network variable feature width"],
    shares: Float[Tensor, " network"],
) -> MLP:
    """Train a stack of perceptrons, all at once; the given networks stay as they are.

    Args:
        networks: The perceptrons that training starts from.
        config: The task, the hypothesis and the settings of training.
        subspaces: Orthonormal rows for each network and variable; rows of zeros fill up smaller subspaces.
        shares: For each network the share of bases, from 0 to 1, in which an interchange changes the label.
    """
    learners, projections = _Learners(networks, config.site), _projections(subspaces)

    def loss(batch: TrainingBatch) -> Tensor:
        return batch.loss(learners.run_from(batch.interchange(learners.run_to(batch.inputs), projections)))

    _learn(learners.parameters, TrainingSteps(config, config.rate_for(networks), shares), loss)
    return learners.networks


def train_unused_copies(
    networks: MLP,
    config: TrainingConfig,
    read: Float[Tensor, "network read width"],
    unused: Float[Tensor, "network variable feature width"],
) -> MLP:
    """Train perceptrons to answer from a few directions of a site, and to hold unused copies of variables in others.

    Three losses are added. With the rest of the state at its mean, the networks give the same answers. Exchanging the
    directions of the copies changes nothing. A linear read-out, trained at the same time, decodes each variable from
    its copy.

    Args:
        networks: The perceptrons that training starts from; they stay as they are.
        config: The task and the settings of training. The variables of its hypothesis have declared values.
        read: For each network the orthonormal rows that it answers from.
        unused: For each network and variable the orthonormal rows of its copy, orthogonal to `read`.
    """
    learners = _Learners(networks, config.site)
    values = [len(config.hypothesis.model.variables[name].values or ()) for name in config.hypothesis.variables]
    heads = [torch.zeros(len(networks), unused.shape[2], count, requires_grad=True) for count in values]
    onto_copies, onto_read = _projections(unused), read.transpose(1, 2) @ read

    def loss(batch: TrainingBatch) -> Tensor:
        states = batch.interchange(learners.run_to(batch.inputs), onto_copies)
        base = states[:, : batch.bases]
        mean = base.mean(1, keepdim=True)
        restricted = mean + (base - mean) @ onto_read
        labels = torch.cat([batch.labels, batch.labels[:, : base.shape[1]]], 1)
        total = replace(batch, labels=labels).loss(learners.run_from(torch.cat([states, restricted], 1)))
        for variable, (head, indices) in enumerate(zip(heads, batch.value_indices, strict=True)):
            logits = base @ unused[:, variable].transpose(1, 2) @ head
            total = total + replace(batch, labels=indices.expand(len(networks), -1)).loss(logits)
        return total

    no_effect = torch.zeros(len(networks))
    _learn([*learners.parameters, *heads], TrainingSteps(config, config.rate_for(networks), no_effect), loss)
    return learners.networks


def train_module(
    network: Module,
    config: TrainingConfig,
    subspaces: Float[Tensor, "1 variable feature width"],
    shares: Float[Tensor, " 1"],
) -> Module:
    """Train a copy of a module in evaluation mode, since random layers such as dropout would hide an interchange.

    Args:
        network: The module that training starts from; it stays as it is.
        config: The task, the hypothesis and the settings of training.
        subspaces: Orthonormal rows for each variable; rows of zeros fill up smaller subspaces.
        shares: The share of bases, from 0 to 1, in which an interchange changes the label.
    """
    learner = network.copy()
    learner.module.train(False)
    parameters = [p.requires_grad_() for p in learner.module.parameters() if p.is_floating_point()]
    projections = _projections(subspaces).to(learner.device)

    def logits(batch: TrainingBatch) -> Float[Tensor, "1 label class"]:
        states = learner.differentiable_activations(config.site, batch.inputs).unsqueeze(0)
        bases = batch.inputs[: batch.bases]
        patched = batch.interchange(states, projections.to(states))[0]
        return learner.differentiable_run_from(config.site, patched, torch.cat([bases, bases])).unsqueeze(0)

    _learn(parameters, TrainingSteps(config, config.rate_for(network), shares), lambda batch: batch.loss(logits(batch)))
    for parameter in parameters:
        parameter.requires_grad_(False)
    return learner


class _Learners:
    """Perceptrons with trainable parameters, run in two parts.

    Args:
        initial: The perceptrons that training starts from; they stay as they are.
        site: Name of the site between the two parts.
    """

    def __init__(self, initial: MLP, site: str) -> None:
        self._initial, self._layer = initial, list(initial.sites).index(site)
        self._weights, self._biases = (
            [p.clone().requires_grad_() for p in some] for some in (initial.weights, initial.biases)
        )

    @property
    def parameters(self) -> list[Tensor]:
        """All weights, then all biases."""
        return [*self._weights, *self._biases]

    @property
    def networks(self) -> MLP:
        """The perceptrons with the parameters of now."""
        parts = ([parameter.detach() for parameter in some] for some in (self._weights, self._biases))
        return MLP(*parts, activation=self._initial.activation)

    def run_to(self, inputs: Float[Tensor, "row input"]) -> Float[Tensor, "network row width"]:
        """Activations at the site."""
        return self._through(range(self._layer), inputs.expand(len(self._initial), -1, -1))

    def run_from(self, states: Float[Tensor, "network row width"]) -> Float[Tensor, "network row class"]:
        """Logits from activations at the site."""
        hidden = self._through(range(self._layer, len(self._weights) - 1), states)
        return torch.baddbmm(self._biases[-1].unsqueeze(1), hidden, self._weights[-1].transpose(1, 2))

    def _through(self, layers: range, value: Float[Tensor, "network row _"]) -> Float[Tensor, "network row _"]:
        act = find_activation(self._initial.activation)
        for i in layers:
            value = act.function(torch.baddbmm(self._biases[i].unsqueeze(1), value, self._weights[i].transpose(1, 2)))
        return value


def _learn(parameters: Sequence[Tensor], steps: TrainingSteps, loss: Callable[[TrainingBatch], Tensor]) -> None:
    """Minimise the loss of each batch with AdamW; parameters are changed in place."""
    groups: list[_FlatParameters] = []
    for batch, rate in steps:
        with torch.enable_grad():
            gradients = torch.autograd.grad(loss(batch), parameters, allow_unused=not groups)
        if not groups:  # a parameter without a gradient does not affect the answer, and stays as it is
            used = [gradient is not None for gradient in gradients]
            parameters, gradients = (list(itertools.compress(some, used)) for some in (parameters, gradients))
            groups = _FlatParameters.by_precision(parameters)
        for group in groups:
            group.step(gradients, rate, steps.config.weight_decay)


class _FlatParameters:
    """Parameters of one precision as one vector, so that a step of AdamW takes a few operations for all of them.

    Args:
        parameters: All parameters of the networks. Those of this precision become views of the vector.
        places: Indices of the parameters that have this precision.
    """

    def __init__(self, parameters: Sequence[Tensor], places: Sequence[int]) -> None:
        self._places = places
        chosen = [parameters[place] for place in places]
        self._vector = torch.cat([parameter.data.flatten() for parameter in chosen])
        parts = self._vector.split([parameter.numel() for parameter in chosen])
        for parameter, part in zip(chosen, parts, strict=True):
            parameter.data = part.view(parameter.shape)
        self._adam = Adam.begin(self._vector)

    @classmethod
    def by_precision(cls, parameters: Sequence[Tensor]) -> list[_FlatParameters]:
        """One vector for each precision among the parameters."""
        precisions = dict.fromkeys(parameter.dtype for parameter in parameters)
        return [cls(parameters, [i for i, p in enumerate(parameters) if p.dtype == dtype]) for dtype in precisions]

    def step(self, gradients: Sequence[Tensor], rate: float, weight_decay: float) -> None:
        """One step of AdamW.

        Args:
            gradients: Gradients of all parameters of the networks, also of those of other precisions.
            rate: Learning rate of this step.
            weight_decay: Weight decay, which the learning rate multiplies.
        """
        self._vector.mul_(1 - rate * weight_decay)
        self._adam.step(self._vector, torch.cat([gradients[place].flatten() for place in self._places]), rate)


def _projections(
    subspaces: Float[Tensor, "network variable feature width"],
) -> Float[Tensor, "network variable width width"]:
    return torch.einsum("nvfw,nvfu->nvwu", subspaces, subspaces)
