"""Training copies of a network further, from a few labels."""

from __future__ import annotations

import pytest
import torch
from networks_by_hand import mean_coded

import interlocus as il
from interlocus.core.errors import NetworkError
from interlocus.studies.reuse import retraining

TASK = il.tasks.HierarchicalEquality()


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(retraining, "RETRAINING_STEPS", 150)


def without_output_layer() -> il.networks.MLP:
    """A network that holds the variables, with an output layer of zeros."""
    network = mean_coded()
    weights, biases = ([*part[:-1], torch.zeros_like(part[-1])] for part in (network.weights, network.biases))
    return il.networks.MLP(weights, biases, activation="relu")


def accuracy_after(network, count: int) -> float:
    inputs, labels = TASK.labelled_inputs(count, split="train", generator=torch.Generator().manual_seed(1))
    test, wanted = TASK.labelled_inputs(1000, split="test", generator=torch.Generator().manual_seed(2))
    answers = retraining.retrain(network, "layer3", inputs[None], labels[None], test, seed=0)
    return float((answers[0] == wanted).float().mean())


def test_a_network_learns_and_the_given_one_stays_as_it_was(short):
    network = without_output_layer()
    before = network.fingerprint()
    assert accuracy_after(network, 400) > 0.99
    assert network.fingerprint() == before


def as_module() -> il.networks.Module:
    network, layers = without_output_layer(), []
    for weight, bias in zip(network.weights, network.biases, strict=True):
        linear = torch.nn.Linear(weight.shape[2], weight.shape[1])
        linear.load_state_dict({"weight": weight[0], "bias": bias[0]})
        layers += [linear, torch.nn.ReLU()]
    module = il.networks.Module(torch.nn.Sequential(*layers[:-1]), sites={"layer3": "5"})
    module.prepare(torch.randn(8, 16))
    return module


def test_a_module_is_trained_as_the_same_perceptron(monkeypatch):
    monkeypatch.setattr(retraining, "RETRAINING_STEPS", 50)
    module = as_module()
    before = module.fingerprint()
    assert accuracy_after(module, 60) == pytest.approx(accuracy_after(without_output_layer(), 60), abs=0.02)
    assert module.fingerprint() == before
    assert all(parameter.grad is None for parameter in module.module.parameters())


@pytest.mark.parametrize("network", [without_output_layer(), as_module()])
def test_parameters_before_a_site_are_not_trained(network):
    inputs = torch.randn(2, 6, network.input_width)
    for site, moved in ((None, 10), ("layer3", 4)):
        copies = retraining.trainable(network, 2, site)
        gradients = torch.autograd.grad(copies.logits(inputs).sum(), copies.parameters, allow_unused=True)
        each = sum(g is not None for g in gradients) // (2 if isinstance(network, il.networks.Module) else 1)
        assert each == moved


def test_more_labels_than_classes_cannot_be_retrained(fails):
    inputs = torch.randn(1, 6, 16)
    with fails(NetworkError, "2 classes"):
        retraining.retrain(mean_coded(), "layer3", inputs, torch.tensor([[0, 1, 2, 0, 1, 2]]), inputs[0], seed=0)
