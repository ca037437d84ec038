"""The one training loop: many searches at once.

A *problem* is one network with one hypothesis at one site; a *search* is a problem with a size, a start and a restart.
Problems of equal shape are solved in blocks that fit the processor's cache. A block depends on what is asked only,
never on workers or on what is finished already, so results do not either.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.budget import Budget, Phase, check_phases
from interlocus.causal import Hypothesis
from interlocus.counterfactuals import Interventions, Pool, check_sampling, draw, shuffled
from interlocus.data import Data
from interlocus.errors import SpecificationError
from interlocus.featurizers import AbstractFeaturizer, Frames, check_width, in_use
from interlocus.held_out import HeldOut, NeuronJudge
from interlocus.interchange import Cache, Problems, batches, lay_out, look
from interlocus.interchange_warp import exchange_for
from interlocus.ledger import Ledger
from interlocus.natural import Natural
from interlocus.networks import AbstractNetworks
from interlocus.registry import LOSSES
from interlocus.results import Attempt, Attempts, Finding, Outcome
from interlocus.seeds import stream
from interlocus.slopes import slopes
from interlocus.stack import Lot, Stack
from interlocus.starts import AbstractStart, Sight, coded
from interlocus.threads import one_thread
from interlocus.watching import Validation, Watch, Watched
from interlocus.workspace import Workspace

BLOCK_BYTES = 5 * 2**19
"""What the state of one block may take on a processor, so that it stays in the cache; a GPU takes all at once."""

JUDGED = 1024
"""Interventions on which sets of neurons are held against each other."""

Progress = Callable[[float], None]
"""Is told the share of the work that is done."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked of the engine at one site.

    Args:
        site: where.
        hypotheses: what for; all with equally many variables.
        sizes: features a variable, each of which is searched.
        featurizer: the class of maps.
        starts: where searches begin, and how many of each.
        phases: how they go on.
        budget: how much they may cost.
        seed: decides on everything that is drawn.
        shuffle: learn and choose by labels that belong to other interventions, and score by the true ones: a control.
        watch: is shown every validation.
    """

    site: str
    hypotheses: tuple[Hypothesis, ...]
    sizes: tuple[int, ...]
    featurizer: AbstractFeaturizer
    starts: tuple[tuple[AbstractStart, int], ...]
    phases: tuple[Phase, ...]
    budget: Budget
    seed: int
    shuffle: bool = False
    watch: Watch | None = None

    @property
    def variables(self) -> int:
        """How many variables each hypothesis has."""
        return len(self.hypotheses[0].variables)

    @cached_property
    def lineup(self) -> tuple[tuple[int, AbstractStart, int], ...]:
        """Size, start and restart of each search of a problem."""
        return tuple(
            (size, start, restart) for size in self.sizes for start, count in self.starts for restart in range(count)
        )

    def check(self, networks: AbstractNetworks) -> None:
        """Say what cannot work before anything is spent.

        Raises:
            UnknownNameError: the networks have no such site.
            SpecificationError: hypotheses of unequal shape, no start, or sizes that do not fit the site.
        """
        width = networks.width(self.site)
        check_phases(self.phases)
        for phase, hypothesis in itertools.product(self.phases, self.hypotheses):
            check_sampling(hypothesis, phase.sampling)
        if len({len(hypothesis.variables) for hypothesis in self.hypotheses}) != 1 or not self.lineup:
            raise SpecificationError(
                f"{len(self.hypotheses)} hypotheses, {len(self.sizes)} sizes and {len(self.starts)} starts are asked.",
                "Searches that are stacked have equally many variables, and at least one size and start.",
                "Ask for hypotheses with different numbers of variables one by one.",
            )
        check_width(self.featurizer, self.site, width)
        for size in self.sizes:
            if size < 1 or size * self.variables > width:
                raise SpecificationError(
                    f"Size {size} is asked for each of {self.variables} variables at {self.site!r}, {width} wide.",
                    f"Together they take {size * self.variables} directions, and each needs at least one.",
                    f"Ask for sizes from 1 to {width // self.variables}.",
                )


def solve(
    networks: AbstractNetworks, data: Data, request: Request, *, progress: Progress = lambda share: None
) -> list[Finding]:
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


def _solve(networks: AbstractNetworks, data: Data, request: Request, progress: Progress) -> list[Finding]:
    sight = _Sight.of(networks, data, request)
    every = [(n, h) for n in range(len(networks)) for h in range(len(request.hypotheses))]
    size = _block_size(sight, request)
    findings: list[Finding] = []
    for first in range(0, len(every), size):
        chosen = every[first : first + size]
        problems = Problems(*(torch.tensor(axis, device=networks.device) for axis in zip(*chosen, strict=True)))

        def report(share: float, done: int = first, size: int = len(chosen)) -> None:
            progress((done + share * size) / len(every))

        findings += _Block(sight, request, problems).solve(report)
    return findings


@dataclass(frozen=True, kw_only=True)
class _Sight:
    """What all blocks of a request look at."""

    networks: AbstractNetworks
    data: Data
    train: Cache
    pairs: Cache | None
    validation: HeldOut
    test: HeldOut

    @classmethod
    def of(cls, networks: AbstractNetworks, data: Data, request: Request) -> _Sight:
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
            train=look(networks, request.site, data.train),
            pairs=look(networks, request.site, data.pairs) if wants_pairs else None,
            validation=held_out(data.validation, "validation", request.budget.validation),
            test=held_out(data.test, "test", request.budget.test),
        )

    def judge(self, network: int, number: int, request: Request) -> NeuronJudge:
        """Says how good sets of neurons are for a problem, on interventions on the training pool."""
        return NeuronJudge(
            networks=self.networks,
            site=request.site,
            network=network,
            cache=self.train,
            asked=draw(
                self.data.train,
                request.hypotheses[number],
                shape=(1, JUDGED),
                generator=stream(request.seed, "neurons", request.hypotheses[number].name),
            ),
            classes=self.test.own.shape[1],
        )

    def training(self, phase: Phase) -> tuple[Cache, Pool]:
        """What a phase draws its interventions from."""
        if phase.sampling == "minimal_pairs":
            assert self.pairs is not None
            return self.pairs, self.data.pairs
        return self.train, self.data.train


def _block_size(sight: _Sight, request: Request) -> int:
    """How many problems are solved together."""
    if sight.networks.device.type != "cpu":
        return len(sight.networks) * len(request.hypotheses)
    each = len(request.lineup) * sight.train.entered.shape[2] * request.budget.batch * 4
    return max(1, BLOCK_BYTES // each)


class _Block:
    """The searches of some problems, from start to score."""

    def __init__(self, sight: _Sight, request: Request, problems: Problems) -> None:
        self.sight, self.request, self.featurizer = sight, request, request.featurizer
        self.shape = len(problems.network), len(request.lineup)
        self.lot = Lot(
            problems=problems,
            tail=sight.networks.tail(request.site),
            mask=self._mask(),
            workspace=Workspace(sight.train.entered),
            exchange=exchange_for(linear=self.featurizer.linear),
        )
        parameters = self.featurizer.begin(self._directions(), self._activations())
        begin = self._validate(self._stack(parameters))
        self.ledger = Ledger(parameters, begin, self.shape, request.budget, learns_size=self.featurizer.learns_size)

    def solve(self, report: Progress) -> list[Finding]:
        """All phases, then the scores."""
        phases = self.request.phases if self.featurizer.trainable else ()
        total, done = sum(phase.steps for phase in phases), 0
        for number, phase in enumerate(phases):
            self._run(number, phase, lambda share, done=done, phase=phase: report((done + share * phase.steps) / total))
            done += phase.steps
        return self._findings()

    def _mask(self) -> Float[Tensor, "search variable feature 1"]:
        """One up to the size of each search."""
        sizes = torch.tensor([size for size, _, _ in self.request.lineup]).repeat(self.shape[0])
        used = torch.arange(max(self.request.sizes)) < sizes[:, None]
        mask = used[:, None, :, None].expand(-1, self.request.variables, -1, -1)
        return mask.to(self.sight.train.entered).contiguous()

    def _directions(self) -> Float[Tensor, "search variable feature width"]:
        """Where each search begins."""
        mask, request, train = self.lot.mask, self.request, self.sight.train.activations
        directions = torch.zeros(*mask.shape[:3], train.shape[2], dtype=mask.dtype, device=mask.device)
        row = 0
        for network, number in zip(*(axis.tolist() for axis in self.lot.problems), strict=True):
            hypothesis = request.hypotheses[number]
            pool = self.sight.data.train
            rows = pool.examples(hypothesis)
            values = torch.stack([coded(pool.values[name][rows]) for name in hypothesis.variables])
            if request.shuffle:  # a start that looks at values must not know the true ones either
                values = values[:, torch.randperm(values.shape[1], generator=stream(request.seed, "shuffled values"))]
            sight = Sight(
                activations=train[network, rows],
                values=values,
                slopes=lambda count, network=network, rows=rows: self._slopes(network, rows, count),
                judge=self.sight.judge(network, number, request),
            )
            about = self.sight.networks[network].fingerprint(), request.site, hypothesis.name
            for size, start, restart in request.lineup:
                generator = stream(request.seed, "start", start.name, *about, size, restart)
                blocks = start.directions(sight, (size,) * request.variables, generator)
                for v, block in enumerate(blocks):
                    directions[row, v, :size] = block
                row += 1
        return directions

    def _slopes(self, network: int, rows: slice, count: int) -> Float[Tensor, "class row width"]:
        """The gradient of each logit with respect to the activations of the first of some rows."""
        start = rows.start or 0
        first = slice(start, start + count)
        return slopes(self.lot.tail, self.sight.train, network, first, self.sight.test.own.shape[1])

    def _activations(self) -> list[Float[Tensor, "row width"]]:
        """For each search what its network computes on the training pool."""
        networks = self.lot.problems.network.tolist()
        return [self.sight.train.activations[network] for network in networks for _ in self.request.lineup]

    def _stack(self, parameters: Float[Tensor, " search *shape"]) -> Stack:
        """All searches of the block."""
        every = torch.ones(self.shape, dtype=torch.bool)
        return Stack(self.lot, parameters, every, every)

    def _validate(self, stack: Stack) -> Float[Tensor, " search"]:
        return self.sight.validation.iia(stack.interchange, stack.frames(self.featurizer), stack.problems)

    def _run(self, number: int, phase: Phase, report: Progress) -> None:
        """One phase: every search that is not solved goes on from its best state."""
        ledger, loss, every = self.ledger, LOSSES.get(phase.loss)(), self.request.budget.check_every
        cache, pool = self.sight.training(phase)
        natural = Natural.of(cache, pool, self.request.hypotheses) if phase.latent else None
        ledger.begin_phase()
        stack = self._stack(ledger.best).shrink(ledger.alive)
        for first in range(0, phase.steps, every):
            if stack is None:
                return
            report(1 - float(ledger.alive.float().mean()) * (1 - first / phase.steps))
            asked = self._draw(number, phase, pool, first)
            script = lay_out(cache, asked, stack.problems, self.sight.test.own.shape[1])
            codes = None if natural is None else natural.codes(asked)
            last = min(first + every, phase.steps)
            for step, batch in zip(range(first, last), batches(cache, script), strict=False):
                rate = phase.learning_rate * (1 + math.cos(math.pi * step / phase.steps)) / 2
                beside, heat = None, 1 - step / phase.steps
                if natural is not None and codes is not None:
                    now = codes[:, step - first]
                    beside = natural.pull(stack.interchange, stack.problems, batch, now, phase.latent)
                stack.step(
                    self.featurizer, loss, batch, rate, heat=heat, temperature=phase.temperature**heat, beside=beside
                )
                ledger.count(stack)
            ledger.take(stack, self._validate(stack), last)
            self._tell(number, last)
            stack = stack.shrink(ledger.alive)

    def _tell(self, number: int, step: int) -> None:
        """Show a validation to who watches; the tensors are copies."""
        request, ledger = self.request, self.ledger
        if request.watch is None:
            return
        request.watch(
            Validation(
                site=request.site,
                featurizer=self.featurizer.name,
                phase=number,
                step=sum(phase.steps for phase in request.phases[:number]) + step,
                networks=tuple(self.lot.problems.network.tolist()),
                hypotheses=tuple(request.hypotheses[i].name for i in self.lot.problems.hypothesis.tolist()),
                searches=tuple(Watched(size, start.name, restart) for size, start, restart in request.lineup),
                iia=ledger.last.view(self.shape).clone(),
                best=ledger.validation.view(self.shape).clone(),
                alive=ledger.alive.clone(),
            )
        )

    def _draw(self, number: int, phase: Phase, pool: Pool, step: int) -> list[Interventions]:
        """The batches until the next validation, for each hypothesis."""
        budget, seed = self.request.budget, self.request.seed
        asked = []
        for hypothesis in self.request.hypotheses:
            about = number, hypothesis.name, step
            drawn = draw(
                pool,
                hypothesis,
                shape=(budget.check_every, budget.batch),
                sampling=phase.sampling,
                generator=stream(seed, "batches", *about),
            )
            asked.append(shuffled(drawn, stream(seed, "shuffled", *about)) if self.request.shuffle else drawn)
        return asked

    def _findings(self) -> list[Finding]:
        ledger, request = self.ledger, self.request
        stack = self._stack(ledger.best)
        frames = stack.frames(self.featurizer)
        score = self.sight.test.scores(stack.interchange, frames, stack.problems)
        chosen = _of_choice(frames) if self.featurizer.learns_size else [None] * len(ledger.outcome)
        attempts = [
            Attempt(
                start=start.name,
                restart=restart,
                begin=float(ledger.begin[row]),
                validation=float(ledger.validation[row]),
                last=float(ledger.last[row]),
                steps=int(ledger.steps[row]),
                outcome=chosen[row] or ledger.outcome[row],
                score=score[row],
            )
            for row, (_, start, restart) in enumerate(request.lineup * self.shape[0])
        ]
        findings = []
        for problem, (network, number) in enumerate(zip(*(axis.tolist() for axis in self.lot.problems), strict=True)):
            first = problem * self.shape[1]
            sizes = [_of_size(request.lineup, attempts[first : first + self.shape[1]], size) for size in request.sizes]
            kept = [frames.of(first + place) for _, place, _ in sizes]
            findings.append(
                Finding(
                    network=network,
                    hypothesis=request.hypotheses[number].name,
                    sizes=tuple(entry for _, _, entry in sizes),
                    frames=tuple(kept),
                )
            )
        return findings


def _of_choice(frames: Frames) -> list[Outcome | None]:
    """For each search whether the features that were chosen are none, or all of the site for one variable."""
    counts = in_use(frames).sum(2)
    none, every = (counts == 0).all(1).tolist(), (counts == frames.read.shape[3]).any(1).tolist()
    return ["empty" if empty else "full" if full else None for empty, full in zip(none, every, strict=True)]


def _of_size(
    lineup: Sequence[tuple[int, AbstractStart, int]], attempts: Sequence[Attempt], size: int
) -> tuple[int, int, Attempts]:
    """The size, the place of its best search by validation in the lineup, and its searches."""
    places = [place for place, entry in enumerate(lineup) if entry[0] == size]
    best = max(places, key=lambda place: attempts[place].validation)
    entry = Attempts(size=size, attempts=tuple(attempts[place] for place in places), chosen=places.index(best))
    return size, best, entry
