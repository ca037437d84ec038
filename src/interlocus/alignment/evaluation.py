"""Score maps on interventions that were not used to fit them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.evaluation_set import EvaluationSet, interchange_in
from interlocus.alignment.interchange.cache import Cache, Problems, batches, plan_batches
from interlocus.alignment.interchange.linear import Interchange, is_right
from interlocus.alignment.metrics import Score
from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.interventions import Interventions
from interlocus.core.linalg import BufferPool
from interlocus.featurizers import Frames
from interlocus.networks import AbstractNetworks
from interlocus.networks.validation import check_fit
from interlocus.tasks import AbstractTask
from interlocus.tasks.splits import SampleSizes


@dataclass(frozen=True, kw_only=True)
class NeuronScorer:
    """Scores maps in one network on interventions for training, without any test data.

    Args:
        networks: The networks of which one is used.
        site: Name of the site.
        network: Index of the network in the stack, from 0.
        cache: Activations of all networks on the training pool.
        interventions: Interventions on the training pool, in one batch.
        classes: Number of classes of the networks.
    """

    networks: AbstractNetworks
    site: str
    network: int
    cache: Cache
    interventions: Interventions
    classes: int

    @property
    def width(self) -> int:
        """Number of neurons of the site."""
        return self.cache.activations.shape[2]

    @torch.no_grad()
    def __call__(self, maps: Frames) -> Float[Tensor, " search"]:
        """The IIA of each map, from 0 to 1."""
        interchange, problems = interchange_in(self.networks, self.site, self.network, len(maps.read))
        frames: Any = Frames(*(part.to(self.cache.activations) for part in maps))
        batch = next(batches(self.cache, plan_batches(self.cache, [self.interventions], problems, self.classes)))
        logits, _ = interchange.forward(frames, batch)
        return is_right(logits, batch.one_hot).float().mean(2).flatten().cpu()


def evaluate(
    alignment: Alignment,
    network: AbstractNetworks,
    task: AbstractTask,
    *,
    budget: SampleSizes | None = None,
    seed: int = 0,
) -> Score:
    """The score of an alignment on test interventions.

    Args:
        alignment: An alignment from `search`, from a file or from another tool.
        network: The one network to which the alignment belongs.
        task: The task that the network solves.
        budget: Numbers of test examples and interventions; by default those of `Budget()`.
        seed: Seed of the test interventions. The seed of a search gives the score of that search.

    Raises:
        AlignmentError: the alignment belongs to another network.
        UnknownNameError: the task has no such hypothesis, or the network has no such site.
    """
    check_fit(network, task)
    alignment.check(network)
    hypothesis = task.hypothesis(alignment.hypothesis)
    test_set = EvaluationSet.of_search(
        network, alignment.site, task, hypothesis, budget=budget or SampleSizes(), seed=seed
    )
    interchange, problems = interchange_in(network, alignment.site, 0, linear=alignment.frames.linear)
    return test_set.scores(interchange, alignment.frames.as_stack(network.device), problems)[0]


def evaluate_each(
    networks: AbstractNetworks,
    task: AbstractTask,
    *,
    hypothesis: Hypothesis,
    site: str,
    maps: Frames,
    budget: SampleSizes | None = None,
    seed: int = 0,
) -> tuple[Score, ...]:
    """The scores of linear maps in several networks at once, as `evaluate` would give them.

    Args:
        networks: The networks in which the maps are scored.
        task: The task that the networks solve.
        hypothesis: The hypothesis of the task to whose variables the maps belong.
        site: Name of the site.
        maps: Linear maps `[network, variable, feature, width]`, one per network.
        budget: Numbers of test examples and interventions; by default those of `Budget()`.
        seed: Seed of the test interventions.
    """
    test_set = EvaluationSet.of_search(networks, site, task, hypothesis, budget=budget or SampleSizes(), seed=seed)
    every = torch.arange(len(networks), device=networks.device)
    suffix, buffers = networks.suffix(site), BufferPool(maps.read.to(networks.device))
    interchange = Interchange(input_projection=suffix.input_projection, body=suffix.body(every), buffers=buffers)
    maps = Frames(*(part.to(networks.device) for part in maps))
    return tuple(test_set.scores(interchange, maps, Problems(network=every, hypothesis=torch.zeros_like(every))))
