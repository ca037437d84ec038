"""The training loop: many searches at once.

A *problem* is one network with one hypothesis at one site. A *search* is a problem with a size, a start and a restart.
Searches are trained in chunks that fit the processor's cache; after each validation new chunks are formed from the
searches that continue. Chunks depend on the request only, not on workers or on results from disk, so the results do
not depend on those either. Searches that use the results of others run in a second stage.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from interlocus.alignment.interchange.cache import Cache, Problems, batches, plan_batches
from interlocus.alignment.interchange.latent_loss import LatentLoss
from interlocus.alignment.interchange.losses import AbstractLoss
from interlocus.alignment.interchange.nonlinear import interchange_class
from interlocus.alignment.metrics import Score
from interlocus.causal.interventions import Interventions
from interlocus.core.linalg import BufferPool
from interlocus.core.plugins import LOSSES
from interlocus.core.progress import OnProgress
from interlocus.core.threads import one_thread
from interlocus.networks import AbstractNetworks
from interlocus.searches.budget import Phase
from interlocus.searches.callbacks import SearchName, Validation
from interlocus.searches.chunks import Chunk, SearchBatch, State, pack_chunks
from interlocus.searches.collect import StageOutcome, collect_results
from interlocus.searches.context import SearchContext
from interlocus.searches.early_stopping import EarlyStopping
from interlocus.searches.initialization import directions_in, initialize
from interlocus.searches.request import Request
from interlocus.searches.results import ProblemResult
from interlocus.searches.starts import Directions
from interlocus.tasks.splits import DataSplits

CHUNK_BYTES = 5 * 2**19
"""Maximal memory of a chunk's activations on a processor, so that they stay in its cache."""


def solve(
    networks: AbstractNetworks, data: DataSplits, request: Request, *, on_progress: OnProgress = lambda share: None
) -> list[ProblemResult]:
    """Search every network for the variables of every hypothesis.

    Args:
        networks: The networks to search.
        data: The pools of examples of their task.
        request: Site, hypotheses, sizes, featurizer, starts, phases, budget and seed.
        on_progress: Called with the share of the work that is done, from 0 to 1.

    Returns:
        One result for each problem: all hypotheses of the first network, then of the second, and so on.

    Raises:
        InterlocusError: the request cannot work; nothing has been computed.
    """
    request.check(networks)
    with one_thread():
        return _solve(networks, data, request, on_progress)


def _solve(
    networks: AbstractNetworks, data: DataSplits, request: Request, on_progress: OnProgress
) -> list[ProblemResult]:
    context = SearchContext.build(networks, data, request)
    pairs = [(n, h) for n in range(len(networks)) for h in range(len(request.hypotheses))]
    problems = Problems(*(torch.tensor(axis, device=networks.device) for axis in zip(*pairs, strict=True)))
    outcomes: list[StageOutcome] = []
    previous: list[list[Directions]] = [[] for _ in pairs]
    done = 0.0
    for searches in request.stages:
        share = len(searches) / len(request.search_list)
        stage = _Stage(context, problems, searches, previous)
        outcomes.append(stage.run(lambda part, done=done, share=share: on_progress(done + part * share)))
        done += share
        if len(outcomes) < len(request.stages):
            for problem, directions in enumerate(previous):
                best = outcomes[-1].best(request, problem).values()
                directions += [blocks for maps in best if (blocks := directions_in(maps)) is not None]
    return collect_results(request, problems, outcomes)


