"""The network source `mlp`: its settings."""

from __future__ import annotations

import pytest

from interlocus.core.errors import SpecificationError
from interlocus.studies.spec.networks import NetworkGroup


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({"until": 6000}, ["6000", "5000"]),
        ({"steps": 10, "until": 11}, ["11", "10"]),
        ({"until": 3, "trained": False}, ["not trained"]),
        ({"examples": 100, "trained": False}, ["not trained"]),
    ],
)
def test_a_step_that_training_does_not_reach_is_an_error(about, words, fails):
    with fails(SpecificationError, *words):
        _ = NetworkGroup(name="x", **about).source


def test_the_summary_names_the_step_and_the_training_set():
    source = NetworkGroup(name="x", steps=200, until=50, examples=4000).source
    assert {"50", "200", "4000"} <= set(source.summary.replace(",", "").split())
    assert source.architecture == NetworkGroup(name="x").source.architecture
