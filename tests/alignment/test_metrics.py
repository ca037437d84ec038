"""Laws of scores and intervals."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import binom

from interlocus.alignment.metrics import Cell, Score, group, group_added, scores
from interlocus.causal.examples import Examples
from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.interventions import Interventions, draw, kind_rows
from interlocus.causal.model import CausalModel, Variable
from interlocus.causal.single_use import AddedInterventions
from interlocus.core.random import derived_generator
from interlocus.core.statistics import Interval
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality()
POOL = TASK.draw_examples(2000, split="test", generator=derived_generator(0, "pool"), partners_of=("left", "right"))
BATCH = 1200


def asked(name: str, sampling: str = "natural") -> tuple[Hypothesis, Interventions]:
    hypothesis = TASK.hypothesis(name)
    return hypothesis, draw(POOL, hypothesis, shape=(BATCH,), sampling=sampling, generator=derived_generator(1))


def score(*cells: tuple[str, str, int, int], answer_change_rate: float = 0.5) -> Score:
    return Score(
        answer_change_rate=answer_change_rate,
        cells=tuple(Cell(kind=k, change=c, hits=h, count=n) for k, c, h, n in cells),
    )


def flat(hits: int, count: int) -> Score:
    return score(("left", "0→1", hits, count))


MIXED = score(
    ("left", "0→0", 10, 10), ("left", "0→1", 3, 10), ("left+right", "stays", 0, 5), ("left+right", "changes", 5, 5),
    ("right", "1→0", 9, 15), ("right", "1→1", 0, 0), answer_change_rate=0.4,
)  # fmt: skip


def test_a_score_adds_its_cells_up():
    assert MIXED.count == 45
    assert MIXED.hits == 27
    assert MIXED.iia == 27 / 45
    assert MIXED.kinds == {"left": 13 / 20, "left+right": 5 / 10, "right": 9 / 15}


def test_the_smallest_cell_is_one_with_a_single_variable_that_was_asked():
    assert MIXED.worst_transition == 0.3
    assert math.isnan(MIXED.cells[-1].iia)


def test_a_score_survives_json():
    again = Score.from_json(json.loads(json.dumps(MIXED.to_json())))
    assert again == MIXED
    assert (again.iia, again.answer_change_rate, again.interval) == (
        MIXED.iia,
        MIXED.answer_change_rate,
        MIXED.interval,
    )


@pytest.mark.parametrize("sampling", ["natural", "balanced"])
@pytest.mark.parametrize("name", ["left", "right", "both", "symmetric"])
def test_every_intervention_is_in_the_one_cell_that_it_belongs_to(name, sampling):
    hypothesis, batch = asked(name, sampling)
    grouping = group(hypothesis, batch, POOL)
    assert len(set(grouping.names)) == len(grouping.names)
    assert torch.equal(grouping.one_hot.sum(1), torch.ones(BATCH))
    cell = grouping.one_hot.argmax(1)
    before = POOL.values["output"][batch.base]
    for kind, rows in kind_rows(hypothesis, BATCH):
        for row in range(BATCH)[rows]:
            if len(kind) == 1:
                source = batch.sources[hypothesis.variables.index(kind[0]), row]
                change = f"{int(POOL.values[kind[0]][batch.base[row]])}→{int(POOL.values[kind[0]][source])}"
            else:
                change = "changes" if batch.labels[row] != before[row] else "stays"
            assert grouping.names[int(cell[row])] == ("+".join(kind), change)


def grouped(values: tuple[int, ...]) -> None:
    """A variable with these values, by itself."""
    model = CausalModel(
        [
            Variable(name="x"),
            Variable(name="level", parents=("x",), mechanism=lambda x: x.long(), values=values),
            Variable(name="top", parents=("level",), mechanism=lambda level: (level == 7).long(), values=(0, 1)),
        ],
        output="top",
    )
    x = torch.tensor(values).repeat(100)
    pool = Examples(inputs=x[:, None].float(), values={"level": x, "top": (x == 7).long()}, count=len(x))
    hypothesis = Hypothesis(name="h", model=model, variables=("level",))
    batch = draw(pool, hypothesis, shape=(300,), generator=derived_generator(2))
    grouping = group(hypothesis, batch, pool)
    assert len(grouping.names) == len(values) ** 2
    for row, cell in enumerate(grouping.one_hot.argmax(1).tolist()):
        change = f"{int(x[batch.base[row]])}→{int(x[batch.sources[0, row]])}"
        assert grouping.names[cell] == ("level", change)


def test_cells_of_a_variable_with_other_values_than_bits():
    grouped((-3, 2, 7))


def test_cells_of_a_variable_whose_values_are_declared_in_any_order():
    grouped((7, -3, 2))


def test_scores_count_what_was_right_in_each_cell():
    hypothesis, batch = asked("both")
    grouping = group(hypothesis, batch, POOL)
    right = (torch.rand(3, BATCH, generator=derived_generator(3)) < torch.tensor([[0.2], [0.9], [1.0]])).float()
    changed = (torch.rand(3, BATCH, generator=derived_generator(4)) < 0.5).float()
    solved = (torch.rand(right.shape[1], generator=derived_generator(7)) < 0.8).float()
    found = scores(grouping, right, changed, solved)
    for one, hits, answer_change_rate in zip(found, right, changed, strict=True):
        assert one.count == BATCH
        assert one.hits == int(hits.sum())
        assert one.answer_change_rate == pytest.approx(float(answer_change_rate.mean()))
        assert one.iia_solved == pytest.approx(float(hits[solved == 1].mean()))
        for cell, column in zip(one.cells, grouping.one_hot.T, strict=True):
            assert cell.hits == int(hits[column == 1].sum())
            assert cell.count == int(column.sum())
            assert 0 <= cell.hits <= cell.count
        for kind, rows in kind_rows(hypothesis, BATCH):
            assert one.kinds["+".join(kind)] == pytest.approx(float(hits[rows].mean()))
    assert found[2].iia == found[2].worst_transition == 1


@pytest.mark.parametrize("name", ["left", "both"])
def test_doing_nothing_fails_in_every_cell_that_changes_the_label(name):
    hypothesis, batch = asked(name)
    right = (POOL.values["output"][batch.base] == batch.labels).float()[None]
    (one,) = scores(group(hypothesis, batch, POOL), right, torch.zeros_like(right), torch.ones(right.shape[1]))
    iias = {(cell.kind, cell.change): cell.iia for cell in one.cells}
    for (_, change), iia in iias.items():
        assert iia == (1 if change in {"0→0", "1→1", "stays"} else 0)
    assert one.worst_transition == 0
    assert one.answer_change_rate == 0


def test_minimal_pairs_leave_cells_empty_and_the_smallest_does_not_mind():
    hypothesis, batch = asked("left", "minimal_pairs")
    (one,) = scores(group(hypothesis, batch, POOL), torch.ones(1, BATCH), torch.ones(1, BATCH), torch.ones(BATCH))
    assert {cell.change: cell.count > 0 for cell in one.cells} == {"0→0": False, "0→1": True, "1→0": True, "1→1": False}
    assert one.worst_transition == 1


@pytest.mark.parametrize(("hits", "count"), [(0, 10), (1, 7), (50, 100), (9990, 10_000), (10_000, 10_000)])
def test_an_interval_ends_where_the_rate_is_just_plausible(hits, count):
    """Clopper and Pearson's: at either end, a result that is at least as extreme has probability .025."""
    value, low, high = interval = flat(hits, count).interval
    assert isinstance(interval, Interval)
    assert value == hits / count
    assert 0 <= low <= value <= high <= 1
    assert (low, high) == (flat(hits, count).low, flat(hits, count).high)
    assert low == 0 or binom.sf(hits - 1, count, low) == pytest.approx(0.025)
    assert high == 1 or binom.cdf(hits, count, high) == pytest.approx(0.025)


