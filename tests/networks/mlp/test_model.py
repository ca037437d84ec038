"""Stacks of perceptrons: computation, indexing, files, fingerprints and error messages."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from mlp_stacks import FUNCTIONS, HIDDEN, SITES, TASK, close, double, inputs, same
from safetensors.torch import save_file

from interlocus.core.errors import NetworkError, SpecificationError, UnknownNameError
from interlocus.core.random import derived_generator
from interlocus.networks import MLP
from interlocus.networks.mlp.activations import ACTIVATIONS
from interlocus.networks.mlp.training import RECIPES


@pytest.fixture(params=list(ACTIVATIONS))
def activation(request) -> str:
    return request.param


def test_a_stack_computes_each_network_layer_by_layer(activation):
    networks, shown = double(activation), inputs()
    for n, (logits, hidden) in enumerate(zip(networks(shown), networks.activations("layer3", shown), strict=True)):
        value = shown
        for weight, bias in zip(networks.weights[:-1], networks.biases[:-1], strict=True):
            value = FUNCTIONS[activation](F.linear(value, weight[n], bias[n]))
        assert close(hidden, value)
        assert close(logits, F.linear(value, networks.weights[-1][n], networks.biases[-1][n]))


@pytest.mark.parametrize("site", SITES)
def test_run_from_activations_gives_the_logits(site, activation):
    networks, shown = double(activation), inputs()
    hidden = networks.activations(site, shown)
    assert hidden.shape == (3, 11, networks.width(site))
    assert close(networks.run_from(site, hidden), networks(shown))


def test_sites_are_the_input_and_each_hidden_layer(activation):
    assert dict(double(activation).sites) == {"input": 16, "layer1": 7, "layer2": 5, "layer3": 6}
    assert torch.equal(double(activation).activations("input", inputs())[1], inputs())


def test_indexing_a_stack_returns_the_network(activation):
    networks, shown = double(activation), inputs()
    assert len(networks) == 3
    for i, network in enumerate(networks):
        assert len(network) == 1
        assert close(network(shown)[0], networks(shown)[i])
    assert same(networks[-1], networks[2])
    assert same(MLP.stacked([networks[i] for i in range(3)]), networks)
    with pytest.raises(IndexError):
        networks[3]


def test_initial_parameters_do_not_depend_on_the_number_of_networks(activation):
    one, many = (MLP.untrained(TASK, activation=activation, count=count, seed=3) for count in (2, 5))
    assert all(same(one[i], many[i]) for i in range(2))
    assert not same(many[0], many[1])
    assert not same(one, MLP.untrained(TASK, activation=activation, count=2, seed=4))


def test_initial_parameters_have_the_scale_of_the_recipe(activation):
    networks = MLP.untrained(TASK, hidden=(64, 64), activation=activation, count=20)
    gain = RECIPES[activation].gain
    for weight, bias in zip(networks.weights, networks.biases, strict=True):
        scaled = weight * math.sqrt(weight.shape[2]) / gain
        # uniform with variance one: at most √3, and the square has variance 4/5
        assert scaled.abs().max() <= math.sqrt(3) + 1e-5
        assert abs(float(scaled.square().mean()) - 1) < 5 * math.sqrt(0.8 / scaled.numel())
        assert bias.abs().max() <= 1 / math.sqrt(weight.shape[2])


def test_saved_networks_load_unchanged(activation, tmp_path):
    networks, shown = MLP.untrained(TASK, hidden=HIDDEN, activation=activation, count=3), inputs().float()
    networks.save(tmp_path / "networks.safetensors")
    again = MLP.load(tmp_path / "networks.safetensors")
    assert same(again, networks)
    assert torch.equal(again(shown), networks(shown))
    assert again.fingerprint() == networks.fingerprint()


def test_equal_networks_give_equal_bytes(tmp_path):
    networks = MLP.untrained(TASK, hidden=HIDDEN, count=3)
    networks.save(tmp_path / "networks.safetensors")
    again = MLP.load(tmp_path / "networks.safetensors")
    written = {(tmp_path / "networks.safetensors").read_bytes(), *(one.to_bytes() for one in (networks, again) * 20)}
    assert len(written) == 1


def test_one_network_of_a_stack_loads_unchanged(tmp_path):
    networks = MLP.untrained(TASK, count=3)
    networks[1].save(tmp_path / "one.safetensors")
    assert same(MLP.load(str(tmp_path / "one.safetensors")), networks[1])


def write_text(path):
    path.write_text("these are no networks")


def write_nothing(path):
    path.write_bytes(b"")


def write_half(path):
    path.write_bytes(MLP.untrained(TASK, count=1).to_bytes()[:-100])


def write_other(path):
    save_file({"weight0": torch.zeros(1, 2, 2)}, path)


def write_alignment(path):
    save_file({"weight0": torch.zeros(1, 2, 2)}, path, metadata={"format": "interlocus.alignment/1"})


@pytest.mark.parametrize(
    "write", [write_text, write_nothing, write_half, write_other, write_alignment, lambda path: None]
)
def test_a_file_of_another_format_is_an_error(write, tmp_path, fails):
    write(tmp_path / "file.safetensors")
    with fails(NetworkError, "file.safetensors"):
        MLP.load(tmp_path / "file.safetensors")


def test_a_folder_is_an_error(tmp_path, fails):
    with fails(NetworkError, str(tmp_path)):
        MLP.load(tmp_path)


@pytest.mark.parametrize("lost", ["bias3", "weight0"])
def test_a_file_without_one_tensor_is_an_error(lost, tmp_path, fails):
    networks = MLP.untrained(TASK, count=1)
    tensors = {f"weight{i}": w for i, w in enumerate(networks.weights)} | {
        f"bias{i}": b for i, b in enumerate(networks.biases)
    }
    del tensors[lost]
    about = {"interlocus": '{"format": "interlocus.mlp/1", "activation": "relu"}'}
    save_file(tensors, tmp_path / "file.safetensors", metadata=about)
    with fails(NetworkError, "file.safetensors"):
        MLP.load(tmp_path / "file.safetensors")


def test_fingerprints_differ_exactly_where_networks_do():
    networks = MLP.untrained(TASK, count=3)
    different = [
        networks,
        networks[0],
        networks[1],
        MLP.untrained(TASK, count=3, seed=1),
        MLP.untrained(TASK, count=3, hidden=(16, 16)),
        MLP(networks.weights, networks.biases, activation="tanh"),
        MLP(networks.weights, [bias + 1e-6 for bias in networks.biases], activation="relu"),
    ]
    assert len({one.fingerprint() for one in different}) == len(different)
    copy = MLP([w.clone() for w in networks.weights], [b.clone() for b in networks.biases], activation="relu")
    assert copy.fingerprint() == networks.fingerprint()


def test_accuracy_is_the_share_of_correct_classes():
    networks = MLP.untrained(TASK, count=3)
    shown, labels = TASK.labelled_inputs(2000, split="test", generator=derived_generator(5, "accuracy"))
    expected = (networks(shown).argmax(2) == labels).double().mean(1)
    assert networks.accuracy(TASK, seed=5, count=2000) == pytest.approx(expected.tolist(), abs=1.5 / 2000)  # an edge


def test_an_unknown_name_is_an_error_that_suggests_a_similar_one(fails):
    networks = MLP.untrained(TASK, count=1)
    for call in (networks.width, networks.suffix, lambda s: networks.activations(s, inputs().float())):
        with fails(UnknownNameError, "'layer4'", "input, layer1, layer2, layer3"):
            call("layer4")
    with fails(UnknownNameError, "'inptu'", "Did you mean 'input'?"):
        networks.run_from("inptu", torch.zeros(1, 2, 16))
    for make in (MLP.untrained, MLP.train):
        with fails(UnknownNameError, "'rleu'", "Did you mean 'relu'?"):
            make(TASK, activation="rleu")


@pytest.mark.parametrize("make", [MLP.untrained, MLP.train])
def test_no_networks_or_empty_layers_are_an_error(make, fails):
    with fails(SpecificationError, "0 networks"):
        make(TASK, count=0)
    with fails(SpecificationError, "(16, 0)"):
        make(TASK, hidden=(16, 0))
