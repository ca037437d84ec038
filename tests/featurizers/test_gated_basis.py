"""Featurizers that learn the number of features: `boundless` and `mask`."""

from __future__ import annotations

import math

import pytest
from featurizer_searches import SMALL, TASK, search

import interlocus as il
from interlocus.featurizers import Boundless, Mask
from interlocus.networks import MLP
from interlocus.searches.budget import Phase


@pytest.mark.parametrize("featurizer", [Boundless(), Mask(over="rotation")])
@pytest.mark.parametrize("size", [1, 4])
def test_the_number_of_features_is_learned(narrow_mlp, featurizer, size):
    """A start with too few features and one with too many lead to two: a − b at the input is two-dimensional.

    The items a and b themselves, in four dimensions, give the same score. No interchange can score above the accuracy.
    """
    task, network = narrow_mlp
    (accuracy,) = network.accuracy(task, seed=1)
    assert accuracy > 0.95
    lax = SMALL.model_copy(update={"solved": accuracy - 0.02})
    result = il.search(
        network, task, hypothesis="left", site="input", sizes=(size,), featurizer=featurizer, starts={"covariance": 1},
        phases=(Phase(steps=400),), budget=lax,
    )  # fmt: skip
    restart = result.restarts(network=0, size=size).best
    assert restart.begin < lax.solved
    # validation is within .02 of the accuracy on 1,024 examples, and the test has 3,000 others
    error = math.sqrt(0.05 * 0.95 * (1 / lax.validation + 1 / lax.test))
    assert result.iia[0, 0] > accuracy - 0.02 - 5 * error
    found = result.best(network=0, size=size).sizes["left"]
    assert 2 <= found <= 4 if size == 1 else 2 <= found < 4
    assert restart.outcome == "solved"


@pytest.mark.parametrize(
    ("featurizer", "outcome"),
    [
        (Mask(penalty=100.0), "empty"),
        (Boundless(penalty=-100.0), "full"),
        (Mask(over="rotation", penalty=-100.0), "full"),
    ],
)
def test_selecting_no_or_every_feature_is_an_outcome_with_a_hint(featurizer, outcome):
    lax = SMALL.model_copy(update={"solved": 0.0})  # so the last state is kept, whatever its score
    network = MLP.untrained(TASK, count=1, seed=1)
    result = search(network, featurizer, site="layer1", sizes=(8,), steps=200, budget=lax)
    restart = result.restarts(network=0, size=8).best
    assert restart.outcome == outcome
    assert "penalty" in restart.hint
    assert restart.to_json()["hint"] == restart.hint
    assert type(restart).from_json(restart.to_json()) == restart
    assert result.best(network=0, size=8).sizes["left"] == {"empty": 0, "full": 16}[outcome]
