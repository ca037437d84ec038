"""The answer to "was the right alignment easy to find?": shares of restarts, and agreement between them."""

from __future__ import annotations

import pytest
from made_runs import _attempt
from networks_by_hand import hand_wired

import interlocus as il
from interlocus.searches.budget import Budget, Phase
from interlocus.searches.results import Restarts
from interlocus.studies.plan import Trial
from interlocus.studies.records import Record
from interlocus.studies.results.answers import search_answer
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
        size=size, restarts=tuple(_attempt("random", count) for count in hits), best_index=0, agreement=agreement
    )
    return Record(trial=trial, study="", accuracy=1.0, seconds=0.0, sizes=(restarts,))


def test_agreement_of_successful_restarts_is_averaged_over_networks_at_each_site():
    """One group has no layer2. Chance is the share of the directions of a site."""
    records = [
        record("deep", "layer1", 4, (500, 495, 300), (1.0, 0.9, 0.1)),
        record("deep", "layer2", 4, (500, 500), (1.0, 0.5)),
        record("flat", "layer1", 2, (500, 500), (1.0, 0.7)),
    ]
    text = search_answer(STUDY, records)
    assert "80 % of their directions at layer1 (25 % by chance)" in text  # 4 of 16 and 2 of 8
    assert "50 % at layer2 (25 % by chance)" in text


@pytest.mark.parametrize("agreement", [(), (None, None, None)])
def test_without_agreement_nothing_is_said_about_directions(agreement):
    """Older records have no agreement, and neither have maps that are not linear."""
    text = search_answer(STUDY, [record("flat", "layer1", 2, (500, 500, 500), agreement)])
    assert "agree" not in text
    assert "easy at layer1 (100 % of 3 random starts)" in text


def test_searches_agree_where_they_find_the_same_subspace():
    """At the input one subspace of four directions holds a − b, and the closed form finds it each time."""
    found = il.search(
        hand_wired(), HierarchicalEquality(), hypothesis="left", site="input", sizes=(4,),
        phases=(Phase(steps=20, learning_rate=1e-4),),
        starts={"covariance": 1, "covariance+0.01": 2, "random": 1},
        budget=Budget(pool=8192, held_out=4096, partners=1, batch=128, check_every=10, validation=1024, test=2000),
    )  # fmt: skip
    entry = found.restarts(network=0, size=4)
    assert entry.agreement[entry.best_index] == pytest.approx(1.0)
    assert min(entry.agreement[:3]) > 0.95  # any of the three may be chosen
    assert entry.agreement[3] < 0.6  # by chance ¼ ± .065
    others = [share for index, share in enumerate(entry.agreement) if index != entry.best_index]
    assert sorted(entry.agreeing(1.0)) == sorted(others)
    assert Restarts.from_json(entry.to_json()) == entry
