"""Interventions on held-out examples, that any maps can be asked."""

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
from interlocus.alignment.interchange.nonlinear import AnyInterchange, exchange_for
from interlocus.alignment.metrics import Grouping, Score, group, scores
from interlocus.causal.examples import Examples
from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.interventions import Interventions, draw, shuffle_labels
from interlocus.core.errors import AlignmentError
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
    """What it takes to ask one of several networks, with as many maps at once, linear or not."""
    only = torch.tensor([network], device=networks.device)
    suffix, buffers = networks.suffix(site), BufferPool(torch.zeros(0, device=networks.device))
    entry = None if suffix.input_projection is None else suffix.input_projection[only]
    interchange = exchange_for(linear=linear)(
        input_projection=entry, body=suffix.body(only.expand(searches)), buffers=buffers
    )
    return interchange, Problems(network=only, hypothesis=torch.zeros_like(only))


@dataclass(frozen=True, kw_only=True)
class EvaluationSet:
    """Natural interventions for some hypotheses, the same for every search.

    Args:
        cache: what the networks compute on the pool.
        hypotheses: what is asked for.
        own: one-hot, what each network answers without intervention.
        asked: for each hypothesis several batches of interventions.
        groupings: for each hypothesis the cells of all batches.
        classes: for each hypothesis the class of each row.
    """

    cache: Cache
    hypotheses: tuple[Hypothesis, ...]
    own: Float[Tensor, "network class row"]
    asked: tuple[Interventions, ...]
    groupings: tuple[Grouping, ...]
    classes: Int[Tensor, "hypothesis row"]

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
        """Draw `count` interventions, or up to a batch more.

        Args:
            networks: which are asked.
            site: where.
            pool: of held-out examples.
            hypotheses: what for.
            count: how many.
            batch: how many at once.
            generator: where randomness comes from, for each hypothesis.
        """
        batch = min(batch, count)
        steps = -(-count // batch)
        asked = tuple(draw(pool, h, shape=(steps, batch), generator=generator(h)) for h in hypotheses)
        groupings = []
        for hypothesis, drawn in zip(hypotheses, asked, strict=True):
            parts = [group(hypothesis, drawn[step], pool) for step in range(steps)]
            groupings.append(parts[0]._replace(one_hot=torch.cat([part.one_hot for part in parts])))
        with torch.no_grad():
            logits = networks(pool.inputs.to(networks.device))
        own = torch.nn.functional.one_hot(logits.argmax(2), logits.shape[2]).transpose(1, 2).to(logits)
        return cls(
            cache=cache_activations(networks, site, pool),
            hypotheses=tuple(hypotheses),
            own=own,
            asked=asked,
            groupings=tuple(groupings),
            classes=torch.stack([pool.values[h.model.output] for h in hypotheses]).to(own.device),
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
        """The test interventions of a search with this budget and seed.

        Args:
            networks: which are asked.
            site: where.
            task: whose examples they are.
            hypothesis: what for, one of the task's.
            budget: how many examples and interventions.
            seed: decides on them.
        """
        own = (hypothesis.name,)
        pool = task.draw_examples(
            budget.held_out, split="test", generator=derived_generator(seed, "pool", "test"), for_hypotheses=own
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

    def shuffled(self, generator: Callable[[Hypothesis], torch.Generator]) -> EvaluationSet:
        """The same with labels of other interventions: what nothing should learn from."""
        pairs = zip(self.asked, self.hypotheses, strict=True)
        return replace(self, asked=tuple(shuffle_labels(asked, generator(hypothesis)) for asked, hypothesis in pairs))

    @torch.no_grad()
    def iia(self, interchange: AnyInterchange, frames: Any, problems: Problems) -> Float[Tensor, " search"]:
        """Share of counterfactual labels that the networks give, for each search."""
        right = torch.zeros((), dtype=torch.float64)
        script = plan_batches(self.cache, self.asked, problems, self.own.shape[1])
        for batch in batches(self.cache, script):
            logits, _ = interchange.forward(frames, batch)
            right = right + is_right(logits, batch.one_hot).sum(2).flatten().cpu()
        return right / self.asked[0].base.numel()

    @torch.no_grad()
    def scores(self, interchange: AnyInterchange, frames: Any, problems: Problems) -> list[Score]:
        """The score of each search."""
        right, changed = [], []
        script = plan_batches(self.cache, self.asked, problems, self.own.shape[1])
        for step, batch in enumerate(batches(self.cache, script)):
            logits, _ = interchange.forward(frames, batch)
            bases = torch.stack([one.base[step] for one in self.asked]).to(self.own.device)[problems.hypothesis]
            before = self.own[problems.network[:, None], :, bases].transpose(1, 2)
            right.append(is_right(logits, batch.one_hot).float().cpu())
            changed.append((~is_right(logits, before.unsqueeze(1))).float().cpu())
        return [
            score
            for problem, number in enumerate(problems.hypothesis.tolist())
            for score in scores(
                self.groupings[number],
                torch.cat([r[problem] for r in right], 1),
                torch.cat([c[problem] for c in changed], 1),
                self._solved(int(problems.network[problem]), number),
            )
        ]

    def _solved(self, network: int, hypothesis: int) -> Float[Tensor, " batch"]:
        """One for the interventions whose base and sources a network gives their classes, over all batches."""
        asked = self.asked[hypothesis]
        right = self.own[network].argmax(0).eq(self.classes[hypothesis]).cpu()
        return (right[asked.base] & right[asked.sources].all(0)).flatten().float()


@dataclass(frozen=True, kw_only=True)
class NeuronScorer:
    """Says how good maps of one network are, without looking at anything that is held out.

    Args:
        networks: of which it is one.
        site: where.
        network: which.
        cache: what the networks compute on the training pool.
        asked: interventions there, in one batch.
        classes: how many there are.
    """

    networks: AbstractNetworks
    site: str
    network: int
    cache: Cache
    asked: Interventions
    classes: int

    @property
    def width(self) -> int:
        """Of the site."""
        return self.cache.activations.shape[2]

    @torch.no_grad()
    def __call__(self, maps: Frames) -> Float[Tensor, " search"]:
        """The IIA of each map."""
        interchange, problems = interchange_in(self.networks, self.site, self.network, len(maps.read))
        frames: Any = Frames(*(part.to(self.cache.activations) for part in maps))
        batch = next(batches(self.cache, plan_batches(self.cache, [self.asked], problems, self.classes)))
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
    held_out = EvaluationSet.of_search(
        network, alignment.site, task, hypothesis, budget=budget or SampleSizes(), seed=seed
    )
    interchange, problems = interchange_in(network, alignment.site, 0, linear=alignment.frames.linear)
    return held_out.scores(interchange, alignment.frames.as_stack(network.device), problems)[0]


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
    held_out = EvaluationSet.of_search(networks, site, task, hypothesis, budget=budget or SampleSizes(), seed=seed)
    every = torch.arange(len(networks), device=networks.device)
    suffix, buffers = networks.suffix(site), BufferPool(maps.read.to(networks.device))
    interchange = Interchange(input_projection=suffix.input_projection, body=suffix.body(every), buffers=buffers)
    maps = Frames(*(part.to(networks.device) for part in maps))
    return tuple(held_out.scores(interchange, maps, Problems(network=every, hypothesis=torch.zeros_like(every))))
