"""The shared encoder learns its task, forms a chain of modules, and encodes each item by itself."""

from __future__ import annotations

import pytest
import torch

from interlocus.core.errors import SpecificationError
from interlocus.networks.mlp.suffix import MLPSuffix
from interlocus.networks.module.suffix import ModuleSuffix
from interlocus.networks.sources.shared_encoder import make_shared_encoder
from interlocus.tasks import HierarchicalEquality
from interlocus.tasks.digits import Digits

TASK = Digits()
SMALL = {"hidden": (64, 64), "steps": 1200}


@pytest.fixture(scope="module")
def network():
    made = make_shared_encoder(TASK, seed=0, **SMALL)
    made.prepare(TASK.labelled_inputs(8, split="train", generator=torch.Generator().manual_seed(0))[0])
    return made


def test_a_trained_network_is_accurate_and_an_untrained_one_is_not(network):
    assert network.accuracy(TASK, seed=0)[0] > 0.85
    blank = make_shared_encoder(TASK, seed=0, trained=False, **SMALL)
    assert blank.accuracy(TASK, seed=0)[0] < 0.6


def test_a_code_depends_on_its_own_item_only(network):
    inputs = TASK.labelled_inputs(20, split="test", generator=torch.Generator().manual_seed(1))[0]
    changed = inputs.clone()
    changed[:, 64:128] = 0.5  # item b
    for item in "acd":
        torch.testing.assert_close(
            network.activations(f"code_{item}", inputs), network.activations(f"code_{item}", changed)
        )
    assert not torch.allclose(network.activations("code_b", inputs), network.activations("code_b", changed))
    whole = torch.cat([network.activations(f"code_{item}", inputs) for item in "abcd"], 2)
    torch.testing.assert_close(network.activations("codes", inputs), whole)


def test_suffixes_of_chains_run_only_the_modules_after_the_site(network):
    assert isinstance(network.suffix("codes"), MLPSuffix)
    assert isinstance(network.suffix("layer1"), MLPSuffix)
    assert isinstance(network.suffix("code_a"), ModuleSuffix)
    assert network.suffix("code_a").needs_inputs


def test_the_seed_determines_the_network(network):
    again = make_shared_encoder(TASK, seed=0, **(SMALL | {"steps": 20}))
    same = make_shared_encoder(TASK, seed=0, **(SMALL | {"steps": 20}))
    other = make_shared_encoder(TASK, seed=1, **(SMALL | {"steps": 20}))
    assert again.fingerprint() == same.fingerprint() != other.fingerprint()


def test_an_input_width_that_is_no_multiple_of_four_is_an_error(fails):
    class Odd(HierarchicalEquality):
        @property
        def input_width(self) -> int:
            return 7

    with fails(SpecificationError, "four items"):
        make_shared_encoder(Odd(), seed=0)
