"""Coded modules: a torch module of some architecture whose site is taught a code."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from interlocus.controls.ground_truth.constructions.architectures import FRONT_UNITS, WIDTH, coded_module
from interlocus.controls.ground_truth.constructions.construction import Construction
from interlocus.controls.ground_truth.constructions.direct_check import DirectCheck, check_directly
from interlocus.controls.ground_truth.constructions.encoder import EncodedSite, site_for
from interlocus.controls.ground_truth.constructions.features import PASSED_ON, Features, wire_features
from interlocus.controls.ground_truth.constructions.reader import READER_BATCH, lessons_of
from interlocus.core.linalg import Adam
from interlocus.core.random import derived_generator
from interlocus.core.threads import one_thread
from interlocus.networks import Module
from interlocus.tasks import AbstractTask

MODULE_SITE = "code"
MODULE_STEPS, MODULE_RATE = 1200, 5e-3


@dataclass(frozen=True, kw_only=True)
class CheckedModule:
    """A module of one construction, and what exchanges of known directions do in it."""

    network: Module
    check: DirectCheck


def untaught_module(construction: Construction, task: AbstractTask, architecture: str, *, seed: int) -> Module:
    """A module with initial parameters, prepared.

    Args:
        construction: Says how many features there are and how many numbers are read.
        task: The task whose inputs the module takes.
        architecture: `residual`, `convolution` or `gru`.
        seed: Seed of the initial parameters.
    """
    features = _features(construction, task, share=0.5, seed=0)
    columns = construction.code(features.settings).shape[1]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = coded_module(
            architecture,
            inputs=task.input_width,
            features=features.values.shape[1] + PASSED_ON,
            reads=len(construction.matrix(columns)),
            classes=task.classes,
        )
    network = Module(module, sites={MODULE_SITE: "encoder"})
    network.prepare(task.labelled_inputs(8, split="train", generator=derived_generator(0, "first look"))[0])
    return network


def teach_module(
    construction: Construction, task: AbstractTask, architecture: str, *, share: float, seed: int
) -> CheckedModule:
    """Make a module whose site holds a code, and check it directly.

    Args:
        construction: The construction.
        task: The task that the module solves, one that the construction is made for.
        architecture: `residual`, `convolution` or `gru`.
        share: Share of the inputs in which the gate is on.
        seed: Seed of parameters, directions and lessons.
    """
    with one_thread():
        network = untaught_module(construction, task, architecture, seed=seed)
        features = _features(construction, task, share=share, seed=seed)
        numbers = construction.code(features.settings)
        site = site_for(numbers, WIDTH, "identity", derived_generator(seed, "site", construction.name))
        module = network.module
        assert isinstance(module, nn.Sequential)
        front, encoder, reader = module
        assert isinstance(front, nn.Sequential)
        assert isinstance(reader, nn.Sequential)
        _write(front[0], features.layer.weight, features.layer.bias)
        _write(front[2], features.layer.read, features.layer.offset)
        _learn(encoder, _codes(construction, features, site, seed), F.mse_loss)
        first = construction.matrix(site.columns) @ site.code.T / site.scale
        _write(reader[0], first, -first.sum(1) * site.centre)
        lessons = lessons_of(construction, features.settings, steps=MODULE_STEPS, batch=READER_BATCH, seed=seed)
        _learn(reader[1:], lessons, F.cross_entropy)
        for parameter in module.parameters():
            parameter.requires_grad_(False)
        (check,) = check_directly(construction, network, task, MODULE_SITE, [site], [share], seed=seed)
    return CheckedModule(network=network, check=check)


def _features(construction: Construction, task: AbstractTask, *, share: float, seed: int) -> Features:
    generator = derived_generator(seed, "coded", construction.name)
    return wire_features(construction, task, width=FRONT_UNITS, activation="relu", share=share, generator=generator)


def _codes(
    construction: Construction, features: Features, site: EncodedSite, seed: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """What the encoder sees, and the states that it shall give."""
    generator = derived_generator(seed, "codes", construction.name)
    numbers = construction.code(features.settings)
    for _ in range(MODULE_STEPS):
        rows = torch.randint(len(numbers), (READER_BATCH,), generator=generator)
        beside = torch.randn(READER_BATCH, PASSED_ON, generator=generator)
        held = torch.cat([numbers[rows], construction.nuisance * beside], 1)
        yield torch.cat([features.values[rows], beside], 1), site.centre + site.scale * held @ site.basis.T


def _write(layer: nn.Module, weight: Tensor, bias: Tensor) -> None:
    assert isinstance(layer, nn.Linear)
    layer.weight.data, layer.bias.data = weight.clone(), bias.clone()


def _learn(
    module: nn.Module, batches: Iterator[tuple[Tensor, Tensor]], loss: Callable[[Tensor, Tensor], Tensor]
) -> None:
    """Minimise a loss with Adam; the learning rate falls to zero along a cosine."""
    parameters = [parameter.requires_grad_() for parameter in module.parameters()]
    adams = [Adam.begin(parameter.detach()) for parameter in parameters]
    for step, (inputs, wanted) in enumerate(batches):
        with torch.enable_grad():
            gradients = torch.autograd.grad(loss(module(inputs), wanted), parameters)
        rate = MODULE_RATE * (1 + math.cos(math.pi * step / MODULE_STEPS)) / 2
        with torch.no_grad():
            for parameter, adam, gradient in zip(parameters, adams, gradients, strict=True):
                adam.step(parameter, gradient, rate)
