"""Scores over networks, and what they say."""

from __future__ import annotations

from dataclasses import fields

import pytest

from interlocus.studies.results.scores import Row
from interlocus.studies.results.summary import group_sentences, summarise
from interlocus.studies.spec.study import Study

STUDY = Study.parse(
    """
networks: [{name: relu, count: 6}]
sites: [layer1]
searches: [{hypotheses: [both], sizes: [1, 2, 4, 8], featurizers: [rotation]}]
""",
    "x",
)
SIZES = (1, 2, 4, 8)


def row(network: int, size: int, iia: float) -> Row:
    plain = {"str": "", "int": 10_000, "float": 0.5, "bool": True, "float | None": 0.708}
    values = {field.name: plain.get(str(field.type), "") for field in fields(Row)}
    own = {"network": f"relu-{network:02d}", "group": "relu", "site": "layer1", "hypothesis": "both"}
    own |= {
        "featurizer": "rotation",
        "size": size,
        "iia": iia,
        "by_start": {"random": iia},
        "solved": {"random": (0, 2)},
        "by_kind": {},
        "accuracy": 1.0,
    }
    return Row(**(values | own))


def line(curves: list[tuple[float, ...]]):
    table = [row(n, size, iia) for n, curve in enumerate(curves) for size, iia in zip(SIZES, curve, strict=True)]
    (found,) = summarise(STUDY, table)
    return found, table


def test_the_smallest_sufficient_size_is_within_a_hundredth_of_the_best():
    found, _ = line([(0.7, 0.94, 0.955, 0.96)] * 6)
    assert found.enough == 4
    assert found.best.size == 8


def test_networks_that_are_alike_give_a_narrow_interval():
    found, _ = line([(0.7, 0.97, 0.97, 0.97)] * 6)
    assert found.enough_range == (2, 2)
    assert found.enough_text == "2"


def test_networks_that_differ_give_a_wide_interval():
    """Half of them need one direction, half eight: by which are drawn, any size may do."""
    found, _ = line([(0.9, 0.9, 0.9, 0.9)] * 3 + [(0.86, 0.88, 0.88, 0.9)] * 3)
    low, high = found.enough_range
    assert low < found.enough <= high
    assert found.enough_text == f"{found.enough} [{low}, {high}]"


@pytest.mark.parametrize("curve", [(0.9, 0.9, 0.9, 0.95), (0.9, 0.95, 0.96, 0.96)])
def test_the_sentence_says_whether_fewer_features_suffice(curve):
    found, table = line([curve] * 6)
    (sentence,) = group_sentences(STUDY, table, [found]).values()
    assert ("would do" in sentence) == (found.enough < found.best.size)


def test_one_line_for_searches_at_different_sites():
    split = Study.parse(
        """
networks: [{name: relu, count: 1}]
sites: [layer1, layer2]
searches:
  - {hypotheses: [both], sizes: [1], sites: [layer1]}
  - {hypotheses: [both], sizes: [2], sites: [layer2]}
""",
        "x",
    )
    (found,) = summarise(split, [row(0, 1, 0.9)])
    assert found.site == "layer1"
