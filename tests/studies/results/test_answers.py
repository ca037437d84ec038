"""The second answer: was the right alignment easy to find, and did restarts find the same?"""

from __future__ import annotations

import pytest
from made_runs import _attempt
from networks_by_hand import hand_wired

import interlocus as il
from interlocus.searches.budget import Budget, Phase
from interlocus.searches.results import Restarts
from interlocus.studies.plan import Trial
from interlocus.studies.records import Record
from interlocus.studies.results.answers import how_hard
from interlocus.studies.spec.study import Study
from interlocus.tasks import HierarchicalEquality

STUDY = Study.parse(
    """
networks: [{name: deep, hidden: [16, 16], count: 1}, {name: flat, hidden: [8], count: 1}]
sites: [layer1, layer2]
searches: [{hypotheses: [both], sizes: [2, 4], featurizers: [rotation]}]
""",
    "x",
)


def record(group: str, site: str, size: int, hits: tuple[int, ...], agreement: tuple[float | None, ...]) -> Record:
    trial = Trial(group=group, network=f"{group}-00", site=site, hypothesis="both", featurizer="rotation")
    restarts = Restarts(
        size=size, restarts=tuple(_attempt("random", one) for one in hits), best_index=0, agreement=agreement
    )
    return Record(trial=trial, study="", accuracy=1.0, seconds=0.0, sizes=(restarts,))


def test_restarts_that_came_near_are_held_against_the_best_at_each_site():
    """One family has no layer2, and its width decides what chance gives."""
    records = [
        record("deep", "layer1", 4, (500, 495, 300), (1.0, 0.9, 0.1)),
        record("deep", "layer2", 4, (500, 500), (1.0, 0.5)),
        record("flat", "layer1", 2, (500, 500), (1.0, 0.7)),
    ]
    said = how_hard(STUDY, records)
    assert "layer1 0.80 (chance 0.25)" in said  # 4 of 16 and 2 of 8
    assert "layer2 0.50 (chance 0.25)" in said


@pytest.mark.parametrize("agreement", [(), (None, None, None)])
def test_where_nothing_is_known_of_directions_nothing_is_said(agreement):
    """Records of before, and maps that are not linear."""
    said = how_hard(STUDY, [record("flat", "layer1", 2, (500, 500, 500), agreement)])
    assert "directions" not in said
    assert "random 100% of 3" in said


def test_searches_that_find_the_same_agree_and_others_do_not():
    """Of (a − b) at the input there is one subspace of four directions, which the closed form finds each time."""
    found = il.search(
        hand_wired(), HierarchicalEquality(), hypothesis="left", site="input", sizes=(4,),
        phases=(Phase(steps=20, learning_rate=1e-4),),
        starts={"covariance": 1, "covariance+0.01": 2, "random": 1},
        budget=Budget(pool=8192, held_out=4096, partners=1, batch=128, check_every=10, validation=1024, test=2000),
    )  # fmt: skip
    entry = found.restarts(network=0, size=4)
    assert entry.agreement[entry.best_index] == pytest.approx(1.0)
    assert min(entry.agreement[1:3]) > 0.95
    assert entry.agreement[3] < 0.6
    assert sorted(entry.agreeing(1.0)) == sorted(entry.agreement[1:])
    assert Restarts.from_json(entry.to_json()) == entry
