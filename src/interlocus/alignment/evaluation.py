"""Score maps on interventions that were not used to fit them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.interchange.cache import Cache, Problems, batches, cache_activations, plan_batches
from interlocus.alignment.interchange.linear import Interchange, is_right
from interlocus.alignment.interchange.nonlinear import AnyInterchange, interchange_class
from interlocus.alignment.metrics import Grouping, Score, group, scores
from interlocus.causal.examples import Examples
from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.interventions import Interventions, draw, shuffle_labels
from interlocus.core.linalg import BufferPool
from interlocus.core.random import derived_generator
from interlocus.featurizers import Frames
from interlocus.networks import AbstractNetworks
from interlocus.networks.validation import check_fit
from interlocus.tasks import AbstractTask
from interlocus.tasks.splits import SampleSizes


def interchange_in(
    networks: AbstractNetworks, site: str, network: int, searches: int = 1, *, linear: bool = True
) -> tuple[AnyInterchange, Problems]:
    """An interchange in one of several networks, and the one problem to which it belongs.

    Args:
        networks: The networks of which one is used.
        site: Name of the site.
        network: Index of the network in the stack, from 0.
        searches: Number of maps that are evaluated at once.
        linear: Whether the maps are linear.
    """
    only = torch.tensor([network], device=networks.device)
    suffix, buffers = networks.suffix(site), BufferPool(torch.zeros(0, device=networks.device))
    projection = None if suffix.input_projection is None else suffix.input_projection[only]
    interchange = interchange_class(linear=linear)(
        input_projection=projection, body=suffix.body(only.expand(searches)), buffers=buffers
    )
    return interchange, Problems(network=only, hypothesis=torch.zeros_like(only))


@dataclass(frozen=True, kw_only=True)
class EvaluationSet:
    """Interventions on natural examples for some hypotheses, the same for every search.

    Args:
        cache: Activations of all networks on the pool.
        hypotheses: The hypotheses, each with its own interventions.
        answers: One-hot answers of each network without intervention.
        interventions: For each hypothesis several batches of interventions, `[step, batch]`.
        groupings: For each hypothesis the cells to which the interventions of all batches belong.
        labels: For each hypothesis the class of each row of the pool.
    """

    cache: Cache
    hypotheses: tuple[Hypothesis, ...]
    answers: Float[Tensor, "network class row"]
    interventions: tuple[Interventions, ...]
    groupings: tuple[Grouping, ...]
    labels: Int[Tensor, "hypothesis row"]

    @classmethod
    def draw(
        cls,
        networks: AbstractNetworks,
        site: str,
        pool: Examples,
        hypotheses: Sequence[Hypothesis],
        *,
        count: int,
        batch: int,
        generator: Callable[[Hypothesis], torch.Generator],
    ) -> EvaluationSet:
        """Draw interventions for each hypothesis.

        Args:
            networks: The networks in which maps will be scored.
            site: Name of the site.
            pool: Examples that were not used for training.
            hypotheses: The hypotheses to draw for; all have the same number of variables.
            count: Number of interventions per hypothesis, rounded up to whole batches.
            batch: Number of interventions that are evaluated at once.
            generator: Returns the source of randomness for a hypothesis.
        """
        batch = min(batch, count)
        steps = -(-count // batch)
        interventions = tuple(draw(pool, h, shape=(steps, batch), generator=generator(h)) for h in hypotheses)
        groupings = []
        for hypothesis, drawn in zip(hypotheses, interventions, strict=True):
            parts = [group(hypothesis, drawn[step], pool) for step in range(steps)]
            groupings.append(parts[0]._replace(one_hot=torch.cat([part.one_hot for part in parts])))
        with torch.no_grad():
            logits = networks(pool.inputs.to(networks.device))
        answers = torch.nn.functional.one_hot(logits.argmax(2), logits.shape[2]).transpose(1, 2).to(logits)
        return cls(
            cache=cache_activations(networks, site, pool),
            hypotheses=tuple(hypotheses),
            answers=answers,
            interventions=interventions,
            groupings=tuple(groupings),
            labels=torch.stack([pool.values[h.model.output] for h in hypotheses]).to(answers.device),
        )

    @classmethod
    def of_search(
        cls,
        networks: AbstractNetworks,
        site: str,
        task: AbstractTask,
        hypothesis: Hypothesis,
        *,
        budget: SampleSizes,
        seed: int,
    ) -> EvaluationSet:
        """The test interventions of a search with the same budget and seed.

        Args:
            networks: The networks in which maps will be scored.
            site: Name of the site.
            task: The task from which examples are drawn.
            hypothesis: One of the task's hypotheses.
            budget: Numbers of test examples and interventions.
            seed: Seed of the search.
        """
        pool = task.draw_examples(
            budget.held_out,
            split="test",
            generator=derived_generator(seed, "pool", "test"),
            for_hypotheses=(hypothesis.name,),
        )
        return cls.draw(
            networks,
            site,
            pool,
            (hypothesis,),
            count=budget.test,
            batch=budget.batch,
            generator=lambda hypothesis: derived_generator(seed, "test", hypothesis.name),
        )

    def shuffle_labels(self, generator: Callable[[Hypothesis], torch.Generator]) -> EvaluationSet:
        """The same interventions with the labels of other interventions, so that nothing can be learned from them.

        Args:
            generator: Returns the source of randomness for a hypothesis.
        """
        pairs = zip(self.interventions, self.hypotheses, strict=True)
        return replace(
            self, interventions=tuple(shuffle_labels(drawn, generator(hypothesis)) for drawn, hypothesis in pairs)
        )

    @torch.no_grad()
    def iia(self, interchange: AnyInterchange, frames: Any, problems: Problems) -> Float[Tensor, " search"]:
        """The IIA of each search, from 0 to 1.

        Args:
            interchange: An interchange for the same networks and site.
            frames: Maps of all searches, of the kind that the interchange takes.
            problems: Network and hypothesis of each problem; every problem has equally many searches.
        """
        correct = torch.zeros((), dtype=torch.float64)
        plan = plan_batches(self.cache, self.interventions, problems, self.answers.shape[1])
        for batch in batches(self.cache, plan):
            logits, _ = interchange.forward(frames, batch)
            correct = correct + is_right(logits, batch.one_hot).sum(2).flatten().cpu()
        return correct / self.interventions[0].base.numel()

    @torch.no_grad()
    def scores(self, interchange: AnyInterchange, frames: Any, problems: Problems) -> list[Score]:
        """The score of each search; arguments as in `iia`."""
        correct, changed = [], []
        plan = plan_batches(self.cache, self.interventions, problems, self.answers.shape[1])
        for step, batch in enumerate(batches(self.cache, plan)):
            logits, _ = interchange.forward(frames, batch)
            bases = torch.stack([drawn.base[step] for drawn in self.interventions])
            bases = bases.to(self.answers.device)[problems.hypothesis]
            before = self.answers[problems.network[:, None], :, bases].transpose(1, 2)
            correct.append(is_right(logits, batch.one_hot).float().cpu())
            changed.append((~is_right(logits, before.unsqueeze(1))).float().cpu())
        return [
            score
            for problem, number in enumerate(problems.hypothesis.tolist())
            for score in scores(
                self.groupings[number],
                torch.cat([c[problem] for c in correct], 1),
                torch.cat([c[problem] for c in changed], 1),
                self._solved(int(problems.network[problem]), number),
            )
        ]

    def _solved(self, network: int, hypothesis: int) -> Float[Tensor, " batch"]:
        """One for interventions whose base and sources the network classifies correctly, over all batches."""
        drawn = self.interventions[hypothesis]
        correct = self.answers[network].argmax(0).eq(self.labels[hypothesis]).cpu()
        return (correct[drawn.base] & correct[drawn.sources].all(0)).flatten().float()


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
