"""Networks that hold copies of the variables which nothing reads: a search must not report them as used."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.alignment.evaluation import evaluate_each
from interlocus.controls.ground_truth.interchange_training import train_unused_copies
from interlocus.controls.ground_truth.training_batches import TrainingConfig
from interlocus.controls.probes import probe_accuracies
from interlocus.core.random import derived_generator
from interlocus.core.threads import one_thread
from interlocus.featurizers import Frames
from interlocus.networks import MLP
from interlocus.networks.mlp.fast_training import fast_learning_rate, untrained_perceptrons_like
from interlocus.tasks import AbstractTask
from interlocus.tasks.chance_levels import chance_levels

COPY_TRAINING_BATCH, COPY_TRAINING_STEPS, COPY_TRAINING_ROUNDS = 256, 1000, 4
COPY_SIZE = 2
"""Number of directions that hold the copy of a variable, where the site is wide enough."""
MIN_COPY_ACCURACY = 0.99
"""An admitted network solves its task this often, and gives its own answers this often from the read directions."""
MIN_DECODING_ACCURACY = 0.95
"""In an admitted network a linear probe decodes each variable this often."""
MAX_EXCHANGE_EFFECT = 0.03
"""In an admitted network exchanging the copies scores at most this much more than no effect."""
COPY_EXAMPLES = 8192


@dataclass(frozen=True, kw_only=True)
class UnusedCopyNetworks:
    """Networks with unused copies, and what was measured of each on fresh examples.

    Args:
        networks: The networks, a stack of perceptrons.
        copies: Orthonormal rows from which the variables can be decoded.
        accuracy: Accuracy of each network on fresh examples, from 0 to 1.
        agreement: Share of examples on which a network gives its own answer from the read directions alone.
        decodable: Accuracy of a linear probe for the variable that it decodes worst.
        exchange_effect: IIA of exchanging the copies, minus the IIA of no effect.
    """

    networks: MLP
    copies: Float[Tensor, "network variable feature width"]
    accuracy: tuple[float, ...]
    agreement: tuple[float, ...]
    decodable: tuple[float, ...]
    exchange_effect: tuple[float, ...]

    @property
    def admitted(self) -> tuple[int, ...]:
        """Indices of the networks in which all measured values confirm unused copies."""
        measured = zip(self.accuracy, self.agreement, self.decodable, self.exchange_effect, strict=True)
        return tuple(
            i
            for i, (accuracy, agreement, decoded, effect) in enumerate(measured)
            if min(accuracy, agreement) >= MIN_COPY_ACCURACY
            and decoded >= MIN_DECODING_ACCURACY
            and effect <= MAX_EXCHANGE_EFFECT
        )


@dataclass(frozen=True, kw_only=True)
class _Directions:
    """Orthonormal rows of a site.

    Args:
        read: The directions that the networks answer from.
        copies: The directions that hold the copies of the variables.
    """

    read: Float[Tensor, "network read width"]
    copies: Float[Tensor, "network variable feature width"]


def unused_copies_like(
    task: AbstractTask, *, hypothesis: str, site: str, like: MLP, count: int, seed: int
) -> UnusedCopyNetworks:
    """Train fresh perceptrons that answer from a few directions of a site, and hold the variables in others.

    They answer from one direction fewer than there are classes.

    Args:
        task: The task that the networks learn.
        hypothesis: Name of the hypothesis whose variables are copied; they have declared values.
        site: Name of a hidden layer. In the first layer training hardly ever succeeds.
        like: Perceptrons of the architecture to make.
        count: Number of networks that are trained. `UnusedCopyNetworks.admitted` says which succeeded.
        seed: Seed of parameters, directions and examples.
    """
    target, width = task.hypothesis(hypothesis), like.width(site)
    directions = _draw_directions(len(target.variables), task.classes - 1, width, count, seed)
    networks = untrained_perceptrons_like(task, like, count, seed)
    config = TrainingConfig(
        task=task,
        hypothesis=target,
        site=site,
        steps=COPY_TRAINING_STEPS,
        batch=COPY_TRAINING_BATCH,
        learning_rate=fast_learning_rate(like.activation),
        weight_decay=0.0,
        seed=seed,
    )
    for number in itertools.count():
        with one_thread():
            networks = train_unused_copies(
                networks, replace(config, seed=seed + number), directions.read, directions.copies
            )
        measured = _measure(networks, config, directions)
        if len(measured.admitted) == count or number + 1 == COPY_TRAINING_ROUNDS:
            return measured
    raise AssertionError("the rounds end above")


def _draw_directions(variables: int, reading: int, width: int, count: int, seed: int) -> _Directions:
    size = max(1, min(COPY_SIZE, (width - reading) // variables))
    noise = torch.stack(
        [torch.randn(width, width, generator=derived_generator(seed, "unread", i)) for i in range(count)]
    )
    rows = torch.linalg.qr(noise).Q
    copies = rows[:, reading : reading + variables * size].unflatten(1, (variables, size))
    return _Directions(read=rows[:, :reading], copies=copies)


def _measure(networks: MLP, config: TrainingConfig, directions: _Directions) -> UnusedCopyNetworks:
    task, target, site, seed = config.task, config.hypothesis, config.site, config.seed
    maps = Frames(read=directions.copies, write=directions.copies)
    exchanged = evaluate_each(networks, task, hypothesis=target, site=site, maps=maps, seed=seed)
    inputs, _ = task.labelled_inputs(COPY_EXAMPLES, split="test", generator=derived_generator(seed, "unread examples"))
    states = networks.activations(site, inputs)
    mean = states.mean(1, keepdim=True)
    restricted = mean + (states - mean) @ directions.read.transpose(1, 2) @ directions.read
    answers, from_read = (networks.run_from(site, some).argmax(2) for some in (states, restricted))
    probes = probe_accuracies(networks, task, hypothesis=target.name, site=site, seed=seed)
    no_effect = chance_levels(task, target).no_effect
    return UnusedCopyNetworks(
        networks=networks,
        copies=directions.copies,
        accuracy=tuple(networks.accuracy(task, seed=seed)),
        agreement=tuple((answers == from_read).double().mean(1).tolist()),
        decodable=tuple(min(probe.linear for probe in by_variable.values()) for by_variable in probes),
        exchange_effect=tuple(score.iia - no_effect for score in exchanged),
    )
