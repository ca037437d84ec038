"""Coded perceptrons: encoder, site and reader as one stack of networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from interlocus.controls.ground_truth.constructions.construction import Construction
from interlocus.controls.ground_truth.constructions.direct_check import DirectCheck, check_directly
from interlocus.controls.ground_truth.constructions.encoder import Encoder, wire_encoder
from interlocus.controls.ground_truth.constructions.features import Layer, wire_features
from interlocus.controls.ground_truth.constructions.reader import bounding_layer, train_readers
from interlocus.core.errors import SpecificationError
from interlocus.core.random import derived_generator
from interlocus.core.threads import one_thread
from interlocus.networks import MLP
from interlocus.networks.mlp.training import Parameters, stack_parameters
from interlocus.tasks import AbstractTask

CODED_LAYER = 3
"""Number of the hidden layer that holds the code."""
CODED_SITE = f"layer{CODED_LAYER}"


@dataclass(frozen=True, kw_only=True)
class CodedPerceptrons:
    """Perceptrons of one construction.

    Args:
        networks: The networks, as a stack.
        checks: What exchanges of known directions do in each of them.
    """

    networks: MLP
    checks: tuple[DirectCheck, ...]

    @property
    def admitted(self) -> tuple[int, ...]:
        """Indices of the networks that are what their construction says."""
        return tuple(i for i, check in enumerate(self.checks) if check.holds)


def coded_perceptrons(
    construction: Construction,
    task: AbstractTask,
    *,
    hidden: Sequence[int],
    activation: str,
    shares: Sequence[float],
    seed: int,
) -> CodedPerceptrons:
    """Make perceptrons of one construction, and check them directly.

    Args:
        construction: The construction.
        task: The task that they solve, one that the construction is made for.
        hidden: Widths of the hidden layers: three up to the site, one that bounds what is read,
            and at least one after it.
        activation: Activation function.
        shares: For each network to make the share of inputs in which its gate is on (`network_shares`).
        seed: Seed of directions, weights and lessons.

    Raises:
        SpecificationError: There are too few layers, or a layer is too narrow.
    """
    if len(hidden) <= CODED_LAYER + 1:
        raise SpecificationError(
            f"The networks have {len(hidden)} hidden layers.",
            f"The code lies at layer {CODED_LAYER}, and two layers have to follow it.",
            f"Use {CODED_LAYER + 2} hidden layers or more.",
        )
    with one_thread():
        widths = (hidden[0], hidden[1], hidden[2])
        encoders = [
            wire_encoder(construction, task, widths=widths, activation=activation, share=share, seed=seed, network=i)
            for i, share in enumerate(shares)
        ]
        drawn = derived_generator(seed, "settings")
        settings = wire_features(
            construction, task, width=hidden[0], activation=activation, share=0.5, generator=drawn
        ).settings
        readers = train_readers(
            construction,
            settings,
            hidden=hidden[CODED_LAYER + 1 :],
            classes=task.classes,
            activation=activation,
            count=len(shares),
            seed=seed,
        )
        reads = [len(construction.matrix(encoder.site.columns)) for encoder in encoders]
        bounding = [
            bounding_layer(read, hidden[CODED_LAYER], activation, derived_generator(seed, "bounding", i))
            for i, read in enumerate(reads)
        ]
        networks = MLP(*_joined(construction, encoders, bounding, readers), activation=activation)
        sites = [encoder.site for encoder in encoders]
        checks = check_directly(construction, networks, task, CODED_SITE, sites, shares, seed=seed)
    return CodedPerceptrons(networks=networks, checks=tuple(checks))


def network_shares(construction: Construction, count: int, seed: int) -> list[float]:
    """For each network the share of inputs in which its gate is on.

    Args:
        construction: Gives the smallest and the largest share.
        count: Number of networks.
        seed: Seed of the shares.
    """
    low, high = construction.shares
    drawn = [torch.rand(1, generator=derived_generator(seed, "share", construction.name, i)) for i in range(count)]
    return [low + (high - low) * float(one) for one in drawn]


def _joined(
    construction: Construction, encoders: Sequence[Encoder], bounding: Sequence[Layer], readers: Parameters
) -> Parameters:
    """Encoders and readers as one stack; the layer after the site sees only what is read, and bounds it."""
    parts: list[Parameters] = []
    for i, encoder in enumerate(encoders):
        weights, biases = [weight[i] for weight in readers[0]], [bias[i] for bias in readers[1]]
        site = encoder.site
        bounds = bounding[i]
        first = bounds.weight @ construction.matrix(site.columns) @ site.code.T / site.scale
        bias = bounds.bias - first.sum(1) * site.centre
        all_weights = [*encoder.weights, first, weights[0] @ bounds.read, *weights[1:]]
        all_biases = [*encoder.biases, bias, biases[0] + weights[0] @ bounds.offset, *biases[1:]]
        parts.append(([w.unsqueeze(0) for w in all_weights], [b.unsqueeze(0) for b in all_biases]))
    return stack_parameters(parts)
