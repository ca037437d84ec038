"""Alignments whose truth is known, under audit."""

from __future__ import annotations

import json
from functools import partial

import pytest
import torch
from networks_by_hand import hand_wired as by_hand
from networks_by_hand import known_subspace
from torch import nn
from typer.testing import CliRunner

import interlocus as il
from interlocus.alignment.from_directions import AlignmentTarget, from_directions
from interlocus.cli.main import app
from interlocus.controls import record as controls
from interlocus.controls.used_subspace import UsedSubspace
from interlocus.core.errors import AlignmentError, RunFolderError, UnknownNameError
from interlocus.networks import MLP, Module
from interlocus.networks.sources.untrained import untrained_like
from interlocus.studies import audit_evidence as audited
from interlocus.tasks import HierarchicalEquality, SimpleEquality

TASK = HierarchicalEquality(item_width=2)
WRITTEN = "{name: hierarchical_equality, item_width: 2}"
QUICK = {
    "phases": (il.Phase(steps=40),),
    "budget": il.Budget(pool=4096, held_out=4096, partners=1, batch=128, check_every=20, validation=512, test=3000),
}


def hand_wired() -> MLP:
    return by_hand(item_width=2)


def dormant() -> MLP:
    """Layer 3 holds how many pairs are unequal, which is all that is read, and beside it each pair by itself."""
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
    return from_directions(AlignmentTarget(dormant(), TASK, "both", "layer3"), read, write)


def rotation(network: MLP, site: str, rows: torch.Tensor) -> il.Alignment:
    return from_directions(AlignmentTarget(network, TASK, "both", site), rows, None)


def computed() -> il.Alignment:
    """All neurons of a pair; what is read of them is the sum of |a − b|, on which operands have no linear part."""
    return rotation(hand_wired(), "layer1", known_subspace(item_width=2))


@pytest.fixture(autouse=True)
def truth(monkeypatch):
    """What each of these networks needs of a site is known: here it is not asked whether that can be learned."""

    def used_subspaces(networks, task, *, site, agreement, hints, seed):
        width, pool = (
            networks.width(site),
            task.pool(2000, split="train", generator=torch.Generator().manual_seed(seed)),
        )
        rows = {
            "layer1": torch.eye(2).repeat_interleave(width // 2, 1) / (width / 2) ** 0.5,  # Σ|a − b| and Σ|c − d|
            "layer3": torch.eye(3)[:1],  # the count
        }[site]
        mean = networks.activations(site, pool.inputs)[0].mean(0)
        return [UsedSubspace(site=site, mean=mean, rows=rows, agreement=1.0)]

    monkeypatch.setattr(controls, "used_subspaces", used_subspaces)
    monkeypatch.setattr(audited, "used_subspaces", used_subspaces)
    monkeypatch.setattr(controls, "NULL_DRAWS", 20)


def words(found: il.Audit) -> list[str]:
    return [verdict.word for verdict in found.verdicts]


def row(found: il.Audit, control: str) -> list[str]:
    return [row.text for row in found.verdicts[0].evidence if row.control == control]


def test_values_alone_are_computed(tmp_path):
    found = il.audit(computed(), hand_wired(), TASK, **QUICK)
    assert words(found) == ["computed", "computed"]
    assert found.score.iia > 0.99
    assert found.alignment.read_accuracy["left"] > 0.98
    assert "left" in row(found, "decodable")[0]
    found.save(tmp_path / "kept")
    kept = json.loads((tmp_path / "kept" / "audit.json").read_text())
    assert [one["verdict"] for one in kept["variables"]] == ["computed", "computed"]
    assert il.Alignment.load(tmp_path / "kept" / "alignment.safetensors").read_accuracy == found.alignment.read_accuracy


def test_where_operands_pass_it_is_relayed(monkeypatch):
    """The same directions, had the rest of the network needed all of them."""

    def whole(networks, task, *, site, agreement, hints, seed):
        return [UsedSubspace(site=site, mean=torch.zeros(8), rows=torch.eye(8), agreement=1.0)]

    monkeypatch.setattr(audited, "used_subspaces", whole)
    found = il.audit(computed(), hand_wired(), TASK, **QUICK)
    assert words(found) == ["entangled", "entangled"]
    assert found.verdicts[0].seen.used.entries[0].pure > 0.5


def test_the_input_computes_nothing():
    half = torch.eye(2) / 2**0.5
    rows = torch.zeros(2, 2, 8)
    rows[0, :, :2], rows[0, :, 2:4], rows[1, :, 4:6], rows[1, :, 6:] = half, -half, half, -half
    found = il.audit(rotation(hand_wired(), "input", rows), hand_wired(), TASK, controls=(), **QUICK)
    assert found.score.iia > 0.99
    assert words(found) == ["entangled", "entangled"]


def test_a_copy_that_nobody_reads_is_unused():
    found = il.audit(through_copies(), dormant(), TASK, **QUICK)
    assert found.score.iia > 0.99, "the trap is no trap"
    assert words(found) == ["unused", "unused"]
    assert found.verdicts[0].seen.used.rank == 1
    assert row(found, "map") == ["‖P‖ of the projection: 1.41 for left, 1.41 for right; 1 is that of a rotation."]


def test_a_bad_alignment_of_what_is_there_is_no_absence():
    confused = rotation(hand_wired(), "layer1", known_subspace(item_width=2).flip(0))
    found = il.audit(confused, hand_wired(), TASK, **QUICK)
    assert found.score.iia < 0.7
    assert words(found) == ["undecided", "undecided"]
    assert "Another alignment" in found.verdicts[0].wanted[0]


def test_without_controls_it_is_undecided_and_says_why():
    found = il.audit(computed(), hand_wired(), TASK, controls=(), **QUICK)
    assert words(found) == ["undecided", "undecided"]
    assert "used subspace" in found.verdicts[0].wanted[0]


def test_a_network_that_cannot_do_the_task():
    network = MLP.untrained(TASK, hidden=(8,), count=1)
    found = il.audit(rotation(network, "layer1", torch.eye(8).view(2, 4, 8)), network, TASK, controls=(), **QUICK)
    assert words(found) == ["not-learned", "not-learned"]


def test_what_cannot_be_made_anew_lacks_a_null():
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.bend = nn.Linear(8, 4), nn.Parameter(torch.ones(4))
            self.last = nn.Linear(4, 2)

        def forward(self, x):
            return self.last(torch.relu(self.first(x) * self.bend))

    inputs, _ = TASK.examples(4, split="test", generator=torch.Generator().manual_seed(0))
    plain = Module(nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 2)), sites={"h": "1"})
    for network in (plain, Module(Own(), sites={"h": "first"})):
        network.prepare(inputs)
    assert untrained_like(Module(Own(), sites={"h": "first"}), seed=0) == []
    blank = untrained_like(plain, seed=0)
    assert len({one.fingerprint() for one in [*blank, plain]}) == 6
    assert all(one.sites == plain.sites for one in blank)
    (like,) = untrained_like(hand_wired(), seed=0)
    assert like.sites == hand_wired().sites
    assert not torch.equal(like.weights[0][0], hand_wired().weights[0][0])


