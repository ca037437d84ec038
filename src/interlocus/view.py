"""What all searches of a request look at."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from interlocus.budget import Phase
from interlocus.counterfactuals import Interventions, Pool, draw, shuffled
from interlocus.data import Data
from interlocus.held_out import HeldOut, NeuronJudge
from interlocus.interchange import Cache, look
from interlocus.networks import AbstractNetworks
from interlocus.request import Request
from interlocus.seeds import stream
from interlocus.slopes import slopes

JUDGED = 1024
"""Interventions on which sets of neurons are held against each other."""


@dataclass(frozen=True, kw_only=True)
class View:
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
    data: Data
    request: Request
    train: Cache
    pairs: Cache | None
    validation: HeldOut
    test: HeldOut

    @classmethod
    def of(cls, networks: AbstractNetworks, data: Data, request: Request) -> View:
        """Run the networks on all pools, and draw what is held out."""
        wants_pairs = any(phase.sampling == "minimal_pairs" for phase in request.phases)

        def held_out(pool: Pool, split: str, count: int) -> HeldOut:
            drawn = HeldOut.draw(
                networks,
                request.site,
                pool,
                request.hypotheses,
                count=count,
                batch=request.budget.batch,
                generator=lambda hypothesis: stream(request.seed, split, hypothesis.name),
            )
            if request.shuffle and split == "validation":
                return drawn.shuffled(lambda hypothesis: stream(request.seed, split, "shuffled", hypothesis.name))
            return drawn

        return cls(
            networks=networks,
            data=data,
            request=request,
            train=look(networks, request.site, data.train),
            pairs=look(networks, request.site, data.pairs) if wants_pairs else None,
            validation=held_out(data.validation, "validation", request.budget.validation),
            test=held_out(data.test, "test", request.budget.test),
        )

    @property
    def classes(self) -> int:
        """How many the networks tell apart."""
        return self.test.own.shape[1]

    def judge(self, network: int, number: int) -> NeuronJudge:
        """Says how good maps are for a problem, on interventions on the training pool."""
        hypothesis = self.request.hypotheses[number]
        return NeuronJudge(
            networks=self.networks,
            site=self.request.site,
            network=network,
            cache=self.train,
            asked=draw(
                self.data.train,
                hypothesis,
                shape=(1, JUDGED),
                generator=stream(self.request.seed, "neurons", hypothesis.name),
            ),
            classes=self.classes,
        )

    def slopes(self, network: int, rows: slice, count: int) -> Float[Tensor, "class row width"]:
        """The gradient of each logit with respect to the activations of the first of some rows."""
        start = rows.start or 0
        tail = self.networks.tail(self.request.site)
        return slopes(tail, self.train, network, slice(start, start + count), self.classes)

    def training(self, phase: Phase) -> tuple[Cache, Pool]:
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
                generator=stream(request.seed, "batches", *about),
            )
            asked.append(shuffled(drawn, stream(request.seed, "shuffled", *about)) if request.shuffle else drawn)
        return asked
