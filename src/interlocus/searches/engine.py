"""The one training loop: many searches at once.

A *problem* is one network with one hypothesis at one site; a *search* is a problem with a size, a start and a restart.
Searches are moved on in stacks that fit the processor's cache, put together anew after each validation of those that
are left. Stacks depend on what is asked only, never on workers or on what is finished already, so results do not
either. Searches that look at what others found begin in a second stage, when these have ended.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from interlocus.alignment.interchange.cache import Cache, Problems, batches, plan_batches
from interlocus.alignment.interchange.latent_loss import Natural
from interlocus.alignment.interchange.losses import AbstractLoss
from interlocus.alignment.interchange.nonlinear import exchange_for
from interlocus.alignment.metrics import Score
from interlocus.causal.interventions import Interventions
from interlocus.core.linalg import BufferPool
from interlocus.core.plugins import LOSSES
from interlocus.core.progress import OnProgress
from interlocus.core.threads import one_thread
from interlocus.networks import AbstractNetworks
from interlocus.searches.budget import Phase
from interlocus.searches.callbacks import ProblemName, Validation
from interlocus.searches.collect import Ended, gather
from interlocus.searches.context import SearchContext
from interlocus.searches.early_stopping import EarlyStopping
from interlocus.searches.initialization import Directions, directions_in, initialize
from interlocus.searches.request import Request
from interlocus.searches.results import ProblemResult
from interlocus.searches.stack import SearchBatch, Stack, State, rectangles
from interlocus.tasks.splits import DataSplits

CHUNK_BYTES = 5 * 2**19
"""What the states of one stack may take on a processor, so that they stay in the cache."""

Alive = Bool[Tensor, "problem search"]
"""Which searches are under way."""


def solve(
    networks: AbstractNetworks, data: DataSplits, request: Request, *, progress: OnProgress = lambda share: None
) -> list[ProblemResult]:
    """Search every network for every hypothesis.

    Args:
        networks: where to look.
        data: the examples.
        request: what to look for, and how.
        progress: is told the share of the work that is done.

    Returns:
        One finding a problem: hypotheses of the first network, then of the second, and so on.

    Raises:
        InterlocusError: what cannot work, before any search begins.
    """
    request.check(networks)
    with one_thread():
        return _solve(networks, data, request, progress)


def _solve(networks: AbstractNetworks, data: DataSplits, request: Request, progress: OnProgress) -> list[ProblemResult]:
    view = SearchContext.of(networks, data, request)
    every = [(n, h) for n in range(len(networks)) for h in range(len(request.hypotheses))]
    problems = Problems(*(torch.tensor(axis, device=networks.device) for axis in zip(*every, strict=True)))
    ended: list[Ended] = []
    found: list[list[Directions]] = [[] for _ in every]
    done = 0.0
    for places in request.stages:  # those that follow others begin from what these found
        share = len(places) / len(request.search_list)
        stage = _Stage(view, problems, places, found)
        ended.append(stage.solve(lambda part, done=done, share=share: progress(done + part * share)))
        done += share
        for problem, own in enumerate(found):
            best = ended[-1].best(request, problem) if len(request.stages) > len(ended) else {}
            own += [blocks for maps in best.values() if (blocks := directions_in(maps)) is not None]
    return gather(request, problems, ended)


class _Stage:
    """Searches that begin together, from start to score.

    Args:
        view: what they look at.
        problems: what each problem is about.
        places: which of the lineup are meant.
        found: for each problem what was found before, at each size.
    """

    def __init__(
        self, view: SearchContext, problems: Problems, places: tuple[int, ...], found: Sequence[Sequence[Directions]]
    ) -> None:
        self.view, self.places, self.request = view, places, view.request
        self.featurizer = view.request.featurizer
        self.search_list = [view.request.search_list[place] for place in places]
        self.shape = len(problems.network), len(places)
        self.lot = SearchBatch(
            problems=problems,
            suffix=view.networks.suffix(self.request.site),
            mask=self._mask(),
            buffers=BufferPool(view.train.projected),
            exchange=exchange_for(linear=self.featurizer.linear),
        )
        directions = initialize(view, problems, self.search_list, self.lot.mask, found)
        parameters = self.featurizer.initialize(directions, self._activations())
        self.ledger = EarlyStopping(
            parameters,
            self._validate(State(parameters)),
            self.shape,
            self.request.budget,
            [[p for p, entry in enumerate(self.search_list) if entry.size == size] for size in self.request.sizes],
            learns_size=self.featurizer.learns_size,
        )

    def solve(self, report: OnProgress) -> Ended:
        """All phases, then the scores."""
        phases = self.request.phases if self.featurizer.trainable else ()
        total, done = sum(phase.steps for phase in phases), 0
        for number, phase in enumerate(phases):
            self.ledger.begin_phase(done)
            self._run(number, phase, lambda share, done=done, phase=phase: report((done + share * phase.steps) / total))
            done += phase.steps
        maps, _ = self.featurizer.forward(self.ledger.best, self.lot.mask)
        return Ended(places=self.places, ledger=self.ledger, maps=maps, scores=self._scores())

    def _mask(self) -> Float[Tensor, "search variable feature 1"]:
        """One up to the size of each search."""
        features = torch.tensor([self.request.features[entry.size] for entry in self.search_list])
        used = torch.arange(self.request.most) < features.repeat(self.shape[0], 1).unsqueeze(2)
        return used.unsqueeze(3).to(self.view.train.projected).contiguous()

    def _activations(self) -> list[Float[Tensor, "row width"]]:
        """For each search what its network computes on the training pool."""
        networks = self.lot.problems.network.tolist()
        return [self.view.train.activations[network] for network in networks for _ in self.search_list]

    def _stacks(self, state: State, alive: Alive | None = None) -> Iterator[Stack]:
        """The searches under way, or all of them, as many at once as fit the processor's cache; a GPU takes all."""
        alive = torch.ones(self.shape, dtype=torch.bool) if alive is None else alive
        projected = self.view.train.projected
        each = projected.shape[2] * self.request.budget.batch * 4
        most = CHUNK_BYTES // each if projected.device.type == "cpu" else alive.numel()
        return (state.cut(self.lot, rows) for rows in rectangles(alive, most))

    def _validate(self, state: State, alive: Alive | None = None) -> Float[Tensor, " row"]:
        """The validation IIA of the searches under way; of others anything."""
        iia = torch.zeros(len(state.parameters), dtype=torch.float64)
        for stack in self._stacks(state, alive):
            maps = stack.frames(self.featurizer)
            iia[stack.rows] = self.view.validation.iia(stack.interchange, maps, stack.problems)
        return iia

    def _scores(self) -> list[Score]:
        """Of all searches where they were best."""
        scores: dict[int, Score] = {}
        for stack in self._stacks(State(self.ledger.best)):
            maps = stack.frames(self.featurizer)
            own = self.view.test.scores(stack.interchange, maps, stack.problems)
            scores |= zip(stack.rows.tolist(), own, strict=True)
        return [scores[row] for row in sorted(scores)]

    def _run(self, number: int, phase: Phase, report: OnProgress) -> None:
        """One phase: every search that is neither solved nor outrun goes on from its best state.

        Stacks are put together anew after each validation, so that those that are left fill them.
        """
        ledger, every = self.ledger, self.request.budget.check_every
        cache, pool = self.view.training(phase)
        loss = LOSSES.get(phase.loss)()
        natural = Natural.of(cache, pool, self.request.hypotheses) if phase.latent else None
        state = State(ledger.best)
        for first in range(0, phase.steps, every):
            ledger.race(first)
            alive = ledger.alive
            if not alive.any():
                return
            report(1 - float(alive.float().mean()) * (1 - first / phase.steps))
            asked = self.view.batches(number, phase, first)
            steps = range(first, min(first + every, phase.steps))
            for stack in self._stacks(state, alive):
                self._move(stack, phase, loss, cache, asked, steps, natural)
                state.put(stack)
            state.count(len(steps))
            ledger.count(len(steps))
            ledger.take(state.parameters, self._validate(state, alive), steps.stop)
            self._tell(number, steps.stop)

    def _move(
        self,
        stack: Stack,
        phase: Phase,
        loss: AbstractLoss,
        cache: Cache,
        asked: Sequence[Interventions],
        steps: range,
        natural: Natural | None,
    ) -> None:
        """Some steps of a phase."""
        script = plan_batches(cache, asked, stack.problems, self.view.classes)
        codes = None if natural is None else natural.codes(asked)
        for step, batch in zip(steps, batches(cache, script), strict=False):
            rate = phase.learning_rate * (1 + math.cos(math.pi * step / phase.steps)) / 2
            beside, heat = None, 1 - step / phase.steps
            if natural is not None and codes is not None:
                now = codes[:, step - steps.start]
                beside = natural.pull(stack.interchange, stack.problems, batch, now, phase.latent)
            stack.step(
                self.featurizer, loss, batch, rate, heat=heat, temperature=phase.temperature**heat, beside=beside
            )

    def _tell(self, number: int, step: int) -> None:
        """Show a validation to who watches; the tensors are copies."""
        request, ledger = self.request, self.ledger
        if request.on_validation is None:
            return
        request.on_validation(
            Validation(
                site=request.site,
                featurizer=self.featurizer.name,
                phase=number,
                step=sum(phase.steps for phase in request.phases[:number]) + step,
                networks=tuple(self.lot.problems.network.tolist()),
                hypotheses=tuple(request.hypotheses[i].name for i in self.lot.problems.hypothesis.tolist()),
                searches=tuple(ProblemName(entry.size, entry.start.name, entry.restart) for entry in self.search_list),
                iia=ledger.last.view(self.shape).clone(),
                best=ledger.validation.view(self.shape).clone(),
                alive=ledger.alive.clone(),
            )
        )
