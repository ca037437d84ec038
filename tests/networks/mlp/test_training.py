"""Training of perceptrons: seeds, restarts, stopping points and training sets."""

from __future__ import annotations

import math

import pytest
import torch
from mlp_stacks import SMALL_TASK, TASK, TINY, same

from interlocus.core.errors import NetworkError
from interlocus.core.random import derived_generator
from interlocus.networks import MLP
from interlocus.networks.mlp import model as mlp
from interlocus.networks.mlp.activations import ACTIVATIONS
from interlocus.networks.mlp.training import Recipe


@pytest.fixture(params=list(ACTIVATIONS))
def activation(request) -> str:
    return request.param


@pytest.fixture
def one_attempt(monkeypatch):
    """Accept networks of any accuracy, so that a few steps suffice and no network is trained again."""
    monkeypatch.setattr(mlp, "COMPETENT_ACCURACY", 0.0)


def test_the_seed_determines_the_trained_networks(activation, one_attempt):
    one, again, other = (MLP.train(TASK, activation=activation, count=2, recipe=TINY, seed=seed) for seed in (0, 0, 1))
    assert same(one, again)
    assert one.fingerprint() != other.fingerprint()
    assert not same(one, MLP.untrained(TASK, activation=activation, count=2))


def test_training_does_not_use_the_global_generator(one_attempt):
    before = torch.random.get_rng_state()
    MLP.train(TASK, count=1, recipe=TINY)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_networks_of_a_stack_do_not_influence_each_other(one_attempt):
    few, many = (MLP.train(TASK, count=count, recipe=TINY) for count in (1, 4))
    # Products of stacks of another height round differently, and Adam's first steps have size .01 whatever the
    # gradient, so a gradient near zero may give either sign. Networks with influence differ in all parameters.
    pairs = zip((*few.weights, *few.biases), (*many.weights, *many.biases), strict=True)
    apart = torch.cat([(one[0] - other[0]).abs().flatten() for one, other in pairs])
    assert (apart > 1e-4).float().mean() < 0.02
    assert apart.max() < 2 * TINY.steps * TINY.learning_rate


def test_trained_networks_require_no_gradients(one_attempt):
    networks = MLP.train(TASK, count=1, recipe=TINY)
    assert not any(tensor.requires_grad for tensor in (*networks.weights, *networks.biases))


def test_weight_decay_shrinks_the_parameters(one_attempt):
    light, heavy = (
        MLP.train(TASK, count=1, recipe=Recipe(learning_rate=0.01, steps=40), weight_decay=decay)
        for decay in (0.0, 10.0)
    )
    assert heavy.weights[1].norm() < light.weights[1].norm()


def test_inaccurate_networks_are_trained_again_from_other_parameters(monkeypatch):
    """They are trained again twice at most, and the best is kept; accurate networks stay as they are."""
    told: list[float] = []
    first = iter([[1.0, 0.5, 1.0], [0.7], [0.6]])
    monkeypatch.setattr(MLP, "accuracy", lambda self, *_, **__: next(first))
    trained = MLP.train(TASK, count=3, recipe=TINY, on_progress=told.append)
    assert told == [0.0] * 3
    monkeypatch.setattr(MLP, "accuracy", lambda self, *_, **__: [1.0] * len(self))
    once = MLP.train(TASK, count=3, recipe=TINY)
    assert same(trained[0], once[0])
    assert not same(trained[1], once[1])
    assert same(trained[2], once[2])


def test_diverged_training_is_an_error(one_attempt, fails):
    with fails(NetworkError, "1e+38"):
        MLP.train(TASK, count=1, recipe=Recipe(learning_rate=1e38, steps=5))


@pytest.mark.slow
def test_the_default_recipe_gives_accurate_networks(activation):
    networks = MLP.train(TASK, activation=activation, count=2)
    # a network is accepted with .99 on some examples, and tested on others
    assert min(networks.accuracy(TASK, seed=1, count=20_000)) > mlp.COMPETENT_ACCURACY - 5 * math.sqrt(
        2 * 0.01 * 0.99 / 10_000
    )


def trained_until(until: int | None, *, steps: int = 130, **about) -> MLP:
    recipe = Recipe(learning_rate=0.01, steps=steps, until=until, **about)
    return MLP.train(SMALL_TASK, hidden=(6, 5), activation="tanh", count=3, recipe=recipe, seed=2)


def test_until_zero_is_the_initial_network_and_until_the_end_the_trained_one(one_attempt):
    """The parameters are equal to the bit."""
    whole, untrained = trained_until(None), MLP.untrained(SMALL_TASK, hidden=(6, 5), activation="tanh", count=3, seed=2)
    assert trained_until(130).fingerprint() == whole.fingerprint()
    points = [trained_until(until).fingerprint() for until in (0, 1, 64, 65, 129)]
    assert len({*points, whole.fingerprint()}) == 6
    assert trained_until(0).fingerprint() == untrained.fingerprint()


def test_until_does_not_change_training():
    """Networks after 64 and after 65 steps differ by one step."""
    near, far = trained_until(64), trained_until(65)
    moved = max(float((a - b).abs().max()) for a, b in zip(near.weights, far.weights, strict=True))
    # A step of Adam changes a weight by at most (1 − β₁) / √(1 − β₂) times the learning rate, which is .032, and decay
    # changes it by less. Different training would differ by 64 steps.
    assert 0 < moved <= 0.01 * (1 - 0.9) / math.sqrt(1 - 0.999) + 0.001


def test_a_small_training_set_is_memorised():
    """With sixteen training examples accuracy is 1 on these and low on others."""
    recipe = Recipe(learning_rate=0.01, steps=400, examples=16)
    few = MLP.train(SMALL_TASK, hidden=(32,), count=2, recipe=recipe, seed=0)
    # a network that is trained again gets another sixteen examples, so each set is tried
    sets = [
        SMALL_TASK.labelled_inputs(16, split="train", generator=derived_generator(i, "few training examples"))
        for i in range(3)
    ]
    rights = [
        max(float((few[i](inputs)[0].argmax(1) == labels).float().mean()) for inputs, labels in sets) for i in range(2)
    ]
    assert min(rights) == 1
    assert max(few.accuracy(SMALL_TASK, seed=0)) < 0.8
