"""Audits of alignments whose verdict is known."""

from __future__ import annotations

import json
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from networks_by_hand import hand_wired as by_hand
from networks_by_hand import known_subspace
from torch import nn
from typer.testing import CliRunner

import interlocus as il
from interlocus.alignment.from_directions import AlignmentTarget, from_directions
from interlocus.cli.main import app
from interlocus.controls.nulls import negative_controls, random_directions
from interlocus.controls.used import inside as controls
from interlocus.controls.used.subspace import UsedSubspace
from interlocus.core.errors import AlignmentError, RunFolderError, UnknownNameError
from interlocus.networks import MLP, Module
from interlocus.networks.sources.untrained import untrained_like
from interlocus.tasks import HierarchicalEquality, SimpleEquality

TASK = HierarchicalEquality(item_width=2)
TASK_TEXT = "{name: hierarchical_equality, item_width: 2}"
QUICK = {
    "phases": (il.Phase(steps=40),),
    "budget": il.Budget(pool=4096, held_out=4096, partners=1, batch=128, check_every=20, validation=512, test=3000),
}


def hand_wired() -> MLP:
    return by_hand(item_width=2)


def with_unused_copies() -> MLP:
    """Layer 3 holds how many pairs are unequal, and each pair by itself. The rest reads the number only."""
    wired = hand_wired()
    unequal = torch.tensor([[1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.0]])
    count = torch.cat([unequal.sum(0, keepdim=True), unequal])
    weights = [
        wired.weights[0][0],
        wired.weights[1][0],
        count,
        torch.tensor([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]]),
        torch.tensor([[0.0, 0.0], [2.0, 2.0]]),
    ]
    biases = [
        wired.biases[0][0],
        wired.biases[1][0],
        torch.full((3,), 2.0),
        torch.tensor([-3.0, 3.0]),  # of the count plus two: (count − 1)⁺ and (1 − count)⁺
        torch.tensor([1.0, 0.0]),
    ]
    return MLP([w.unsqueeze(0) for w in weights], [b.unsqueeze(0) for b in biases], activation="relu")


def through_copies() -> il.Alignment:
    """Reads a pair from its copy, and writes the copy and the count."""
    read = torch.tensor([[[0.0, 1.0, 0.0]], [[0.0, 0.0, 1.0]]])
    write = torch.tensor([[[1.0, 1.0, 0.0]], [[1.0, 0.0, 1.0]]])
    return from_directions(AlignmentTarget(with_unused_copies(), TASK, "both", "layer3"), read, write)


def rotation(network: MLP, site: str, rows: torch.Tensor) -> il.Alignment:
    return from_directions(AlignmentTarget(network, TASK, "both", site), rows, None)


def sums() -> torch.Tensor:
    """Σ|a − b| and Σ|c − d|, which the rest of the network reads at layer 1: `[variable, 1, width]`."""
    return known_subspace(item_width=2).sum(1, keepdim=True) / 2


def computed() -> il.Alignment:
    """The sum of |a − b| for each pair, on which operands have no linear part."""
    return rotation(hand_wired(), "layer1", sums())


def with_an_operand() -> il.Alignment:
    """The same, and the first number of a − b, which the rest of the network does not read by itself."""
    neurons = known_subspace(item_width=2)
    first = (neurons[:, :1] - neurons[:, 2:3]) / 2**0.5
    return rotation(hand_wired(), "layer1", torch.cat([sums(), first], 1))


