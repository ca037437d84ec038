"""Interchange intervention training of a stack of perceptrons, and of any module."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from perceptron_as_module import brought
from torch import nn

from interlocus.alignment.evaluation import evaluate, evaluate_each
from interlocus.controls.ground_truth.planting import plant, random_planting_subspaces
from interlocus.controls.ground_truth.training_batches import MODULE_PLANTING_RATE, TrainingConfig
from interlocus.core.random import derived_generator
from interlocus.featurizers import Frames
from interlocus.networks import MLP, Module
from interlocus.networks.mlp.training import RECIPES
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality(item_width=2)
SHORT = TrainingConfig(
    task=TASK, hypothesis=TASK.hypothesis("both"), site="layer2", steps=40, batch=64, learning_rate=0.01, seed=3
)


class Whole(nn.Module):
    """A module that is not sequential, so it is run as a whole; its dropout is random in training mode."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(8, 12), nn.Linear(12, 12)
        self.last, self.drop, self.unused = nn.Linear(12, 2), nn.Dropout(0.5), nn.Linear(3, 3)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.last(self.drop(self.second(self.first(inputs).relu()).relu()))


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("shares", [None, [0.4]])
def test_a_module_learns_what_the_same_perceptron_learns(activation, shares):
    begin = MLP.untrained(TASK, hidden=(8, 8), activation=activation, count=1, seed=4)
    subspaces = random_planting_subspaces(1, 8, 2, 2, seed=3)
    ours = plant(begin, SHORT, subspaces=subspaces, shares=shares)
    module = brought(begin)
    theirs = plant(module, SHORT, subspaces=subspaces, shares=shares)
    layers = [part for part in theirs.networks.module if isinstance(part, nn.Linear)]
    for layer, weight, bias in zip(layers, ours.networks.weights, ours.networks.biases, strict=True):
        torch.testing.assert_close(layer.weight, weight[0], atol=2e-4, rtol=1e-3)
        torch.testing.assert_close(layer.bias, bias[0], atol=2e-4, rtol=1e-3)
    assert abs(theirs.scores[0].iia - ours.scores[0].iia) < 0.005
    assert module.fingerprint() == brought(begin).fingerprint()  # the given module stays as it was


def test_a_module_that_is_run_as_a_whole_learns_without_its_dropout():
    torch.manual_seed(1)
    module = Module(Whole(), sites={"layer2": "second"})
    module.prepare(TASK.labelled_inputs(8, split="train", generator=derived_generator(0))[0])
    subspaces = random_planting_subspaces(1, 12, 2, 2, seed=2)
    one, same = (plant(module, replace(SHORT, seed=2), subspaces=subspaces) for _ in range(2))
    assert one.networks.fingerprint() == same.networks.fingerprint() != module.fingerprint()
    assert not any(parameter.requires_grad for parameter in one.networks.module.parameters())
    unused = (network.module.unused.weight for network in (one.networks, module))
    torch.testing.assert_close(*unused)  # a parameter that does not affect the answer is not decayed either


def test_scores_of_a_stack_are_those_of_each_network():
    networks = MLP.untrained(TASK, hidden=(8, 8), count=3, seed=4)
    rows = random_planting_subspaces(3, 8, 2, 2, seed=1)
    each = evaluate_each(
        networks, TASK, hypothesis=SHORT.hypothesis, site="layer2", maps=Frames(read=rows, write=rows), seed=5
    )
    made = plant(networks, replace(SHORT, seed=5, steps=1, learning_rate=1e-12), subspaces=rows)
    for score, alignment, i in zip(each, made.alignments, range(3), strict=True):
        alone = evaluate(alignment, made.networks[i], TASK, seed=5)
        assert score.iia == pytest.approx(alone.iia, abs=2e-4)
        assert [cell.count for cell in score.cells] == [cell.count for cell in alone.cells]


def test_the_default_learning_rate_depends_on_the_networks():
    config = replace(SHORT, learning_rate=None)
    networks = MLP.untrained(TASK, hidden=(8, 8), count=1, activation="sigmoid", seed=4)
    assert config.rate_for(networks) == RECIPES["sigmoid"].learning_rate / 2
    assert config.rate_for(brought(networks)) == MODULE_PLANTING_RATE
    assert SHORT.rate_for(networks) == 0.01
