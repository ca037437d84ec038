"""The one training loop: many searches at once.

A *problem* is one network with one hypothesis at one site; a *search* is a problem with a size, a start and a restart.
Problems of equal shape are solved in blocks that fit the processor's cache. A block depends on what is asked only, never
on workers or on what is finished already, so results do not either.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interlocus.budget import Budget, Phase
from interlocus.causal import Hypothesis
from interlocus.counterfactuals import Interventions, Pool, draw
from interlocus.data import Data
from interlocus.errors import SpecificationError
from interlocus.featurizers import AbstractFeaturizer, Frames
from interlocus.interchange import Batch, Cache, Interchange, Problems, gather, is_right, look
from interlocus.losses import AbstractLoss, gradient
from interlocus.metrics import Score, group, scores
from interlocus.networks import AbstractNetworks
from interlocus.registry import LOSSES
from interlocus.results import Attempt, Attempts, Finding, Outcome
from interlocus.seeds import stream
from interlocus.starts import AbstractStart, Sight
from interlocus.workspace import Workspace

BLOCK_BYTES = 2**20
"""What the state of one block may take on a processor, so that it stays in the cache; a GPU takes everything at once."""
BETAS = (0.9, 0.999)
EPSILON = 1e-8

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
    """

    site: str
    hypotheses: tuple[Hypothesis, ...]
    sizes: tuple[int, ...]
    featurizer: AbstractFeaturizer
    starts: tuple[tuple[AbstractStart, int], ...]
    phases: tuple[Phase, ...]
    budget: Budget
    seed: int

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
        if len({len(hypothesis.variables) for hypothesis in self.hypotheses}) != 1 or not self.lineup:
            raise SpecificationError(
                f"{len(self.hypotheses)} hypotheses, {len(self.sizes)} sizes and {len(self.starts)} starts are asked for together.",
                "Searches that are stacked have equally many variables, and at least one size and start.",
                "Ask for them one by one.",
            )
        for size in self.sizes:
            if size < 1 or size * self.variables > width:
                raise SpecificationError(
                    f"Size {size} is asked for each of {self.variables} variables at site {self.site!r}, which is {width} wide.",
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
    sight = _Sight.of(networks, data, request)
    every = [(n, h) for n in range(len(networks)) for h in range(len(request.hypotheses))]
    block = _block_size(sight, request)
    findings: list[Finding] = []
    for first in range(0, len(every), block):
        chosen = every[first : first + block]
        problems = Problems(*(torch.tensor(axis, device=sight.device) for axis in zip(*chosen, strict=True)))

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
    validation: Cache
    test: Cache

    @classmethod
    def of(cls, networks: AbstractNetworks, data: Data, request: Request) -> _Sight:
        wants_pairs = any(phase.sampling == "minimal_pairs" for phase in request.phases)
        return cls(
            networks=networks,
            data=data,
            train=look(networks, request.site, data.train),
            pairs=look(networks, request.site, data.pairs) if wants_pairs else None,
            validation=look(networks, request.site, data.validation),
            test=look(networks, request.site, data.test),
        )

    @property
    def device(self) -> torch.device:
        return self.train.activations.device

    def training(self, phase: Phase) -> tuple[Cache, Pool]:
        """What a phase draws its interventions from."""
        if phase.sampling == "minimal_pairs":
            assert self.pairs is not None
            return self.pairs, self.data.pairs
        return self.train, self.data.train


def _block_size(sight: _Sight, request: Request) -> int:
    """How many problems are solved together."""
    if sight.device.type != "cpu":
        return len(sight.networks) * len(request.hypotheses)
    each = len(request.lineup) * sight.train.entered.shape[2] * request.budget.batch * 4
    return max(1, BLOCK_BYTES // each)


class _Block:
    """The searches of some problems, from start to score. Axes are `[problem, search]`, flattened in this order."""

    def __init__(self, sight: _Sight, request: Request, problems: Problems) -> None:
        self.sight, self.request, self.problems = sight, request, problems
        self.tail = sight.networks.tail(request.site)
        self.classes = sight.networks(sight.data.test.inputs[:1].to(sight.device)).shape[2]
        self.workspace = Workspace(sight.train.entered)
        self.shape = len(problems.network), len(request.lineup)
        self.mask = self._mask()
        self.best = request.featurizer.begin(self._directions())
        count = self.shape[0] * self.shape[1]
        self.begin = torch.full((count,), -1.0, dtype=torch.float64)
        self.validation = torch.full((count,), -1.0, dtype=torch.float64)
        self.steps = torch.zeros(count, dtype=torch.long)
        self.outcome: list[Outcome] = ["budget"] * count

    def solve(self, report: Progress) -> list[Finding]:
        phases = self.request.phases if self.request.featurizer.trainable else ()
        self._validate_starts()
        total = sum(phase.steps for phase in phases)
        done = 0
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
        width = self.sight.train.activations.shape[2]
        directions = torch.zeros(*self.mask.shape[:3], width, dtype=self.mask.dtype, device=self.mask.device)
        row = 0
        for network, number in zip(*(axis.tolist() for axis in self.problems), strict=True):
            hypothesis = self.request.hypotheses[number]
            values = torch.stack([self.sight.data.train.values[name] for name in hypothesis.variables])
            sight = Sight(activations=self.sight.train.activations[network], values=values)
            fingerprint = self.sight.networks[network].fingerprint()
            for size, start, restart in self.request.lineup:
                generator = stream(
                    self.request.seed, "start", start.name, fingerprint, self.request.site, hypothesis.name, size, restart
                )
                blocks = start.directions(sight, (size,) * self.request.variables, generator)
                for v, block in enumerate(blocks):
                    directions[row, v, :size] = block
                row += 1
        return directions

    def _run(self, number: int, phase: Phase, report: Progress) -> None:
        """One phase: every search that is not solved goes on from its best state."""
        budget, featurizer = self.request.budget, self.request.featurizer
        loss: AbstractLoss = LOSSES.get(phase.loss)()
        alive = (self.validation < budget.solved).view(self.shape)
        for search in (~alive).flatten().nonzero().flatten().tolist():
            self.outcome[search] = "solved"
        mark, marked = self.validation.clone(), torch.zeros_like(self.steps)
        stack = _Stack.of(self, self.best, alive) if alive.any() else None
        for step in range(phase.steps):
            if stack is None:
                break
            if step % budget.check_every == 0:
                if step:
                    alive = self._check(stack, alive, mark, marked, step)
                    stack = stack.shrink(self, alive)
                    report(1 - float(alive.float().mean()) * (1 - step / phase.steps))
                    if stack is None:
                        break
                cache, pool = self.sight.training(phase)
                asked = [
                    draw(
                        pool, hypothesis, shape=(budget.check_every, budget.batch), sampling=phase.sampling,
                        generator=stream(self.request.seed, "batches", number, hypothesis.name, step),
                    )
                    for hypothesis in self.request.hypotheses
                ]  # fmt: skip
            batch = gather(cache, [chunk[step % budget.check_every] for chunk in asked], stack.problems, self.classes)
            rate = phase.learning_rate * (1 + math.cos(math.pi * step / phase.steps)) / 2
            stack.step(featurizer, loss, batch, rate)
            self.steps[stack.rows] += 1
        if stack is not None:
            self._check(stack, alive, mark, marked, phase.steps)

    def _validate_starts(self) -> None:
        every = torch.ones(self.shape, dtype=torch.bool)
        stack = _Stack.of(self, self.best, every)
        self.begin = self._validated(stack)
        self.validation = self.begin.clone()

    def _check(
        self, stack: _Stack, alive: Bool[Tensor, "problem search"], mark: Tensor, marked: Tensor, step: int
    ) -> Bool[Tensor, "problem search"]:
        """Validate, keep what is better, and retire what is solved or does not move. Returns who goes on."""
        budget, rows = self.request.budget, stack.rows
        iia = torch.full_like(self.validation, -1.0)
        iia[rows] = self._validated(stack)
        going = alive.flatten()
        better = going & (iia > self.validation)
        position = torch.empty_like(self.steps)
        position[rows] = torch.arange(len(rows))
        self.best[better] = stack.parameters[position[better]]
        self.validation[better] = iia[better]
        moved = going & (iia >= mark + budget.gain)
        mark[moved], marked[moved] = iia[moved], step
        finite = torch.ones_like(going)
        finite[rows] = torch.isfinite(stack.parameters.flatten(1)).all(1).cpu()
        ends: tuple[tuple[Outcome, Tensor], ...] = (
            ("plateau", step - marked >= budget.patience),
            ("diverged", ~finite),
            ("solved", self.validation >= budget.solved),
        )
        retired = torch.zeros_like(going)
        for outcome, ended in ends:
            retired |= ended
            for search in (going & ended).nonzero().flatten().tolist():
                self.outcome[search] = outcome
        return (going & ~retired).view(self.shape)

    def _validated(self, stack: _Stack) -> Float[Tensor, " search"]:
        """IIA of the searches of a stack on validation interventions, which are the same for all restarts."""
        right = torch.zeros(len(stack.rows), dtype=torch.float64)
        asked = self._held_out("validation", self.request.budget.validation)
        for part in asked:
            batch = gather(self.sight.validation, part, stack.problems, self.classes)
            right += is_right(stack.logits(self.request.featurizer, batch), batch.one_hot).sum(2).flatten().cpu()
        return right / sum(part[0].base.shape[0] for part in asked)

    def _held_out(self, split: str, count: int) -> list[list[Interventions]]:
        """Interventions on held-out examples, for each hypothesis, in batches of the size that training has."""
        pool: Pool = getattr(self.sight.data, split)
        batch = min(self.request.budget.batch, count)
        drawn = [
            draw(pool, h, shape=(-(-count // batch), batch), generator=stream(self.request.seed, split, h.name))
            for h in self.request.hypotheses
        ]
        return [[chunk[i] for chunk in drawn] for i in range(len(drawn[0].base))]

    def _scores(self) -> list[Score]:
        """The score of every search in its best state, on test interventions."""
        stack = _Stack.of(self, self.best, torch.ones(self.shape, dtype=torch.bool))
        test, pool = self.sight.test, self.sight.data.test
        own = _one_hot_answers(self.sight.networks, pool)
        asked = self._held_out("test", self.request.budget.test)
        right, changed = [], []
        for part in asked:
            batch = gather(test, part, stack.problems, self.classes)
            logits = stack.logits(self.request.featurizer, batch)
            bases = torch.stack([one.base for one in part]).to(self.sight.device)
            before = own[stack.problems.network[:, None], :, bases[stack.problems.hypothesis]].transpose(1, 2)
            right.append(is_right(logits, batch.one_hot).float().cpu())
            changed.append((~is_right(logits, before.unsqueeze(1))).float().cpu())
        groupings = [
            [group(hypothesis, part[number], pool) for part in asked]
            for number, hypothesis in enumerate(self.request.hypotheses)
        ]
        result: list[Score] = []
        for problem, number in enumerate(self.problems.hypothesis.tolist()):
            whole = groupings[number][0]._replace(one_hot=torch.cat([g.one_hot for g in groupings[number]]))
            result += scores(whole, torch.cat([r[problem] for r in right], 1), torch.cat([c[problem] for c in changed], 1))
        return result

    def _findings(self) -> list[Finding]:
        frames, _ = self.request.featurizer.frames(self.best, self.mask)
        score = self._scores()
        attempts = [
            Attempt(
                start=start.name, restart=restart, begin=float(self.begin[row]), validation=float(self.validation[row]),
                steps=int(self.steps[row]), outcome=self.outcome[row], score=score[row],
            )
            for row, (_, start, restart) in enumerate(self.request.lineup * self.shape[0])
        ]  # fmt: skip
        findings = []
        for problem, (network, number) in enumerate(zip(*(axis.tolist() for axis in self.problems), strict=True)):
            sizes, kept = [], []
            for size in self.request.sizes:
                rows = [
                    problem * self.shape[1] + place for place, entry in enumerate(self.request.lineup) if entry[0] == size
                ]
                best = max(rows, key=lambda row: self.validation[row])
                kept.append(Frames(*(part[best, :, :size].cpu().clone() for part in frames)))
                sizes.append(Attempts(size=size, attempts=tuple(attempts[row] for row in rows), chosen=rows.index(best)))
            hypothesis = self.request.hypotheses[number].name
            findings.append(Finding(network=network, hypothesis=hypothesis, sizes=tuple(sizes), frames=tuple(kept)))
        return findings


class _Stack:
    """Searches that are still under way, with the state of their optimiser (Adam)."""

    def __init__(
        self, rows: Int[Tensor, " search"], problems: Problems, parameters: Tensor, interchange: Interchange, mask: Tensor
    ) -> None:
        self.rows, self.problems, self.parameters = rows, problems, parameters
        self.interchange, self.mask = interchange, mask
        self.mean, self.square = torch.zeros_like(parameters), torch.zeros_like(parameters)
        self.count = 0

    @classmethod
    def of(
        cls,
        block: _Block,
        parameters: Tensor,
        alive: Bool[Tensor, "problem search"],
        among: Bool[Tensor, "problem search"] | None = None,
    ) -> _Stack:
        """A stack with the parameters of the searches that are alive."""
        kept, rows = _rectangle(alive, torch.ones_like(alive) if among is None else among)
        problems = Problems(*(axis[kept.to(axis.device)] for axis in block.problems))
        network = problems.network.repeat_interleave(rows.shape[1])
        interchange = Interchange(
            entry=block.tail.entry[problems.network], rest=block.tail.rest(network), workspace=block.workspace
        )
        rows = rows.flatten()
        return cls(rows, problems, parameters[rows].clone(), interchange, block.mask[rows])

    def shrink(self, block: _Block, alive: Bool[Tensor, "problem search"]) -> _Stack | None:
        """The same without searches that are retired; nothing where all are."""
        if not alive.any():
            return None
        present = torch.zeros_like(alive)
        present.view(-1)[self.rows] = True
        if _rectangle(alive, present)[1].numel() == len(self.rows):
            return self
        position = torch.empty(alive.numel(), dtype=torch.long)
        position[self.rows] = torch.arange(len(self.rows))
        parameters = torch.empty(alive.numel(), *self.parameters.shape[1:], dtype=self.mean.dtype, device=self.mean.device)
        parameters[self.rows] = self.parameters
        smaller = _Stack.of(block, parameters, alive, present)
        kept = position[smaller.rows]
        smaller.mean, smaller.square, smaller.count = self.mean[kept], self.square[kept], self.count
        return smaller

    def step(self, featurizer: AbstractFeaturizer, loss: AbstractLoss, batch: Batch, rate: float) -> None:
        """One step of Adam on every search by itself."""
        frames, saved = featurizer.frames(self.parameters, self.mask)
        logits, way = self.interchange.forward(frames, batch)
        slope = gradient(loss, logits, batch.one_hot, self.interchange.workspace)
        pulled = featurizer.pull(self.parameters, saved, self.interchange.backward(frames, batch, way, slope))
        self.count += 1
        self.mean.lerp_(pulled, 1 - BETAS[0])
        self.square.mul_(BETAS[1]).addcmul_(pulled, pulled, value=1 - BETAS[1])
        scale = (self.square / (1 - BETAS[1] ** self.count)).sqrt_().add_(EPSILON)
        moved = torch.addcdiv(self.parameters, self.mean, scale, value=-rate / (1 - BETAS[0] ** self.count))
        self.parameters = featurizer.constrain(moved)

    def logits(self, featurizer: AbstractFeaturizer, batch: Batch) -> Float[Tensor, "problem search class batch"]:
        """What the networks say after the interchange."""
        frames, _ = featurizer.frames(self.parameters, self.mask)
        return self.interchange.forward(frames, batch)[0]


def _rectangle(
    alive: Bool[Tensor, "problem search"], among: Bool[Tensor, "problem search"]
) -> tuple[Int[Tensor, " kept"], Int[Tensor, "kept each"]]:
    """Problems with searches under way, and for each equally many of its searches.

    Where a problem has fewer under way than another, retired ones out of `among` fill the rectangle up; nobody looks at
    them again.
    """
    kept = alive.any(1).nonzero().flatten()
    each = int(alive.sum(1).max())
    rank = 2 - among[kept].int() - alive[kept].int()
    order = rank.argsort(dim=1, stable=True)[:, :each]
    return kept, kept[:, None] * alive.shape[1] + order


def _one_hot_answers(networks: AbstractNetworks, pool: Pool) -> Float[Tensor, "network class row"]:
    """What each network says of each example without intervention."""
    with torch.no_grad():
        logits = networks(pool.inputs.to(networks.device))
    return torch.nn.functional.one_hot(logits.argmax(2), logits.shape[2]).transpose(1, 2).to(logits)