def known_used_subspaces(networks, task, *, site, agreement, alignments, seed):
    """What each of these networks needs of a site is known, so tests do not depend on whether it can be learned."""
    examples = task.draw_examples(2000, split="train", generator=torch.Generator().manual_seed(seed))
    width = networks.width(site)
    rows = {
        "layer1": torch.eye(2).repeat_interleave(width // 2, 1) / (width / 2) ** 0.5,  # Σ|a − b| and Σ|c − d|
        "layer3": torch.eye(3)[:1],  # the count
    }[site]
    mean = networks.activations(site, examples.inputs)[0].mean(0)
    return [UsedSubspace(site=site, mean=mean, rows=rows, agreement=1.0, agreement_at_mean=1.0)]


@pytest.fixture(scope="module", autouse=True)
def patched():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(controls, "used_subspaces", known_used_subspaces)
        few = partial(random_directions.random_subspace_scores, draws=20)
        patch.setattr(random_directions, "random_subspace_scores", few)
        yield


@pytest.fixture(scope="module")
def audited(patched) -> il.Audit:
    """The alignment that is computed, with all controls that are measured by default."""
    return il.audit(computed(), hand_wired(), TASK, **QUICK)


def words(audit: il.Audit) -> list[str]:
    return [verdict.word for verdict in audit.verdicts]


def texts(audit: il.Audit, control: str) -> list[str]:
    """What the evidence for the first variable says under this name."""
    return [row.text for row in audit.verdicts[0].evidence if row.control == control]


def test_a_variable_whose_value_alone_is_needed_is_computed(audited, tmp_path):
    """Σ|a − b| also tells how far two items are apart, which nothing needs."""
    assert words(audited) == ["computed", "computed"]
    assert "values suffice" in audited.verdicts[0].note
    assert audited.score.iia > 0.99
    assert audited.alignment.read_accuracy["left"] > 0.98
    assert "left" in texts(audited, "extraction")[0]
    audited.save(tmp_path / "audit")
    saved = json.loads((tmp_path / "audit" / "audit.json").read_text())
    assert [variable["verdict"] for variable in saved["variables"]] == words(audited)
    alignment = il.Alignment.load(tmp_path / "audit" / "alignment.safetensors")
    assert alignment.read_accuracy == audited.alignment.read_accuracy


DEFAULT_EVIDENCE = ("cell means", "used subspace", "operand leakage", "power", "probes", "code fit")


@pytest.mark.parametrize("control", [*DEFAULT_EVIDENCE, "distribution shift", "source variation"])
def test_each_control_that_is_measured_by_default_is_in_the_evidence(audited, control):
    for verdict in audited.verdicts:
        (row,) = [row for row in verdict.evidence if row.control == control]
        assert "not measured" not in row.text


def test_the_share_that_cell_means_keep_reaches_the_observation(audited):
    """At layer 1 the means hold how far two unequal items are apart on average, which is far more than zero."""
    for verdict in audited.verdicts:
        assert verdict.observation.kept_by_values > 0.99


def test_controls_that_are_not_asked_for_are_not_in_the_evidence(audited):
    assert not texts(audited, "negative controls")


def test_negative_controls_are_in_the_evidence_where_they_are_asked_for(monkeypatch):
    monkeypatch.setattr(negative_controls, "unused_copies_like", lambda *_, **__: SimpleNamespace(admitted=()))
    found = il.audit(computed(), hand_wired(), TASK, controls=("negative_controls",), **QUICK)
    assert len(texts(found, "negative controls")) == 1
    assert not texts(found, "probes")


def test_a_variable_whose_operands_are_exchanged_too_is_entangled(monkeypatch):
    """The same directions, had the rest of the network needed all of them."""

    def whole(networks, task, *, site, agreement, alignments, seed):
        return [UsedSubspace(site=site, mean=torch.zeros(8), rows=torch.eye(8), agreement=1.0, agreement_at_mean=1.0)]

    monkeypatch.setattr(controls, "used_subspaces", whole)
    found = il.audit(with_an_operand(), hand_wired(), TASK, controls=("used_subspace", "operand_leakage"), **QUICK)
    assert words(found) == ["entangled", "entangled"]  # without cell means nothing shows that the values suffice
    assert found.verdicts[0].observation.used.effects[0].operand_leakage > 0.5


def test_at_the_input_a_variable_is_entangled():
    half = torch.eye(2) / 2**0.5
    rows = torch.zeros(2, 2, 8)
    rows[0, :, :2], rows[0, :, 2:4], rows[1, :, 4:6], rows[1, :, 6:] = half, -half, half, -half
    found = il.audit(rotation(hand_wired(), "input", rows), hand_wired(), TASK, controls=(), **QUICK)
    assert found.score.iia > 0.99
    assert words(found) == ["entangled", "entangled"]


def test_an_alignment_that_takes_up_the_whole_site_is_no_evidence():
    whole = rotation(hand_wired(), "layer1", known_subspace(item_width=2))
    found = il.audit(whole, hand_wired(), TASK, controls=("used_subspace",), **QUICK)
    assert found.score.iia > 0.99
    assert words(found) == ["undecided", "undecided"]
    assert "whole site" in found.verdicts[0].missing_evidence[0]


def test_a_variable_of_which_the_rest_of_the_network_reads_the_count_only_is_merged():
    found = il.audit(through_copies(), with_unused_copies(), TASK, **QUICK)
    assert found.score.iia > 0.99, "the alignment has to score, or the test shows nothing"
    assert words(found) == ["merged", "merged"]
    assert found.verdicts[0].observation.used.rank == 1
    assert texts(found, "map") == ["‖P‖ of the projection: 1.41 for left, 1.41 for right; 1 is that of a rotation."]


def test_a_bad_alignment_of_a_variable_that_is_there_does_not_show_its_absence():
    confused = rotation(hand_wired(), "layer1", sums().flip(0))
    found = il.audit(confused, hand_wired(), TASK, **QUICK)
    assert found.score.iia < 0.7
    assert words(found) == ["undecided", "undecided"]
    assert "Another alignment" in found.verdicts[0].missing_evidence[0]


def test_without_controls_the_verdict_is_undecided_and_names_what_is_missing():
    found = il.audit(computed(), hand_wired(), TASK, controls=(), **QUICK)
    assert words(found) == ["undecided", "undecided"]
    assert "used subspace" in found.verdicts[0].missing_evidence[0]


def test_of_a_map_that_is_not_linear_nothing_is_said_inside_the_used_subspace():
    network = hand_wired()
    found = il.search(
        network, TASK, hypothesis="both", site="layer1", sizes=(2,), featurizer="coupling", starts={"covariance": 1},
        phases=(il.Phase(steps=5),), budget=QUICK["budget"],
    ).best(network=0, size=2)  # fmt: skip
    audit = il.audit(found, network, TASK, controls=("used_subspace",), **QUICK)
    assert texts(audit, "map") == ["The alignment is not linear."]
    assert "not measured" in texts(audit, "used subspace")[0]


def test_a_network_that_does_not_solve_the_task_has_not_learned_it():
    network = MLP.untrained(TASK, hidden=(8,), count=1)
    found = il.audit(rotation(network, "layer1", torch.eye(8).view(2, 4, 8)), network, TASK, controls=(), **QUICK)
    assert words(found) == ["not-learned", "not-learned"]


def test_untrained_networks_are_of_the_same_architecture():
    inputs, _ = TASK.labelled_inputs(4, split="test", generator=torch.Generator().manual_seed(0))
    plain = Module(nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 2)), sites={"h": "1"})
    plain.prepare(inputs)
    untrained = untrained_like(plain, seed=0)
    assert len({network.fingerprint() for network in [*untrained, plain]}) == 6
    assert all(network.sites == plain.sites for network in untrained)
    (perceptron,) = untrained_like(hand_wired(), seed=0)
    assert perceptron.sites == hand_wired().sites
    assert not torch.equal(perceptron.weights[0][0], hand_wired().weights[0][0])


