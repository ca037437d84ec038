"""What all searches of a request look at."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from interlocus.alignment.evaluation import EvaluationSet, NeuronScorer
from interlocus.alignment.interchange.cache import Cache, cache_activations
from interlocus.alignment.interchange.gradients import slopes
from interlocus.causal.examples import Examples
from interlocus.causal.interventions import Interventions, draw, shuffle_labels
from interlocus.core.random import derived_generator
from interlocus.networks import AbstractNetworks
from interlocus.searches.budget import Phase
from interlocus.searches.request import Request
from interlocus.tasks.splits import DataSplits

JUDGED = 1024
"""Interventions on which sets of neurons are held against each other."""


@dataclass(frozen=True, kw_only=True)
class SearchContext:
    """What all searches of a request look at.

    Args:
        networks: in which is searched.
        data: the examples.
        request: what is asked.
        train: what the networks compute on the training pool.
        pairs: what they compute on examples with minimal pairs, where a phase asks for them.
        validation: what restarts are chosen by.
        test: what scores are measured on.
    """

    networks: AbstractNetworks
    data: DataSplits
    request: Request
    train: Cache
    pairs: Cache | None
    validation: EvaluationSet
    test: EvaluationSet

    @classmethod
    def of(cls, networks: AbstractNetworks, data: DataSplits, request: Request) -> SearchContext:
        """Run the networks on all pools, and draw what is held out."""
        wants_pairs = any(phase.sampling == "minimal_pairs" for phase in request.phases)

        def held_out(pool: Examples, split: str, count: int) -> EvaluationSet:
            drawn = EvaluationSet.draw(
                networks,
                request.site,
                pool,
                request.hypotheses,
                count=count,
                batch=request.budget.batch,
                generator=lambda hypothesis: derived_generator(request.seed, split, hypothesis.name),
            )
            if request.shuffle and split == "validation":
                return drawn.shuffled(
                    lambda hypothesis: derived_generator(request.seed, split, "shuffled", hypothesis.name)
                )
            return drawn

        return cls(
            networks=networks,
            data=data,
            request=request,
            train=cache_activations(networks, request.site, data.train),
            pairs=cache_activations(networks, request.site, data.pairs) if wants_pairs else None,
            validation=held_out(data.validation, "validation", request.budget.validation),
            test=held_out(data.test, "test", request.budget.test),
        )

    @property
    def classes(self) -> int:
        """How many the networks tell apart."""
        return self.test.own.shape[1]

    def scorer(self, network: int, number: int) -> NeuronScorer:
        """Says how good maps are for a problem, on interventions on the training pool."""
        hypothesis = self.request.hypotheses[number]
        return NeuronScorer(
            networks=self.networks,
            site=self.request.site,
            network=network,
            cache=self.train,
            asked=draw(
                self.data.train,
                hypothesis,
                shape=(1, JUDGED),
                generator=derived_generator(self.request.seed, "neurons", hypothesis.name),
            ),
            classes=self.classes,
        )

    def slopes(self, network: int, rows: slice, count: int) -> Float[Tensor, "class row width"]:
        """The gradient of each logit with respect to the activations of the first of some rows."""
        start = rows.start or 0
        suffix = self.networks.suffix(self.request.site)
        return slopes(suffix, self.train, network, slice(start, start + count), self.classes)

    def training(self, phase: Phase) -> tuple[Cache, Examples]:
        """What a phase draws its interventions from."""
        if phase.sampling == "minimal_pairs":
            assert self.pairs is not None
            return self.pairs, self.data.pairs
        return self.train, self.data.train

    def batches(self, number: int, phase: Phase, step: int) -> list[Interventions]:
        """For each hypothesis the interventions of a phase from a step until the next validation.

        They depend on the seed, the phase and the step, so a search meets the same whoever is beside it.
        """
        request, pool = self.request, self.training(phase)[1]
        asked = []
        for hypothesis in request.hypotheses:
            about = number, hypothesis.name, step
            drawn = draw(
                pool,
                hypothesis,
                shape=(request.budget.check_every, request.budget.batch),
                sampling=phase.sampling,
                generator=derived_generator(request.seed, "batches", *about),
            )
            asked.append(
                shuffle_labels(drawn, derived_generator(request.seed, "shuffled", *about)) if request.shuffle else drawn
            )
        return asked
