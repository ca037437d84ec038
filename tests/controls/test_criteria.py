"""Laws of effects: what the cells of a score say of a variable."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from interlocus.alignment.metrics import Cell, Score
from interlocus.controls.criteria import Effect, RareTransition, Thresholds, is_found
from interlocus.core.statistics import clopper_pearson, fewest_trials

BAR = Thresholds().worst_transition


def effect(cells: Mapping[str, tuple[int, int]], *, comparisons: int = 1, added: Mapping[str, int] = {}) -> Effect:
    """Of a variable with these hits and counts, in a score whose IIA is good because of other interventions."""
    of_variable = [
        Cell(
            kind="a",
            change=change,
            hits=hits,
            count=n,
            added_hits=added.get(change, 0),
            added_count=added.get(change, 0),
        )
        for change, (hits, n) in cells.items()
    ]
    others = Cell(kind="b", change="0→1", hits=9_990, count=10_000)
    return Effect.from_score(
        Score(cells=(*of_variable, others), answer_change_rate=0.5),
        "a",
        featurizer="rotation",
        size=1,
        width=64,
        comparisons=comparisons,
    )


def perfect(*changes: str, count: int = 500) -> dict[str, tuple[int, int]]:
    return dict.fromkeys(changes, (count, count))


def values(number: int) -> list[str]:
    return [f"{old}→{new}" for old in range(number) for new in range(number)]


@pytest.mark.parametrize("comparisons", [1, 64])
def test_the_worst_transition_is_corrected_for_the_transitions_and_the_scores(comparisons):
    cells = perfect("0→0", "1→0", "1→1") | {"0→1": (480, 500)}
    one = effect(cells, comparisons=comparisons)
    assert one.worst_transition == clopper_pearson(480, 500, comparisons=4 * comparisons)[0] == one.value_change
    assert one.low == clopper_pearson(11_970, 12_000, comparisons=comparisons)[0]


@pytest.mark.parametrize("number", [2, 3, 4, 10])
def test_every_transition_counts_however_many_values_there_are(number):
    good = effect(perfect(*values(number)))
    assert good.worst_transition >= BAR
    bad = effect(perfect(*values(number)) | {"0→1": (0, 500)})
    assert bad.worst_transition == bad.value_change == 0
    stays = effect(perfect(*values(number)) | {"1→1": (0, 500)})
    assert stays.worst_transition == 0
    assert stays.value_change == good.value_change


def test_a_transition_that_is_too_rare_neither_passes_nor_fails_and_is_named():
    fewest = fewest_trials(BAR, comparisons=4)
    for hits in (0, fewest - 1):
        rare = effect(perfect("0→0", "0→1", "1→0") | {"1→1": (hits, fewest - 1)})
        assert rare.rare_transitions == (RareTransition("1→1", fewest - 1),)
        assert is_found(rare, Thresholds())
    assert effect(perfect("0→0", "0→1", "1→0") | {"1→1": (fewest, fewest)}).rare_transitions == ()
    assert not is_found(effect(perfect("0→0", "0→1", "1→0") | {"1→1": (0, fewest)}), Thresholds())


def test_if_no_transition_is_measured_nothing_is_found():
    few = effect(perfect("0→0", "0→1", "1→0", "1→1", count=2))
    assert few.worst_transition == few.value_change == 0
    assert len(few.rare_transitions) == 4
    assert not is_found(few, Thresholds())


def test_rare_transitions_are_measured_together_where_that_suffices():
    """Ten values: one hundred transitions of ten interventions each, ninety of which change the value."""
    cells = perfect(*values(10), count=10)
    together = effect(cells)
    looks = 100
    assert together.value_change == clopper_pearson(900, 900, comparisons=looks)[0]
    assert together.worst_transition == clopper_pearson(100, 100, comparisons=looks)[0]  # those that stay
    assert len(together.rare_transitions) == 100
    wrong = effect(cells | dict.fromkeys(values(10)[1:10], (0, 10)))
    assert wrong.value_change == clopper_pearson(810, 900, comparisons=looks)[0] < BAR


def test_added_interventions_measure_a_rare_transition_and_leave_the_iia():
    rare = perfect("0→0", "0→1", "1→0") | {"1→1": (8, 8)}
    without, more = effect(rare), effect(rare, added={"1→1": 300})
    assert without.rare_transitions
    assert not more.rare_transitions
    assert more.worst_transition == clopper_pearson(308, 308, comparisons=4)[0]
    assert (more.iia, more.low, more.single) == (without.iia, without.low, without.single)


def test_transitions_that_never_occur_are_left_out():
    assert effect(perfect("0→1", "1→0") | {"0→0": (0, 0), "1→1": (0, 0)}) == effect(perfect("0→1", "1→0"))