def test_an_alignment_of_another_network_task_or_site_is_refused(fails, tmp_path):
    with fails(AlignmentError, "another"):
        il.audit(computed(), with_unused_copies(), TASK)
    with fails(AlignmentError, "simple_equality"):
        other = il.Alignment(**(vars(computed()) | {"task": "simple_equality"}))
        il.audit(other, hand_wired(), TASK)
    with fails(UnknownNameError, "variable"):
        il.audit(il.Alignment(**(vars(computed()) | {"variables": ("left", "top")})), hand_wired(), TASK)
    with fails(AlignmentError, "8 components", "4 activations"):
        il.audit(il.Alignment(**(vars(computed()) | {"site": "layer2"})), hand_wired(), TASK)
    with pytest.raises(il.InterlocusError, match="numbers"):
        il.audit(computed(), hand_wired(), SimpleEquality(item_width=3))
    found = il.audit(computed(), hand_wired(), TASK, controls=(), **QUICK)
    (tmp_path / "file").write_text("")
    with fails(RunFolderError, "cannot be written"):
        found.save(tmp_path / "file" / "audit")


def test_the_command_audit_prints_and_writes_the_same_verdicts(tmp_path, monkeypatch):
    from interlocus.studies import audit as audits

    monkeypatch.setattr(audits, "audit", partial(audits.audit, **QUICK))
    hand_wired().save(tmp_path / "network.safetensors")
    computed().save(tmp_path / "both.safetensors")
    command = ["audit", str(tmp_path / "both.safetensors"), "--network", str(tmp_path / "network.safetensors")]
    result = CliRunner().invoke(app, [*command, "--task", TASK_TEXT, "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert "left: IIA" in result.stdout
    assert "computed" in result.stdout
    assert "operand leakage" in result.stdout
    assert (tmp_path / "out" / "audit.json").is_file()
    plain = CliRunner().invoke(app, [*command, "--task", TASK_TEXT, "--seed", "3", "--json"])
    assert json.loads(plain.stdout)["variables"][1]["verdict"] == "computed"
