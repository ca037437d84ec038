"""Networks with a known ground truth as a source of networks."""

from __future__ import annotations

import pytest

from interlocus.controls.ground_truth.constructions import CODED
from interlocus.controls.ground_truth.source import (
    CONSTRUCTIONS,
    HAND_WIRED,
    PLANTING_CONSTRUCTIONS,
    GroundTruthNetworks,
)
from interlocus.core.errors import NetworkError, SpecificationError, UnknownNameError
from interlocus.networks import MLP
from interlocus.tasks import HierarchicalEquality, SimpleEquality

TASK = HierarchicalEquality(item_width=2)


@pytest.mark.parametrize("construction", HAND_WIRED)
def test_hand_wired_networks_solve_the_task(construction):
    source = GroundTruthNetworks(construction=construction, site="layer2")
    networks = source.make(TASK, count=2, trained=True, seed=3, on_progress=lambda share: None)
    assert len({network.fingerprint() for network in networks}) == 2
    assert all(min(network.accuracy(TASK, seed=4)) > 0.99 for network in networks)
    assert source.truth == "not there"


@pytest.mark.parametrize("construction", CONSTRUCTIONS)
def test_a_construction_says_whether_the_variables_are_there(construction):
    source = GroundTruthNetworks(construction=construction, site="layer2", size=4)
    coded = construction in CODED and CODED[construction].is_there()
    assert (source.truth == "there") == (construction in PLANTING_CONSTRUCTIONS or coded)
    assert construction in source.summary
    assert ("of size 4" in source.summary) == (construction in ("random_subspace", "fine_tuned"))


def test_a_group_can_have_several_coded_constructions():
    names = ("read_apart", "answer_beside")
    source = GroundTruthNetworks(construction="+".join(names), site="layer3", hidden=(24, 24, 16, 16, 16))
    together = source.make(TASK, count=2, trained=True, seed=3, on_progress=lambda share: None)
    alone = [
        GroundTruthNetworks(construction=name, site="layer3", hidden=(24, 24, 16, 16, 16)).make(
            TASK, count=1, trained=True, seed=3, on_progress=lambda share: None
        )[0]
        for name in names
    ]
    assert [one.fingerprint() for one in together] == [one.fingerprint() for one in alone]


def test_untrained_networks_are_plain_perceptrons():
    source = GroundTruthNetworks(construction="count_only", site="layer2", hidden=(8, 8))
    made = source.make(TASK, count=2, trained=False, seed=3, on_progress=lambda share: None)
    plain = MLP.untrained(TASK, hidden=(8, 8), count=2, seed=3)
    assert [network.fingerprint() for network in made] == [plain[i].fingerprint() for i in range(2)]


def test_what_cannot_be_constructed_is_refused(fails, monkeypatch):
    with fails(UnknownNameError, "count_only"):  # its weights are written in another way
        GroundTruthNetworks(construction="read_apart+count_only", site="layer3")
    with fails(UnknownNameError, "'count_only'"):
        GroundTruthNetworks(construction="count_onyl", site="layer2")
    wired = GroundTruthNetworks(construction="count_only", site="layer2")
    with fails(SpecificationError, "simple_equality", "hierarchical equality"):
        wired.make(SimpleEquality(), count=1, trained=True, seed=0, on_progress=lambda share: None)
    impossible = GroundTruthNetworks(construction="count_only", site="layer2", activation="sigmoid")
    monkeypatch.setattr("interlocus.controls.ground_truth.hand_wired.ADMITTED_IIA", 1.1)
    with fails(NetworkError, "only 0 passed"):
        impossible.make(TASK, count=1, trained=True, seed=0, on_progress=lambda share: None)
