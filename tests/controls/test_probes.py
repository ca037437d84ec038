"""The control `probes`: a variable coded by a spread is not linearly decodable until a layer computes it."""

from __future__ import annotations

import pytest
import torch
from control_contexts import context_of, evidence_of, observation_of, portfolio_of
from networks_by_hand import hand_wired

from interlocus.controls.ground_truth.hand_wired import count_only, count_with_unused_copies
from interlocus.controls.probes import PROBE_EXAMPLES, ProbeAccuracy, ProbesControl, probe_accuracies
from interlocus.core.errors import SpecificationError, UnknownNameError
from interlocus.core.random import derived_generator
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality()
ERROR = 0.5 / (PROBE_EXAMPLES / 2) ** 0.5


def test_a_spread_is_not_decodable_linearly_where_class_means_coincide():
    (found,) = probe_accuracies(hand_wired(), TASK, hypothesis="both", site="input")
    inputs = TASK.sample(PROBE_EXAMPLES, split="test", generator=derived_generator(5))
    states, equal = TASK.encode(inputs), TASK.values(inputs)["left"] == 1
    apart = states[equal].mean(0) - states[~equal].mean(0)
    assert float(apart.abs().max()) < 5 * (2 / (PROBE_EXAMPLES / 2)) ** 0.5
    for probe in found.values():
        assert probe.guess == pytest.approx(0.5, abs=5 * ERROR)
        assert probe.linear < 0.5 + 5 * ERROR  # a fit of 17 numbers to noise is fair on fresh examples
        assert probe.mlp > 0.95


@pytest.mark.parametrize("site", ["layer1", "layer2"])
def test_it_is_decodable_linearly_at_the_layer_that_computes_it(site):
    (found,) = probe_accuracies(hand_wired(), TASK, hypothesis="both", site=site)
    assert all(min(probe.linear, probe.mlp) > 0.99 for probe in found.values())


def test_of_a_count_each_half_is_half_known():
    """One of three counts says nothing of which pair is equal: three quarters of the examples can be told."""
    made = count_only(TASK, site="layer2", count=2)
    networks = probe_accuracies(made.networks, TASK, hypothesis="both", site="layer2")
    assert len(networks) == 2
    for found in networks:
        for probe in found.values():
            assert probe.linear == pytest.approx(0.75, abs=5 * ERROR)
            assert probe.mlp == pytest.approx(0.75, abs=5 * ERROR)
    for found in probe_accuracies(made.networks, TASK, hypothesis="count", site="layer2"):
        assert min(found["count"].linear, found["count"].mlp) > 0.99  # three values
        assert found["count"].guess == pytest.approx(0.5, abs=5 * ERROR)


def test_decodable_is_not_used():
    made = count_with_unused_copies(TASK, site="layer2", count=1)
    (found,) = probe_accuracies(made.networks, TASK, hypothesis="both", site="layer2")
    assert found["left"].linear > 0.99


def test_the_seed_decides():
    one, again = (
        probe_accuracies(hand_wired(), TASK, hypothesis="left", site="input", examples=1024) for _ in range(2)
    )
    assert one == again


def test_the_control_probes_each_variable_of_the_hypothesis_and_no_vector():
    network = hand_wired()
    portfolio = portfolio_of(hypothesis="left", seed=3)
    (probes,) = ProbesControl().measure(context_of(network, TASK, site="layer2", portfolio=portfolio))
    assert [probes] == probe_accuracies(network, TASK, hypothesis="left", site="layer2", seed=3)
    vector = portfolio_of(hypothesis="difference")
    assert ProbesControl().measure(context_of(network, TASK, site="layer2", portfolio=vector)) == [None]


def test_its_evidence_names_all_accuracies_and_decides_nothing():
    probes = {"left": ProbeAccuracy(linear=0.75, mlp=0.875, guess=0.5)}
    (row,) = evidence_of(observation_of(results={"probes": probes}), "probes")
    assert all(figure in row.text for figure in ("0.750", "0.875", "0.500"))
    assert row.passes is None
    assert not evidence_of(observation_of(results={"probes": {}}), "probes")


def test_the_global_generator_is_left_alone():
    before = torch.random.get_rng_state()
    probe_accuracies(hand_wired(), TASK, hypothesis="left", site="layer2", examples=512)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_what_no_probe_can_tell_is_refused(fails):
    with fails(SpecificationError, "'difference'"):
        probe_accuracies(hand_wired(), TASK, hypothesis="difference", site="layer1")
    with fails(UnknownNameError, "'layer1'"):
        probe_accuracies(hand_wired(), TASK, hypothesis="both", site="layr1")