@pytest.mark.parametrize("rate", [0.5, 0.75, 0.99])
def test_an_interval_contains_the_truth_as_often_as_it_says(rate):
    count = 2000
    hits = np.arange(count + 1)
    intervals = [flat(int(h), count).interval for h in hits]
    covered = binom.pmf(hits, count, rate)[[low <= rate <= high for _, low, high in intervals]].sum()
    # either tail outside has less than .025, and lacks at most one number of hits, the first one inside
    tails = [binom.ppf(0.025, count, rate), binom.ppf(0.975, count, rate)]
    assert 0.95 <= covered <= 0.95 + binom.pmf(tails, count, rate).sum()


def test_more_interventions_make_the_interval_narrower():
    widths = [flat(8 * n, 10 * n).high - flat(8 * n, 10 * n).low for n in (1, 10, 100, 1000)]
    assert widths == sorted(widths, reverse=True)
    assert widths[-2] / widths[-1] == pytest.approx(math.sqrt(10), rel=0.02)


def test_added_interventions_count_for_their_cell_and_not_for_the_iia():
    hypothesis, batch = asked("left")
    grouping = group(hypothesis, batch, POOL)
    (one,) = scores(grouping, torch.ones(1, BATCH), torch.ones(1, BATCH), torch.ones(BATCH))
    added = AddedInterventions(
        interventions=replace(batch, base=batch.base[None], sources=batch.sources[:, None], labels=batch.labels[None]),
        variables=("left",),
        transitions={"left": [(1, 1), (1, 1), (0, 1)]},
    )
    more = one.with_added(group_added(grouping, added), torch.tensor([1.0, 0.0, 0.0] + [1.0] * (BATCH - 3)))
    assert (more.hits, more.count, more.iia) == (one.hits, one.count, one.iia)
    counts = {cell.change: (cell.added_hits, cell.added_count) for cell in more.cells}
    assert counts == {"0→0": (0, 0), "0→1": (0, 1), "1→0": (0, 0), "1→1": (1, 2)}
    cell = next(cell for cell in more.cells if cell.change == "1→1")
    assert cell.iia == (cell.count + 1) / (cell.count + 2)
    assert more.worst_transition == min(cell.iia for cell in more.cells) < one.worst_transition
    assert Score.from_json(json.loads(json.dumps(more.to_json()))) == more
