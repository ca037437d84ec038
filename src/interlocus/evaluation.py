"""What maps that are at hand score on test interventions."""

from __future__ import annotations

import torch

from interlocus.alignment import Alignment
from interlocus.budget import Budget
from interlocus.causal import Hypothesis
from interlocus.errors import AlignmentError
from interlocus.featurizers import Frames
from interlocus.fit import check_fit
from interlocus.held_out import HeldOut, exchange_in
from interlocus.interchange import Interchange, Problems
from interlocus.metrics import Score
from interlocus.networks import AbstractNetworks
from interlocus.tasks import AbstractTask
from interlocus.workspace import Workspace


def evaluate(
    alignment: Alignment, network: AbstractNetworks, task: AbstractTask, *, budget: Budget | None = None, seed: int = 0
) -> Score:
    """The score of an alignment on test interventions.

    Args:
        alignment: found by `search`, or elsewhere.
        network: the network that it was found in.
        task: what the network solves.
        budget: how many examples and interventions.
        seed: decides on them; the same as that of a search gives the same.

    Raises:
        AlignmentError: the alignment belongs to another network.
        UnknownNameError: the task has no such hypothesis, or the network no such site.
    """
    check_fit(network, task)
    if len(network) != 1 or network.fingerprint() != alignment.network:
        raise AlignmentError.of_another_network(alignment.network, network.fingerprint())
    hypothesis = task.hypothesis(alignment.hypothesis)
    held_out = HeldOut.of_search(network, alignment.site, task, hypothesis, budget=budget or Budget(), seed=seed)
    interchange, problems = exchange_in(network, alignment.site, 0, linear=alignment.frames.linear)
    return held_out.scores(interchange, alignment.frames.alone(network.device), problems)[0]


def evaluate_each(
    networks: AbstractNetworks,
    task: AbstractTask,
    *,
    hypothesis: Hypothesis,
    site: str,
    maps: Frames,
    budget: Budget | None = None,
    seed: int = 0,
) -> tuple[Score, ...]:
    """What `evaluate` gives, for several networks at once.

    Args:
        networks: whose sites are exchanged.
        task: what they solve.
        hypothesis: of the task.
        site: where.
        maps: linear ones, for each network one.
        budget: how many examples and interventions.
        seed: decides on them.
    """
    held_out = HeldOut.of_search(networks, site, task, hypothesis, budget=budget or Budget(), seed=seed)
    every = torch.arange(len(networks), device=networks.device)
    tail, workspace = networks.tail(site), Workspace(maps.read.to(networks.device))
    interchange = Interchange(entry=tail.entry, rest=tail.rest(every), workspace=workspace)
    maps = Frames(*(part.to(networks.device) for part in maps))
    return tuple(held_out.scores(interchange, maps, Problems(network=every, hypothesis=torch.zeros_like(every))))
