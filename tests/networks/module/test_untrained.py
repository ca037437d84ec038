"""Untrained modules have the architecture of the trained one and none of what it learned."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from interlocus.core.errors import NetworkError
from interlocus.networks.module import Module

INPUTS = torch.randn(8, 6, generator=torch.Generator().manual_seed(0))


class Attention(nn.Module):
    """A part with parameters and no `reset_parameters` (attention), a raw parameter and a buffer."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True)
        self.scale, self.head = nn.Parameter(torch.linspace(0.5, 1.5, 6)), nn.Linear(6, 2)
        self.register_buffer("offset", torch.arange(6.0))

    def forward(self, inputs):
        tokens = (inputs * self.scale + self.offset).unsqueeze(1)
        return self.head(self.attention(tokens, tokens, tokens, need_weights=False)[0][:, 0])


class Offset(nn.Module):
    """A part with a buffer only, such as a table of positions."""

    def __init__(self):
        super().__init__()
        self.register_buffer("offset", torch.arange(6.0))

    def forward(self, inputs):
        return inputs + self.offset


def state_of(network: Module) -> dict[str, torch.Tensor]:
    return network.module.state_dict()


def prepared(module: nn.Module, **settings) -> Module:
    network = Module(module, **settings)
    network.prepare(INPUTS)
    return network


def test_parameters_that_cannot_be_initialised_are_permuted_and_buffers_kept():
    network = prepared(Attention())
    before, random_state = network.fingerprint(), torch.random.get_rng_state()
    copies = network.untrained_copies(2, seed=5)
    assert len({before, *(one.fingerprint() for one in copies)}) == 3
    for copy in copies:
        for name, parameter in network.module.named_parameters():
            new = state_of(copy)[name]
            assert new.shape == parameter.shape
            assert torch.equal(new.flatten().sort().values, parameter.detach().flatten().sort().values)
        assert torch.equal(state_of(copy)["offset"], state_of(network)["offset"])
        assert copy(INPUTS).shape == network(INPUTS).shape
        assert copy.sites == network.sites
    assert "permuted" in network.untrained_parameters
    assert network.fingerprint() == before
    assert torch.equal(torch.random.get_rng_state(), random_state)


def test_the_seed_decides_and_each_copy_has_its_own():
    network = prepared(Attention())
    first, second = network.untrained_copies(2, seed=5)
    assert [one.fingerprint() for one in network.untrained_copies(2, seed=5)] == [
        first.fingerprint(),
        second.fingerprint(),
    ]
    assert network.untrained_copies(1, seed=6)[0].fingerprint() == second.fingerprint()


def test_shared_parameters_stay_shared():
    module = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 2))
    module[1].weight = module[0].weight
    module.register_parameter("extra", nn.Parameter(torch.ones(3)))  # without it, the layers would be initialised
    (copy,) = prepared(module).untrained_copies(1, seed=0)
    assert copy.module[1].weight is copy.module[0].weight


def test_a_part_with_buffers_only_does_not_prevent_initialisation():
    network = prepared(nn.Sequential(Offset(), nn.Linear(6, 2)))
    (copy,) = network.untrained_copies(1, seed=0)
    assert network.untrained_parameters == "initialised at random"
    assert not torch.equal(state_of(copy)["1.weight"].sort().values, state_of(network)["1.weight"].sort().values)
    assert torch.equal(state_of(copy)["0.offset"], state_of(network)["0.offset"])
    assert network.reinitialised(0) is not None


def test_a_module_that_cannot_be_initialised_cannot_be_trained_from_the_beginning():
    assert prepared(Attention()).reinitialised(0) is None


def test_the_function_of_the_user_is_preferred_and_is_kept_by_copies():
    seeds = []

    def untrained(seed: int) -> nn.Module:
        seeds.append(seed)
        return Attention()

    network = prepared(Attention(), untrained=untrained)
    (copy,) = network.untrained_copies(1, seed=7)
    assert seeds == [7]
    assert "function" in network.untrained_parameters
    assert not torch.equal(
        state_of(copy)["head.weight"].flatten().sort().values, state_of(network)["head.weight"].flatten().sort().values
    )
    copy.untrained_copies(1, seed=8)
    assert seeds == [7, 8]


def test_a_function_that_makes_another_architecture_is_refused(fails):
    network = prepared(Attention(), untrained=lambda seed: nn.Linear(6, 2))
    with fails(NetworkError, "another architecture"):
        network.untrained_copies(1, seed=0)


class PreTrained(nn.Module):
    """Stands in for a model of Hugging Face: it is built from a configuration, and has a device and a type."""

    def __init__(self, config):
        super().__init__()
        self.config, self.body = config, Attention()
        self.register_parameter("raw", nn.Parameter(torch.randn(3)))
        self.device, self.dtype = torch.device("cpu"), torch.float32

    def forward(self, inputs):
        return self.body(inputs)


def test_a_hugging_face_model_is_built_from_its_configuration(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "transformers", SimpleNamespace(PreTrainedModel=PreTrained))
    network = prepared(PreTrained(SimpleNamespace(width=6)))
    (copy,) = network.untrained_copies(1, seed=0)
    assert network.untrained_parameters == "initialised at random"
    assert isinstance(copy.module, PreTrained)
    assert not torch.equal(state_of(copy)["raw"].sort().values, state_of(network)["raw"].sort().values)