def test_what_belongs_elsewhere_is_refused(fails, tmp_path):
    with fails(AlignmentError, "another"):
        il.audit(computed(), dormant(), TASK)
    with fails(AlignmentError, "simple_equality"):
        other = il.Alignment(**(vars(computed()) | {"task": "simple_equality"}))
        il.audit(other, hand_wired(), TASK)
    with fails(UnknownNameError, "variable"):
        il.audit(il.Alignment(**(vars(computed()) | {"variables": ("left", "top")})), hand_wired(), TASK)
    with fails(AlignmentError, "8 numbers", "4 wide"):
        il.audit(il.Alignment(**(vars(computed()) | {"site": "layer2"})), hand_wired(), TASK)
    with pytest.raises(il.InterlocusError, match="numbers each"):
        il.audit(computed(), hand_wired(), SimpleEquality(item_width=3))
    found = il.audit(computed(), hand_wired(), TASK, controls=(), **QUICK)
    (tmp_path / "file").write_text("")
    with fails(RunFolderError, "cannot be written"):
        found.save(tmp_path / "file" / "kept")


def test_from_the_shell(tmp_path, monkeypatch):
    from interlocus.studies import audit as audits

    monkeypatch.setattr(audits, "audit", partial(audits.audit, **QUICK))
    hand_wired().save(tmp_path / "network.safetensors")
    computed().save(tmp_path / "both.safetensors")
    asked = ["audit", str(tmp_path / "both.safetensors"), "--network", str(tmp_path / "network.safetensors")]
    result = CliRunner().invoke(app, [*asked, "--task", WRITTEN, "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert "left: IIA" in result.stdout
    assert "computed" in result.stdout
    assert "value-pure" in result.stdout
    assert (tmp_path / "out" / "audit.json").is_file()
    plain = CliRunner().invoke(app, [*asked, "--task", WRITTEN, "--seed", "3", "--json"])
    assert json.loads(plain.stdout)["variables"][1]["verdict"] == "computed"
