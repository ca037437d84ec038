"""The network of four items: it learns, it is a row of parts, and a code holds one item only."""

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


def test_it_learns_to_tell_pairs_of_photographs_apart(network):
    assert network.accuracy(TASK, seed=0)[0] > 0.85
    blank = make_shared_encoder(TASK, seed=0, trained=False, **SMALL)
    assert blank.accuracy(TASK, seed=0)[0] < 0.6


def test_a_code_holds_its_own_item_and_no_other(network):
    inputs = TASK.labelled_inputs(20, split="test", generator=torch.Generator().manual_seed(1))[0]
    changed = inputs.clone()
    changed[:, 64:128] = 0.5  # b
    for item in "acd":
        torch.testing.assert_close(
            network.activations(f"code_{item}", inputs), network.activations(f"code_{item}", changed)
        )
    assert not torch.allclose(network.activations("code_b", inputs), network.activations("code_b", changed))
    whole = torch.cat([network.activations(f"code_{item}", inputs) for item in "abcd"], 2)
    torch.testing.assert_close(network.activations("codes", inputs), whole)


def test_only_what_is_behind_a_site_is_run(network):
    assert isinstance(network.suffix("codes"), MLPSuffix)
    assert isinstance(network.suffix("layer1"), MLPSuffix)
    assert isinstance(network.suffix("code_a"), ModuleSuffix)
    assert network.suffix("code_a").needs_inputs


def test_a_seed_decides_on_everything(network):
    again = make_shared_encoder(TASK, seed=0, **(SMALL | {"steps": 20}))
    same = make_shared_encoder(TASK, seed=0, **(SMALL | {"steps": 20}))
    other = make_shared_encoder(TASK, seed=1, **(SMALL | {"steps": 20}))
    assert again.fingerprint() == same.fingerprint() != other.fingerprint()


def test_a_task_whose_inputs_are_no_four_items_is_refused(fails):
    class Odd(HierarchicalEquality):
        @property
        def input_width(self) -> int:
            return 7

    with fails(SpecificationError, "four items"):
        make_shared_encoder(Odd(), seed=0)
