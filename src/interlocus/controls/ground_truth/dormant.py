"""Networks in which variables can be decoded and nobody reads them: what a search must not take for used."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.alignment.evaluation import evaluate_each
from interlocus.controls.ground_truth.interchange_training import TrainingConfig, train_unread
from interlocus.controls.probes import decodable
from interlocus.core.random import derived_generator
from interlocus.core.threads import one_thread
from interlocus.featurizers import Frames
from interlocus.networks import MLP
from interlocus.networks.mlp.fast_training import fast_learning_rate, untrained_perceptrons_like
from interlocus.tasks import AbstractTask
from interlocus.tasks.chance_levels import chance_levels

DORMANT_BATCH, DORMANT_STEPS, DORMANT_ROUNDS = 256, 1000, 4
DORMANT_SIZE = 2
"""Directions from which a variable can be decoded, where so many fit."""
MIN_DORMANT_ACCURACY = 0.99
"""A network counts that solves its task so often, and gives so many of its own answers from what is read."""
MIN_DECODING_ACCURACY = 0.95
"""A linear probe tells each variable so often …"""
MAX_EXCHANGE_EFFECT = 0.03
"""… and exchanging the directions in which it lies scores so little more than doing nothing."""
DORMANT_EXAMPLES = 8192


@dataclass(frozen=True, kw_only=True)
class Unread:
    """Such networks, and what was measured of each on fresh examples.

    Args:
        networks: the networks.
        dormant: the directions from which the variables can be decoded, `[network, variable, feature, width]`.
        accuracy: of each.
        kept: share of its own answers that it gives from what is read.
        decodable: what a linear probe tells of the variable that is told worst.
        idle: IIA of exchanging the dormant directions, less that of doing nothing.
    """

    networks: MLP
    dormant: Float[Tensor, "network variable feature width"]
    accuracy: tuple[float, ...]
    kept: tuple[float, ...]
    decodable: tuple[float, ...]
    idle: tuple[float, ...]

    @property
    def admitted(self) -> tuple[int, ...]:
        """The networks that certainly are what they should be."""
        measured = zip(self.accuracy, self.kept, self.decodable, self.idle, strict=True)
        return tuple(
            i
            for i, (accuracy, kept, told, idle) in enumerate(measured)
            if min(accuracy, kept) >= MIN_DORMANT_ACCURACY
            and told >= MIN_DECODING_ACCURACY
            and idle <= MAX_EXCHANGE_EFFECT
        )


def unused_copies_like(task: AbstractTask, *, hypothesis: str, site: str, like: MLP, count: int, seed: int) -> Unread:
    """Fresh perceptrons that answer from one direction of a site a class but one, and hold the variables elsewhere.

    Args:
        task: what they learn.
        hypothesis: whose variables are to be decoded; they have declared values.
        site: a hidden layer.
        like: perceptrons of that architecture.
        count: how many are made; how many became so says `admitted`. In the first layer, say, hardly any can.
        seed: decides on parameters, directions and examples.
    """
    sought, width = task.hypothesis(hypothesis), like.width(site)
    variables, reading = len(sought.variables), task.classes - 1
    size = max(1, min(DORMANT_SIZE, (width - reading) // variables))
    noise = torch.stack(
        [torch.randn(width, width, generator=derived_generator(seed, "unread", i)) for i in range(count)]
    )
    rows = torch.linalg.qr(noise).Q
    read, dormant = rows[:, :reading], rows[:, reading : reading + variables * size].unflatten(1, (variables, size))
    networks, rounds = untrained_perceptrons_like(task, like, count, seed), 0
    while True:
        course = TrainingConfig(
            task=task,
            hypothesis=sought,
            site=site,
            steps=DORMANT_STEPS,
            batch=DORMANT_BATCH,
            rate=fast_learning_rate(like.activation),
            weight_decay=0.0,
            seed=seed + rounds,
            progress=lambda share: None,
        )
        with one_thread():
            networks = train_unread(networks, course, read, dormant)
        made, rounds = _measured(task, hypothesis, site, networks, read, dormant, seed), rounds + 1
        if len(made.admitted) == count or rounds == DORMANT_ROUNDS:
            return made


def _measured(
    task: AbstractTask,
    hypothesis: str,
    site: str,
    networks: MLP,
    read: Float[Tensor, "network read width"],
    dormant: Float[Tensor, "network variable feature width"],
    seed: int,
) -> Unread:
    sought = task.hypothesis(hypothesis)
    maps = Frames(read=dormant, write=dormant)
    exchanged = evaluate_each(networks, task, hypothesis=sought, site=site, maps=maps, seed=seed)
    inputs, _ = task.labelled_inputs(
        DORMANT_EXAMPLES, split="test", generator=derived_generator(seed, "unread examples")
    )
    states = networks.activations(site, inputs)
    mean = states.mean(1, keepdim=True)
    confined = mean + (states - mean) @ read.transpose(1, 2) @ read
    answers, from_read = (networks.run_from(site, own).argmax(2) for own in (states, confined))
    probes = decodable(networks, task, hypothesis=hypothesis, site=site, seed=seed)
    no_effect = chance_levels(task, sought).no_effect
    return Unread(
        networks=networks,
        dormant=dormant,
        accuracy=tuple(networks.accuracy(task, seed=seed)),
        kept=tuple((answers == from_read).double().mean(1).tolist()),
        decodable=tuple(min(one.linear for one in own.values()) for own in probes),
        idle=tuple(score.iia - no_effect for score in exchanged),
    )
