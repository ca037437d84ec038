"""The one training loop: many searches at once.

A *problem* is one network with one hypothesis at one site; a *search* is a problem with a size, a start and a restart.
Problems of equal shape are solved in blocks that fit the processor's cache. A block depends on what is asked only,
never on workers or on what is finished already, so results do not either. Searches that look at what others found begin
in a second stage, when these have ended.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.beginnings import Blocks, beginnings, directions_in
from interlocus.budget import Phase
from interlocus.data import Data
from interlocus.findings import Ended, gather
from interlocus.interchange import Problems, batches, lay_out
from interlocus.interchange_warp import exchange_for
from interlocus.ledger import Ledger
from interlocus.natural import Natural
from interlocus.networks import AbstractNetworks
from interlocus.registry import LOSSES
from interlocus.request import Request
from interlocus.results import Finding
from interlocus.stack import Lot, Stack
from interlocus.threads import one_thread
from interlocus.view import View
from interlocus.watching import Validation, Watched
from interlocus.workspace import Workspace

BLOCK_BYTES = 5 * 2**19
"""What the state of one block may take on a processor, so that it stays in the cache; a GPU takes all at once."""

Progress = Callable[[float], None]
"""Is told the share of the work that is done."""


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
    view = View.of(networks, data, request)
    every = [(n, h) for n in range(len(networks)) for h in range(len(request.hypotheses))]
    size = _block_size(view, request)
    findings: list[Finding] = []
    for first in range(0, len(every), size):
        chosen = every[first : first + size]
        problems = Problems(*(torch.tensor(axis, device=networks.device) for axis in zip(*chosen, strict=True)))

        def report(share: float, done: int = first, size: int = len(chosen)) -> None:
            progress((done + share * size) / len(every))

        findings += gather(request, problems, _stages(view, problems, report))
    return findings


def _block_size(view: View, request: Request) -> int:
    """How many problems are solved together."""
    if view.networks.device.type != "cpu":
        return len(view.networks) * len(request.hypotheses)
    together = max(len(stage) for stage in request.stages)
    each = together * view.train.entered.shape[2] * request.budget.batch * 4
    return max(1, BLOCK_BYTES // each)


def _stages(view: View, problems: Problems, report: Progress) -> list[Ended]:
    """All searches of some problems: those that follow others begin from what these found."""
    request, ended = view.request, []
    found: list[list[Blocks]] = [[] for _ in problems.network]
    done = 0.0
    for places in request.stages:
        share = len(places) / len(request.lineup)
        block = _Block(view, problems, places, found)
        ended.append(block.solve(lambda part, done=done, share=share: report(done + part * share)))
        done += share
        for problem, own in enumerate(found):
            best = ended[-1].best(request, problem) if len(request.stages) > len(ended) else {}
            own += [blocks for maps in best.values() if (blocks := directions_in(maps)) is not None]
    return ended


class _Block:
    """Searches of some problems that begin together, from start to score.

    Args:
        view: what they look at.
        problems: what each problem is about.
        places: which of the lineup are meant.
        found: for each problem what was found before, at each size.
    """

    def __init__(
        self, view: View, problems: Problems, places: tuple[int, ...], found: Sequence[Sequence[Blocks]]
    ) -> None:
        self.view, self.places, self.request = view, places, view.request
        self.featurizer = view.request.featurizer
        self.lineup = [view.request.lineup[place] for place in places]
        self.shape = len(problems.network), len(places)
        self.lot = Lot(
            problems=problems,
            tail=view.networks.tail(self.request.site),
            mask=self._mask(),
            workspace=Workspace(view.train.entered),
            exchange=exchange_for(linear=self.featurizer.linear),
        )
        directions = beginnings(view, problems, self.lineup, self.lot.mask, found)
        parameters = self.featurizer.begin(directions, self._activations())
        self.ledger = Ledger(
            parameters,
            self._validate(self._stack(parameters)),
            self.shape,
            self.request.budget,
            [[p for p, entry in enumerate(self.lineup) if entry.size == size] for size in self.request.sizes],
            learns_size=self.featurizer.learns_size,
        )

    def solve(self, report: Progress) -> Ended:
        """All phases, then the scores."""
        phases = self.request.phases if self.featurizer.trainable else ()
        total, done = sum(phase.steps for phase in phases), 0
        for number, phase in enumerate(phases):
            self.ledger.begin_phase(done)
            self._run(number, phase, lambda share, done=done, phase=phase: report((done + share * phase.steps) / total))
            done += phase.steps
        stack = self._stack(self.ledger.best)
        maps = stack.frames(self.featurizer)
        scores = self.view.test.scores(stack.interchange, maps, stack.problems)
        return Ended(places=self.places, ledger=self.ledger, maps=maps, scores=scores)

    def _mask(self) -> Float[Tensor, "search variable feature 1"]:
        """One up to the size of each search."""
        features = torch.tensor([self.request.features[entry.size] for entry in self.lineup])
        used = torch.arange(self.request.most) < features.repeat(self.shape[0], 1).unsqueeze(2)
        return used.unsqueeze(3).to(self.view.train.entered).contiguous()

    def _activations(self) -> list[Float[Tensor, "row width"]]:
        """For each search what its network computes on the training pool."""
        networks = self.lot.problems.network.tolist()
        return [self.view.train.activations[network] for network in networks for _ in self.lineup]

    def _stack(self, parameters: Float[Tensor, " search *shape"]) -> Stack:
        """All searches of the block."""
        every = torch.ones(self.shape, dtype=torch.bool)
        return Stack(self.lot, parameters, every, every)

    def _validate(self, stack: Stack) -> Float[Tensor, " search"]:
        return self.view.validation.iia(stack.interchange, stack.frames(self.featurizer), stack.problems)

    def _run(self, number: int, phase: Phase, report: Progress) -> None:
        """One phase: every search that is neither solved nor outrun goes on from its best state."""
        ledger, loss, every = self.ledger, LOSSES.get(phase.loss)(), self.request.budget.check_every
        cache, pool = self.view.training(phase)
        natural = Natural.of(cache, pool, self.request.hypotheses) if phase.latent else None
        stack = self._stack(ledger.best)
        for first in range(0, phase.steps, every):
            ledger.race(first)
            stack = stack.shrink(ledger.alive)
            if stack is None:
                return
            report(1 - float(ledger.alive.float().mean()) * (1 - first / phase.steps))
            asked = self.view.batches(number, phase, first)
            script = lay_out(cache, asked, stack.problems, self.view.classes)
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
                searches=tuple(Watched(entry.size, entry.start.name, entry.restart) for entry in self.lineup),
                iia=ledger.last.view(self.shape).clone(),
                best=ledger.validation.view(self.shape).clone(),
                alive=ledger.alive.clone(),
            )
        )
