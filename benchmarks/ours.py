"""Our side: the one place in which the benchmarks touch what is inside the package."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

import torch

import interlocus as il
from interlocus.alignment.interchange.cache import Problems, batches, cache_activations, plan_batches
from interlocus.alignment.interchange.losses import CrossEntropy
from interlocus.causal.examples import Examples
from interlocus.causal.interventions import Interventions, counterfactual_labels, draw
from interlocus.core.linalg import BufferPool
from interlocus.core.random import derived_generator
from interlocus.featurizers import Rotation
from interlocus.networks import MLP
from interlocus.searches.chunks import Chunk, SearchBatch
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality(item_width=4)
SITE = "layer1"
SCRIPT = 16
"""Steps that are laid out together and gone through again and again."""

Kind = Literal["single", "double", "thirds"]


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What one step is made of.

    Args:
        searches: in the stack, all of one network.
        batch: interventions a step.
        width: of the network's hidden layers.
        size: features a variable.
        pool: inputs from which interventions are drawn.
        kind: one variable is swapped in every row, two from two sources in every row, or equal thirds of
            left, right and both.
    """

    searches: int = 64
    batch: int = 256
    width: int = 16
    size: int = 8
    pool: int = 65_536
    kind: Kind = "thirds"

    @property
    def variables(self) -> int:
        """How many are searched."""
        return 1 if self.kind == "single" else 2

    @property
    def _shares(self) -> tuple[float, float]:
        """Multiplications a row of the exchange and of the layers behind it, forward."""
        share = 2 / 3 if self.kind == "thirds" else 1
        exchange = self.variables * self.size * 2 * self.width * share
        return exchange, self.width * self.width + self.width * TASK.classes

    @property
    def flops(self) -> float:
        """Operations of the products a step cannot do without.

        The exchange takes two products forward and three backward, the layers behind it as many backward as forward,
        for their weights are fixed.
        """
        exchange, rest = self._shares
        return 2 * self.searches * self.batch * (2.5 * exchange + 2 * rest)

    @property
    def usual_flops(self) -> float:
        """The usual count, three times the forward products; higher, for it includes gradients of fixed weights."""
        return 3 * 2 * self.searches * self.batch * sum(self._shares)


def counterfactuals(count: int, batch: int, *, seed: int) -> Interventions:
    """A fresh pool, its causal values, and as many interventions."""
    pool = TASK.draw_examples(count, split="train", generator=derived_generator(seed, "pool"))
    return draw(pool, TASK.hypothesis("both"), shape=(count // batch, batch), generator=derived_generator(seed, "draw"))


def _ask(pool: Examples, shape: Shape) -> Interventions:
    hypothesis = TASK.hypothesis("left" if shape.kind == "single" else "both")
    steps = (SCRIPT, shape.batch)
    if shape.kind != "double":
        return draw(pool, hypothesis, shape=steps, generator=derived_generator(1))
    base, *sources = torch.randint(pool.count, (3, *steps), generator=derived_generator(1))
    both = torch.stack(sources)
    everywhere = slice(0, shape.batch)
    labels = counterfactual_labels(pool, hypothesis, base, both)
    return Interventions(base=base, sources=both, labels=labels, places=(everywhere, everywhere))


class Stepper:
    """A stack of searches that makes one step when it is told to, gather included."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        network = MLP.untrained(TASK, hidden=(shape.width,) * 3, count=1)
        pool = TASK.draw_examples(shape.pool, split="train", generator=derived_generator(0))
        self._cache = cache_activations(network, SITE, pool)
        one = torch.zeros(1, dtype=torch.long)
        problems = Problems(network=one, hypothesis=one)
        rows = shape.variables * shape.size
        begin = torch.linalg.qr(torch.randn(shape.searches, shape.width, rows, generator=derived_generator(2))).Q
        mask = torch.ones(shape.searches, shape.variables, shape.size, 1)
        lot = SearchBatch(problems=problems, suffix=network.suffix(SITE), mask=mask, buffers=BufferPool(mask))
        self._stack = Chunk(lot, torch.arange(shape.searches).unsqueeze(0), begin.transpose(1, 2).contiguous())
        self._script = plan_batches(self._cache, [_ask(pool, shape)], problems, TASK.classes)
        self._featurizer, self._loss = Rotation(), CrossEntropy()
        rounds = (batches(self._cache, self._script) for _ in itertools.count())
        self._batches = itertools.chain.from_iterable(rounds)

    def step(self) -> None:
        """One step of every search."""
        self._stack.step(self._featurizer, self._loss, next(self._batches), 1e-3)

    def steps(self, count: int) -> None:
        """Several steps."""
        for _ in range(count):
            self.step()


def score(alignment: il.Alignment, network: MLP) -> float:
    """IIA on fresh items; used to judge both sides alike."""
    return il.evaluate(alignment, network, TASK).iia
