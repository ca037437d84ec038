"""Evaluation sets: interventions on examples that were not used for fitting, on which any number of maps is scored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interlocus.alignment.interchange.cache import Batch, Cache, Problems, batches, cache_activations, plan_batches
from interlocus.alignment.interchange.linear import is_right
from interlocus.alignment.interchange.nonlinear import AnyInterchange, interchange_class
from interlocus.alignment.metrics import Grouping, Score, group, group_added, scores
from interlocus.causal.examples import Examples
from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.interventions import Interventions, draw, shuffle_labels
from interlocus.causal.single_use import AddedInterventions, add_transitions, batch_shape, draw_once
from interlocus.core.linalg import BufferPool
from interlocus.core.random import derived_generator
from interlocus.networks import AbstractNetworks
from interlocus.tasks import AbstractTask
from interlocus.tasks.splits import SampleSizes, draw_test_examples


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
        added: For each hypothesis interventions that count for its rare transitions only; empty if there are none.
    """

    cache: Cache
    hypotheses: tuple[Hypothesis, ...]
    answers: Float[Tensor, "network class row"]
    interventions: tuple[Interventions, ...]
    groupings: tuple[Grouping, ...]
    labels: Int[Tensor, "hypothesis row"]
    added: tuple[AddedInterventions, ...] = ()

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
        """Draw interventions for each hypothesis with replacement, to compare maps on them.

        Args:
            networks: The networks in which maps will be scored.
            site: Name of the site.
            pool: Examples that were not used for training.
            hypotheses: The hypotheses to draw for; all have the same number of variables.
            count: Number of interventions per hypothesis, rounded up to whole batches.
            batch: Number of interventions that are evaluated at once.
            generator: Returns the source of randomness for a hypothesis.
        """
        shape = batch_shape(count, batch)
        drawn = [draw(pool, h, shape=shape, generator=generator(h)) for h in hypotheses]
        return cls._of(networks, site, pool, hypotheses, drawn)

    @classmethod
    def draw_test(
        cls,
        networks: AbstractNetworks,
        site: str,
        pool: Examples,
        hypotheses: Sequence[Hypothesis],
        *,
        sizes: SampleSizes,
        seed: int,
    ) -> EvaluationSet:
        """The test interventions of a search. Each example is used once, so that intervals of scores are exact.

        Interventions of rare transitions are added, which count for these transitions and not for the IIA.

        Args:
            networks: The networks in which maps will be scored.
            site: Name of the site.
            pool: Examples that `draw_test_examples` drew for these sizes, this seed and these hypotheses.
            hypotheses: The hypotheses to draw for; all have the same number of variables.
            sizes: The number of test interventions, and the size of a batch.
            seed: Seed of the search.
        """
        shape = batch_shape(sizes.test, sizes.batch)
        drawn = [draw_once(pool, h, shape=shape, generator=derived_generator(seed, "test", h.name)) for h in hypotheses]
        added = add_transitions(pool, hypotheses, count=sizes.test, batch=sizes.batch)
        return replace(cls._of(networks, site, pool, hypotheses, drawn), added=added)

    @classmethod
    def _of(
        cls,
        networks: AbstractNetworks,
        site: str,
        pool: Examples,
        hypotheses: Sequence[Hypothesis],
        interventions: Sequence[Interventions],
    ) -> EvaluationSet:
        groupings = []
        for hypothesis, drawn in zip(hypotheses, interventions, strict=True):
            parts = [group(hypothesis, drawn[step], pool) for step in range(len(drawn.base))]
            groupings.append(parts[0]._replace(one_hot=torch.cat([part.one_hot for part in parts])))
        with torch.no_grad():
            logits = networks(pool.inputs.to(networks.device))
        answers = torch.nn.functional.one_hot(logits.argmax(2), logits.shape[2]).transpose(1, 2).to(logits)
        return cls(
            cache=cache_activations(networks, site, pool),
            hypotheses=tuple(hypotheses),
            answers=answers,
            interventions=tuple(interventions),
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
            budget: Number of test interventions.
            seed: Seed of the search.
        """
        pool = draw_test_examples(task, budget, seed=seed, hypotheses=(hypothesis.name,))
        return cls.draw_test(networks, site, pool, (hypothesis,), sizes=budget, seed=seed)

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
        for batch, logits in self._run(self.interventions, interchange, frames, problems):
            correct = correct + is_right(logits, batch.one_hot).sum(2).flatten().cpu()
        return correct / self.interventions[0].base.numel()

    @torch.no_grad()
    def scores(self, interchange: AnyInterchange, frames: Any, problems: Problems) -> list[Score]:
        """The score of each search; arguments as in `iia`."""
        correct, changed = [], []
        for step, (batch, logits) in enumerate(self._run(self.interventions, interchange, frames, problems)):
            bases = torch.stack([drawn.base[step] for drawn in self.interventions])
            bases = bases.to(self.answers.device)[problems.hypothesis]
            before = self.answers[problems.network[:, None], :, bases].transpose(1, 2)
            correct.append(is_right(logits, batch.one_hot).float().cpu())
            changed.append((~is_right(logits, before.unsqueeze(1))).float().cpu())
        found = [
            scores(
                self.groupings[number],
                torch.cat([c[problem] for c in correct], 1),
                torch.cat([c[problem] for c in changed], 1),
                self._solved(int(problems.network[problem]), number),
            )
            for problem, number in enumerate(problems.hypothesis.tolist())
        ]
        if self.added and len(self.added[0].interventions.base):
            found = self._with_added(found, interchange, frames, problems)
        return [score for of_problem in found for score in of_problem]

    def _with_added(
        self, found: Sequence[Sequence[Score]], interchange: AnyInterchange, frames: Any, problems: Problems
    ) -> list[list[Score]]:
        """The scores of each problem with the hits of the interventions that were added for rare transitions."""
        drawn = [added.interventions for added in self.added]
        correct = [
            is_right(logits, batch.one_hot).float().cpu()
            for batch, logits in self._run(drawn, interchange, frames, problems)
        ]
        groupings = [group_added(grouping, added) for grouping, added in zip(self.groupings, self.added, strict=True)]
        return [
            [
                score.with_added(grouping, right)
                for grouping, score, right in zip(
                    [groupings[number]] * len(of_problem),
                    of_problem,
                    torch.cat([c[problem] for c in correct], 1),
                    strict=True,
                )
            ]
            for problem, (number, of_problem) in enumerate(zip(problems.hypothesis.tolist(), found, strict=True))
        ]

    def _run(
        self, interventions: Sequence[Interventions], interchange: AnyInterchange, frames: Any, problems: Problems
    ) -> Iterator[tuple[Batch, Tensor]]:
        """Each batch of some interventions with the logits after it."""
        plan = plan_batches(self.cache, interventions, problems, self.answers.shape[1])
        for batch in batches(self.cache, plan):
            yield batch, interchange.forward(frames, batch)[0]

    def _solved(self, network: int, hypothesis: int) -> Float[Tensor, " batch"]:
        """One for interventions whose base and sources the network classifies correctly, over all batches."""
        drawn = self.interventions[hypothesis]
        correct = self.answers[network].argmax(0).eq(self.labels[hypothesis]).cpu()
        return (correct[drawn.base] & correct[drawn.sources].all(0)).flatten().float()
