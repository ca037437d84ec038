"""The data that all searches of a request share: cached activations and evaluation sets."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from interlocus.alignment.evaluation import NeuronScorer
from interlocus.alignment.evaluation_set import EvaluationSet
from interlocus.alignment.interchange.cache import Cache, cache_activations
from interlocus.alignment.interchange.gradients import logit_gradients
from interlocus.causal.examples import Examples
from interlocus.causal.interventions import Interventions, draw, shuffle_labels
from interlocus.core.random import derived_generator
from interlocus.networks import AbstractNetworks
from interlocus.searches.budget import Phase
from interlocus.searches.request import Request
from interlocus.tasks.splits import DataSplits

SCORING_INTERVENTIONS = 1024
"""Interventions on which sets of neurons are compared."""


@dataclass(frozen=True, kw_only=True)
class SearchContext:
    """The data that all searches of a request share.

    Args:
        networks: The networks that are searched.
        data: The pools of examples.
        request: The request that is searched.
        train: Activations on the training pool.
        pairs: Activations on the examples with minimal pairs; `None` if no phase uses them.
        validation: Interventions on which restarts are compared.
        test: Interventions on which the scores are measured.
    """

    networks: AbstractNetworks
    data: DataSplits
    request: Request
    train: Cache
    pairs: Cache | None
    validation: EvaluationSet
    test: EvaluationSet

    @classmethod
    def build(cls, networks: AbstractNetworks, data: DataSplits, request: Request) -> SearchContext:
        """Run the networks on all pools, and draw the interventions for validation and test.

        Args:
            networks: The networks to search.
            data: The pools of examples.
            request: The request to search.

        Raises:
            NetworkError: a network has activations that are not finite.
        """
        uses_pairs = any(phase.sampling == "minimal_pairs" for phase in request.phases)

        validation = EvaluationSet.draw(
            networks,
            request.site,
            data.validation,
            request.hypotheses,
            count=request.budget.validation,
            batch=request.budget.batch,
            generator=lambda hypothesis: derived_generator(request.seed, "validation", hypothesis.name),
        )
        if request.shuffle:
            validation = validation.shuffle_labels(
                lambda hypothesis: derived_generator(request.seed, "validation", "shuffled", hypothesis.name)
            )
        return cls(
            networks=networks,
            data=data,
            request=request,
            train=cache_activations(networks, request.site, data.train),
            pairs=cache_activations(networks, request.site, data.pairs) if uses_pairs else None,
            validation=validation,
            test=EvaluationSet.draw_test(
                networks, request.site, data.test, request.hypotheses, sizes=request.budget, seed=request.seed
            ),
        )

    @property
    def classes(self) -> int:
        """Number of classes of the networks."""
        return self.test.answers.shape[1]

    def scorer(self, network: int, number: int) -> NeuronScorer:
        """Scores sets of neurons of one network for one hypothesis, on interventions on the training pool.

        Args:
            network: Index of the network.
            number: Index of the hypothesis in the request.
        """
        hypothesis = self.request.hypotheses[number]
        return NeuronScorer(
            networks=self.networks,
            site=self.request.site,
            network=network,
            cache=self.train,
            interventions=draw(
                self.data.train,
                hypothesis,
                shape=(1, SCORING_INTERVENTIONS),
                generator=derived_generator(self.request.seed, "neurons", hypothesis.name),
            ),
            classes=self.classes,
        )

    def logit_gradients(self, network: int, rows: slice, count: int) -> Float[Tensor, "class row width"]:
        """The gradient of each logit with respect to the activations of one network.

        Args:
            network: Index of the network.
            rows: A slice of the training pool.
            count: Number of rows to use, from the beginning of the slice.
        """
        start = rows.start or 0
        suffix = self.networks.suffix(self.request.site)
        return logit_gradients(suffix, self.train, network, slice(start, start + count), self.classes)

    def training(self, phase: Phase) -> tuple[Cache, Examples]:
        """The activations and the pool from which a phase draws its interventions."""
        if phase.sampling == "minimal_pairs":
            assert self.pairs is not None
            return self.pairs, self.data.pairs
        return self.train, self.data.train

    def draw_steps(self, number: int, phase: Phase, step: int) -> list[Interventions]:
        """For each hypothesis the interventions from one step of a phase until the next validation.

        They depend on the seed, the phase and the step only, so a search sees the same interventions whichever other
        searches run beside it.

        Args:
            number: Index of the phase.
            phase: The settings of the phase.
            step: First step, counted from the beginning of the phase.
        """
        request, pool = self.request, self.training(phase)[1]
        steps = []
        for hypothesis in request.hypotheses:
            key = number, hypothesis.name, step
            drawn = draw(
                pool,
                hypothesis,
                shape=(request.budget.check_every, request.budget.batch),
                sampling=phase.sampling,
                generator=derived_generator(request.seed, "batches", *key),
            )
            steps.append(
                shuffle_labels(drawn, derived_generator(request.seed, "shuffled", *key)) if request.shuffle else drawn
            )
        return steps
