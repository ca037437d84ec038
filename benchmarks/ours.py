"""Interlocus' side: the only module of the benchmarks that uses internals of the package."""

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
"""Steps that are planned together and then repeated."""

Kind = Literal["single", "double", "thirds"]


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The shape of one step.

    Args:
        searches: Number of stacked searches, all in one network.
        batch: Interventions per step.
        width: Width of the network's hidden layers.
        size: Features per variable.
        examples: Number of examples from which interventions are drawn.
        kind: Which variables each intervention exchanges: `single` (one), `double` (two, from two sources), or
            `thirds` (equal thirds of left, right and both).
    """

    searches: int = 64
    batch: int = 256
    width: int = 16
    size: int = 8
    examples: int = 65_536
    kind: Kind = "thirds"

    @property
    def variables(self) -> int:
        """Number of variables that are searched."""
        return 1 if self.kind == "single" else 2

    @property
    def _shares(self) -> tuple[float, float]:
        """Multiplications per row of the interchange and of the layers after it, forward."""
        share = 2 / 3 if self.kind == "thirds" else 1
        exchange = self.variables * self.size * 2 * self.width * share
        return exchange, self.width * self.width + self.width * TASK.classes

    @property
    def flops(self) -> float:
        """Operations of the matrix products that a step needs.

        The interchange needs two products forward and three backward. The layers after it need as many backward as
        forward, since their weights are fixed.
        """
        exchange, rest = self._shares
        return 2 * self.searches * self.batch * (2.5 * exchange + 2 * rest)

    @property
    def usual_flops(self) -> float:
        """The usual count, three times the forward products; it includes gradients of weights, which are fixed here."""
        return 3 * 2 * self.searches * self.batch * sum(self._shares)


def counterfactuals(count: int, batch: int, *, seed: int) -> Interventions:
    """New examples with their causal values, and as many interventions."""
    examples = TASK.draw_examples(count, split="train", generator=derived_generator(seed, "pool"))
    shape = (count // batch, batch)
    return draw(examples, TASK.hypothesis("both"), shape=shape, generator=derived_generator(seed, "draw"))


def _interventions(examples: Examples, shape: Shape) -> Interventions:
    hypothesis = TASK.hypothesis("left" if shape.kind == "single" else "both")
    steps = (SCRIPT, shape.batch)
    if shape.kind != "double":
        return draw(examples, hypothesis, shape=steps, generator=derived_generator(1))
    base, *sources = torch.randint(examples.count, (3, *steps), generator=derived_generator(1))
    both = torch.stack(sources)
    everywhere = slice(0, shape.batch)
    labels = counterfactual_labels(examples, hypothesis, base, both)
    return Interventions(base=base, sources=both, labels=labels, places=(everywhere, everywhere))


class Stepper:
    """A stack of searches that makes one step on each call, including the gathering of rows."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        network = MLP.untrained(TASK, hidden=(shape.width,) * 3, count=1)
        examples = TASK.draw_examples(shape.examples, split="train", generator=derived_generator(0))
        self._cache = cache_activations(network, SITE, examples)
        one = torch.zeros(1, dtype=torch.long)
        problems = Problems(network=one, hypothesis=one)
        rows = shape.variables * shape.size
        begin = torch.linalg.qr(torch.randn(shape.searches, shape.width, rows, generator=derived_generator(2))).Q
        mask = torch.ones(shape.searches, shape.variables, shape.size, 1)
        search_batch = SearchBatch(problems=problems, suffix=network.suffix(SITE), mask=mask, buffers=BufferPool(mask))
        self._stack = Chunk(search_batch, torch.arange(shape.searches)[None], begin.transpose(1, 2).contiguous())
        self._script = plan_batches(self._cache, [_interventions(examples, shape)], problems, TASK.classes)
        self._featurizer, self._loss = Rotation(), CrossEntropy()
        rounds = (batches(self._cache, self._script) for _ in itertools.count())
        self._batches = itertools.chain.from_iterable(rounds)

    def step(self) -> None:
        """Make one step of every search."""
        self._stack.step(self._featurizer, self._loss, next(self._batches), 1e-3)

    def steps(self, count: int) -> None:
        """Make several steps."""
        for _ in range(count):
            self.step()


def score(alignment: il.Alignment, network: MLP) -> float:
    """IIA on fresh items; both sides are scored by it."""
    return il.evaluate(alignment, network, TASK).iia
