"""Laws of the interventions on which maps are scored."""

from __future__ import annotations

import pytest
import torch
from rare_bit import RareBit

import interlocus as il
from interlocus.alignment.evaluation_set import EvaluationSet, interchange_in
from interlocus.causal.single_use import TRANSITION_INTERVENTIONS
from interlocus.featurizers import Frames
from interlocus.networks import MLP
from interlocus.tasks.splits import DataSplits, SampleSizes

TASK = RareBit()
NETWORK = MLP.untrained(TASK, hidden=(4,), count=2, seed=0)
SIZES = SampleSizes(pool=64, held_out=64, partners=1, batch=100, test=2_000)


@pytest.mark.parametrize("names", [("both",), ("both", "turned")])
def test_each_example_is_used_once_and_rare_transitions_have_enough(names):
    data = DataSplits.draw(TASK, SIZES, seed=0, hypotheses=names)
    hypotheses = [TASK.hypothesis(name) for name in names]
    held_out = EvaluationSet.draw_test(NETWORK, "layer1", data.test, hypotheses, sizes=SIZES, seed=0)
    rows = torch.eye(4)[None, :2, None].expand(1, 2, 1, 4)
    for number, (hypothesis, natural) in enumerate(zip(hypotheses, held_out.interventions, strict=True)):
        swapped = natural.sources != natural.base
        used = torch.cat([natural.base.flatten(), natural.sources[swapped]])
        assert len(used.unique()) == len(used)
        interchange, problems = interchange_in(NETWORK, "layer1", 1)
        problems = problems._replace(hypothesis=torch.tensor([number]))
        (score,) = held_out.scores(interchange, Frames(read=rows, write=rows), problems)
        assert score.count == 2_000
        assert score.iia == pytest.approx(float(held_out.iia(interchange, Frames(read=rows, write=rows), problems)))
        cells = {(cell.kind, cell.change): cell.all_count for cell in score.cells}
        wanted = min(TRANSITION_INTERVENTIONS, 2_000 // 4)
        for change in ("0→0", "0→1", "1→0", "1→1"):  # natural counts vary around the expected ones
            assert cells["a", change] > wanted - 5 * wanted**0.5
        assert all(cell.added_count == 0 for cell in score.cells if "+" in cell.kind), hypothesis.name


def test_the_seed_of_a_search_gives_its_score_with_the_added_interventions():
    budget = il.Budget(**SIZES.model_dump(), validation=128, check_every=5)
    result = il.search(
        NETWORK, TASK, hypothesis="both", site="layer1", sizes=(1,), phases=(il.Phase(steps=5),), budget=budget, seed=3
    )
    score = result.score(network=1, size=1)
    assert sum(cell.added_count for cell in score.cells) > 0
    alignment = result.best(network=1, size=1)
    assert il.evaluate(alignment, NETWORK[1], TASK, budget=budget, seed=3) == score