class _Stage:
    """Searches that start together, from their starts to their scores.

    Rows of parameters and results run over `[problem, search of the stage]`, flattened in this order.

    Args:
        context: Activations and evaluation sets of the request.
        problems: Network and hypothesis of each problem, as indices.
        searches: Indices into `Request.search_list` of the searches of this stage.
        previous: For each problem the best directions of the stage before, one entry per size.
    """

    def __init__(
        self,
        context: SearchContext,
        problems: Problems,
        searches: tuple[int, ...],
        previous: Sequence[Sequence[Directions]],
    ) -> None:
        self.context, self.searches, self.request = context, searches, context.request
        self.featurizer = context.request.featurizer
        self.search_list = [context.request.search_list[search] for search in searches]
        self.shape = len(problems.network), len(searches)
        self.batch = SearchBatch(
            problems=problems,
            suffix=context.networks.suffix(self.request.site),
            mask=self._mask(),
            buffers=BufferPool(context.train.projected),
            exchange=interchange_class(linear=self.featurizer.linear),
        )
        directions = initialize(context, problems, self.search_list, self.batch.mask, previous)
        parameters = self.featurizer.initialize(directions, self._activations())
        self.early_stopping = EarlyStopping(
            parameters,
            self._validate(State(parameters)),
            self.shape,
            self.request.budget,
            [[s for s, key in enumerate(self.search_list) if key.size == size] for size in self.request.sizes],
            learns_size=self.featurizer.learns_size,
        )

    def run(self, on_progress: OnProgress) -> StageOutcome:
        """Run all phases, then measure the scores."""
        phases = self.request.phases if self.featurizer.trainable else ()
        total, done = sum(phase.steps for phase in phases), 0
        for number, phase in enumerate(phases):
            self.early_stopping.begin_phase(done)
            self._run_phase(
                number,
                phase,
                lambda share, done=done, phase=phase: on_progress((done + share * phase.steps) / total),
            )
            done += phase.steps
        maps, _ = self.featurizer.forward(self.early_stopping.best, self.batch.mask)
        return StageOutcome(
            searches=self.searches, early_stopping=self.early_stopping, maps=maps, scores=self._scores()
        )

    def _mask(self) -> Float[Tensor, "search variable feature 1"]:
        """One for every feature up to the size of the search, zero behind it."""
        features = torch.tensor([self.request.features[key.size] for key in self.search_list])
        used = torch.arange(self.request.most_features) < features.repeat(self.shape[0], 1).unsqueeze(2)
        return used.unsqueeze(3).to(self.context.train.projected).contiguous()

    def _activations(self) -> list[Float[Tensor, "row width"]]:
        """For each search the activations of its network on the training pool."""
        networks = self.batch.problems.network.tolist()
        return [self.context.train.activations[network] for network in networks for _ in self.search_list]

    def _chunks(self, state: State, alive: Bool[Tensor, "problem search"] | None = None) -> Iterator[Chunk]:
        """Chunks of the searches that continue, or of all; on a GPU one chunk has no limit of size."""
        alive = torch.ones(self.shape, dtype=torch.bool) if alive is None else alive
        entered = self.context.train.projected
        bytes_per_search = entered.shape[2] * self.request.budget.batch * 4
        most = CHUNK_BYTES // bytes_per_search if entered.device.type == "cpu" else alive.numel()
        return (state.cut(self.batch, rows) for rows in pack_chunks(alive, most))

    def _validate(self, state: State, alive: Bool[Tensor, "problem search"] | None = None) -> Float[Tensor, " row"]:
        """The validation IIA of the searches that continue; the values of the others have no meaning."""
        iia = torch.zeros(len(state.parameters), dtype=torch.float64)
        for chunk in self._chunks(state, alive):
            maps = chunk.frames(self.featurizer)
            iia[chunk.rows] = self.context.validation.iia(chunk.interchange, maps, chunk.problems)
        return iia

    def _scores(self) -> list[Score]:
        """The test score of the best maps of each search."""
        scores: dict[int, Score] = {}
        for chunk in self._chunks(State(self.early_stopping.best)):
            maps = chunk.frames(self.featurizer)
            chunk_scores = self.context.test.scores(chunk.interchange, maps, chunk.problems)
            scores |= zip(chunk.rows.tolist(), chunk_scores, strict=True)
        return [scores[row] for row in sorted(scores)]

    def _run_phase(self, number: int, phase: Phase, on_progress: OnProgress) -> None:
        """Run one phase: every search that is neither solved nor halved continues from its best parameters."""
        stopping, interval = self.early_stopping, self.request.budget.check_every
        cache, pool = self.context.training(phase)
        loss = LOSSES.get(phase.loss)()
        latent = LatentLoss.of(cache, pool, self.request.hypotheses) if phase.latent else None
        state = State(stopping.best)
        for first in range(0, phase.steps, interval):
            stopping.halve(first)
            alive = stopping.alive
            if not alive.any():
                return
            on_progress(1 - float(alive.float().mean()) * (1 - first / phase.steps))
            interventions = self.context.draw_steps(number, phase, first)
            steps = range(first, min(first + interval, phase.steps))
            for chunk in self._chunks(state, alive):
                self._train(chunk, phase, loss, cache, interventions, steps, latent)
                state.put(chunk)
            state.count(len(steps))
            stopping.count(len(steps))
            stopping.update(state.parameters, self._validate(state, alive), steps.stop)
            self._call_on_validation(number, steps.stop)

    def _train(
        self,
        chunk: Chunk,
        phase: Phase,
        loss: AbstractLoss,
        cache: Cache,
        interventions: Sequence[Interventions],
        steps: range,
        latent: LatentLoss | None,
    ) -> None:
        """Train one chunk for some steps of a phase."""
        plan = plan_batches(cache, interventions, chunk.problems, self.context.classes)
        codes = None if latent is None else latent.codes(interventions)
        for step, batch in zip(steps, batches(cache, plan), strict=False):
            rate = phase.learning_rate * (1 + math.cos(math.pi * step / phase.steps)) / 2
            extra_gradient, softness = None, 1 - step / phase.steps
            if latent is not None and codes is not None:
                step_codes = codes[:, step - steps.start]
                extra_gradient = latent.gradient(chunk.interchange, chunk.problems, batch, step_codes, phase.latent)
            chunk.step(
                self.featurizer,
                loss,
                batch,
                rate,
                softness=softness,
                temperature=phase.temperature**softness,
                extra_gradient=extra_gradient,
            )

    def _call_on_validation(self, number: int, step: int) -> None:
        """Pass copies of the current validation to the callback."""
        request, stopping = self.request, self.early_stopping
        if request.on_validation is None:
            return
        request.on_validation(
            Validation(
                site=request.site,
                featurizer=self.featurizer.name,
                phase=number,
                step=sum(phase.steps for phase in request.phases[:number]) + step,
                networks=tuple(self.batch.problems.network.tolist()),
                hypotheses=tuple(request.hypotheses[i].name for i in self.batch.problems.hypothesis.tolist()),
                searches=tuple(SearchName(key.size, key.start.name, key.restart) for key in self.search_list),
                iia=stopping.last.view(self.shape).clone(),
                best=stopping.validation.view(self.shape).clone(),
                alive=stopping.alive.clone(),
            )
        )
