"""How often the interval of a score holds the true IIA, with everything that a search does before it is scored."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

import interlocus as il
from interlocus.alignment.evaluation_set import EvaluationSet, interchange_in
from interlocus.alignment.metrics import Score
from interlocus.core.random import derived_generator
from interlocus.featurizers import Frames
from interlocus.networks import MLP
from interlocus.networks.mlp.training import Recipe
from interlocus.searches.budget import Budget
from interlocus.searches.early_stopping import EarlyStopping
from interlocus.tasks import HierarchicalEquality
from interlocus.tasks.splits import DataSplits

TASK = HierarchicalEquality(item_width=4)
HYPOTHESIS, SITE = TASK.hypothesis("both"), "layer1"
RESTARTS, CHECKS = 6, 8
TRUTH_COUNT = 200_000
"""Interventions of a true IIA; its standard error is below .0012, and below .0007 for an IIA above .9."""


@dataclass(frozen=True, kw_only=True)
class Chain:
    """Restarts that approach maps of different quality in one trained network, as in a search.

    Each restart moves from a random map toward the found map plus its own noise. The true IIA of each map on the way is
    known, so that what a search reports can be compared with it.

    Args:
        sizes: Numbers of examples and interventions.
        shared: Whether test interventions share examples, as before version 0.2.
    """

    sizes: Budget
    shared: bool = False

    @cached_property
    def network(self) -> MLP:
        return MLP.train(
            TASK, hidden=(16, 16, 16), weight_decay=1.0, count=1, recipe=Recipe(learning_rate=5e-3, steps=1500), seed=41
        )

    @cached_property
    def maps(self) -> Float[Tensor, "map variable feature width"]:
        """Orthonormal maps, those of one restart after another."""
        found = il.search(
            self.network, TASK, hypothesis="both", site=SITE, sizes=(4,), phases=(il.Phase(steps=200),), seed=42
        ).best(network=0, size=4)
        assert isinstance(found.frames, Frames)
        goal, generator = found.frames.read.flatten(0, 1), derived_generator(43)
        maps = []
        for _ in range(RESTARTS):
            begin, noise = torch.randn(2, *goal.shape, generator=generator)
            near = goal + 0.05 * noise
            for check in range(CHECKS):
                part = (check / (CHECKS - 1)) ** 0.5
                maps.append(torch.linalg.qr(((1 - part) * begin + part * near).T).Q.T.view(2, 4, -1))
        return torch.stack(maps).contiguous()

    @cached_property
    def truth(self) -> list[float]:
        """The IIA of each map on many interventions of another seed."""
        sizes = self.sizes.model_copy(update={"test": TRUTH_COUNT, "batch": 2_000})
        return [score.iia for score in self._test_scores(sizes, seed=44, maps=range(len(self.maps)))]

    def chosen(self, seed: int) -> tuple[int, Score]:
        """The map that one search chooses, and its test score: restarts, early stopping and choice on validation."""
        pool = DataSplits.draw(TASK, self.sizes.model_copy(update={"pool": 1, "partners": 1, "test": 1}), seed=seed)
        validation = EvaluationSet.draw(
            self.network, SITE, pool.validation, (HYPOTHESIS,), count=self.sizes.validation, batch=self.sizes.batch,
            generator=lambda hypothesis: derived_generator(seed, "validation", hypothesis.name),
        )  # fmt: skip
        interchange, problems = interchange_in(self.network, SITE, 0, len(self.maps))
        iia = validation.iia(interchange, Frames(read=self.maps, write=self.maps), problems).view(RESTARTS, CHECKS)
        index = torch.arange(len(self.maps)).view(RESTARTS, CHECKS)
        stopping = EarlyStopping(
            index[:, :1].float(), iia[:, 0], (1, RESTARTS), self.sizes, [range(RESTARTS)], learns_size=False
        )
        stopping.begin_phase()
        for check in range(1, CHECKS):
            stopping.update(index[:, check : check + 1].float(), iia[:, check], check * self.sizes.check_every)
        best = int(stopping.best[stopping.validation.argmax()])
        (score,) = self._test_scores(self.sizes, seed=seed, maps=[best])
        return best, score

    def _test_scores(self, sizes: Budget, *, seed: int, maps: Sequence[int]) -> list[Score]:
        interchange, problems = interchange_in(self.network, SITE, 0, len(maps))
        if self.shared:
            pool = TASK.draw_examples(sizes.held_out, split="test", generator=derived_generator(seed, "pool", "test"))
            test = EvaluationSet.draw(
                self.network, SITE, pool, (HYPOTHESIS,), count=sizes.test, batch=sizes.batch,
                generator=lambda hypothesis: derived_generator(seed, "test", hypothesis.name),
            )  # fmt: skip
        else:
            test = EvaluationSet.of_search(self.network, SITE, TASK, HYPOTHESIS, budget=sizes, seed=seed)
        rows = self.maps[list(maps)].contiguous()
        return test.scores(interchange, Frames(read=rows, write=rows), problems)

    def covered(self, seeds: Sequence[int]) -> tuple[int, float]:
        """In how many searches the interval holds the true IIA, and the ratio of the score's deviation to a binomial's.

        Args:
            seeds: One for each simulated search.
        """
        hits, squares = 0, 0.0
        for seed in seeds:
            best, score = self.chosen(seed)
            truth = self.truth[best]
            hits += score.low <= truth <= score.high
            squares += (score.iia - truth) ** 2 / (truth * (1 - truth) / score.count)
        return hits, math.sqrt(squares / len(seeds))
