"""Alignments of other tools: what is read is what was saved, nothing is unpickled, no rotation is refused."""

from __future__ import annotations

import json
import pickle

import pytest
import torch
from networks_by_hand import hand_wired
from safetensors.torch import save_file
from torch import nn

import interlocus as il
from interlocus.alignment.from_directions import AlignmentTarget, from_directions, parse_blocks
from interlocus.alignment.pyvene import from_pyvene, load_any
from interlocus.core.errors import AlignmentError, SpecificationError, UnknownNameError
from interlocus.core.random import derived_generator
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality()
BLOCKS = {"left": range(0, 8), "right": range(8, 16)}
BOTH = {"hypothesis": "both", "site": "layer1"}


@pytest.fixture(scope="module")
def turn():
    return torch.linalg.qr(torch.randn(16, 16, generator=derived_generator(0, "turn"))).Q


def state_of(turn: torch.Tensor) -> dict[str, torch.Tensor]:
    """What torch keeps of an orthogonal matrix, under the names that pyvene gives it."""
    layer = nn.Linear(turn.shape[1], turn.shape[0], bias=False)
    nn.utils.parametrizations.orthogonal(layer)
    layer.weight = turn
    return {f"rotate_layer.{name}": tensor for name, tensor in layer.state_dict().items()}


def folder_of(path, rotations, kind: str, partition=None):
    """A folder as pyvene 0.1.8 writes it."""
    keys = [f"layer_0_comp_block_output_unit_pos_nunit_1#{i}" for i in range(len(rotations))]
    path.mkdir()
    representation = [0, "block_output", "pos", 1, None, None, None, partition, None, 0, None, None, None, None]
    config = {
        "intervention_types": [f"<class 'pyvene.models.interventions.{kind}'>"] * len(keys),
        "sorted_keys": keys,
        "representations": [representation] * len(keys),
    }
    (path / "config.json").write_text(json.dumps(config))
    for key, rotation in zip(keys, rotations, strict=True):
        torch.save(state_of(rotation), path / f"intkey_{key}.bin")
    return path


def test_a_folder_is_read(tmp_path, turn):
    shared = folder_of(tmp_path / "shared", [turn, turn], "RotatedSpaceIntervention", [[0, 8], [8, 16]])
    bare = folder_of(tmp_path / "bare", [turn, turn], "RotatedSpaceIntervention")
    each = folder_of(tmp_path / "each", [turn[:, :4], turn[:, 8:10]], "LowRankRotatedSpaceIntervention")
    for folder, blocks, columns in (
        (shared, None, BLOCKS),
        (bare, BLOCKS, BLOCKS),
        (each, None, {"left": range(4), "right": range(8, 10)}),
    ):
        found = from_pyvene(folder, hand_wired(), TASK, **BOTH, blocks=blocks)
        for name, own in columns.items():
            basis = found.basis(name)
            torch.testing.assert_close(basis[:, basis.norm(dim=0) > 0], turn[:, list(own)], atol=1e-5, rtol=0)
        assert found.sizes == {name: len(own) for name, own in columns.items()}
        assert found.network == hand_wired().fingerprint()


def test_what_a_folder_does_not_say_is_asked_for(tmp_path, turn, fails):
    folder = folder_of(tmp_path / "one", [turn], "RotatedSpaceIntervention")
    with fails(AlignmentError, "left=0:4,right=4:8"):
        from_pyvene(folder, hand_wired(), TASK, **BOTH)
    with fails(AlignmentError, "at most"):
        from_pyvene(folder, hand_wired(), TASK, **BOTH, blocks={"left": [0, 1], "right": [1, 2]})
    with fails(SpecificationError, "--hypothesis"):
        load_any(folder, hand_wired(), TASK, site="layer1")


def test_other_interventions_are_refused(tmp_path, turn, fails):
    folder = folder_of(tmp_path / "boundless", [turn], "BoundlessRotatedSpaceIntervention")
    with fails(AlignmentError, "Boundless", "read` and `write"):
        from_pyvene(folder, hand_wired(), TASK, **BOTH)


class _Harm:
    def __reduce__(self):
        return pytest.fail, ("code of a file was run",)


def test_nothing_is_unpickled(tmp_path, turn, fails):
    folder = folder_of(tmp_path / "bad", [turn], "RotatedSpaceIntervention")
    (binary,) = folder.glob("*.bin")
    binary.write_bytes(pickle.dumps({"rotate_layer.weight": _Harm()}))
    with fails(AlignmentError, "cannot be read", "tensors"):
        from_pyvene(folder, hand_wired(), TASK, **BOTH, blocks=BLOCKS)
    torch.save({"rotate_layer.weight": _Harm()}, binary)
    with fails(AlignmentError, "cannot be read", "tensors"):
        from_pyvene(folder, hand_wired(), TASK, **BOTH, blocks=BLOCKS)


@pytest.mark.parametrize("damage", ["no folder", "no config", "cut short", "no binary"])
def test_a_damaged_folder_is_said(tmp_path, turn, damage, fails):
    folder = folder_of(tmp_path / "bad", [turn], "RotatedSpaceIntervention")
    (binary,) = folder.glob("*.bin")
    if damage == "no folder":
        folder = tmp_path / "none"
    elif damage == "no config":
        (folder / "config.json").write_text("{}")
    elif damage == "cut short":
        binary.write_bytes(binary.read_bytes()[:200])
    else:
        binary.unlink()
    with fails(AlignmentError, "cannot be read"):
        from_pyvene(folder, hand_wired(), TASK, **BOTH, blocks=BLOCKS)


def test_what_is_no_rotation_is_refused_unless_it_is_declared(tmp_path, turn, fails):
    bent = turn.clone()
    bent[:, 0] = bent[:, 0] + 0.2 * bent[:, 1]
    save_file({"directions": bent.contiguous()}, tmp_path / "bent.safetensors")
    with fails(AlignmentError, "no rotation", "0.2", "`read` and `write`"):
        load_any(tmp_path / "bent.safetensors", hand_wired(), TASK, **BOTH, blocks=BLOCKS)
    read, write = torch.linalg.inv(bent).reshape(2, 8, 16), bent.T.reshape(2, 8, 16).contiguous()
    save_file({"read": read.contiguous(), "write": write}, tmp_path / "linear.safetensors")
    found = load_any(tmp_path / "linear.safetensors", hand_wired(), TASK, **BOTH)
    assert found.featurizer == "linear"
    inputs, _ = TASK.labelled_inputs(4, split="test", generator=derived_generator(1))
    # all of the state is exchanged, whatever the basis
    swapped = found.intervene(hand_wired(), inputs[:2], left=inputs[2:], right=inputs[2:])
    torch.testing.assert_close(swapped, hand_wired()(inputs[2:])[0], atol=1e-3, rtol=1e-3)


def test_tensors_of_anybody(tmp_path, turn, fails):
    torch.save(turn, tmp_path / "turn.pt")
    found = load_any(tmp_path / "turn.pt", hand_wired(), TASK, **BOTH, blocks=BLOCKS)
    torch.testing.assert_close(found.basis("right"), turn[:, 8:])
    torch.save({"one": turn, "other": turn}, tmp_path / "two.pt")
    with fails(AlignmentError, "one, other"):
        load_any(tmp_path / "two.pt", hand_wired(), TASK, **BOTH)
    torch.save({"one": 3}, tmp_path / "number.pt")
    with fails(AlignmentError, "tensors by name"):
        load_any(tmp_path / "number.pt", hand_wired(), TASK, **BOTH)


def test_maps_that_fit_nothing(turn, fails):
    place = AlignmentTarget(hand_wired(), TASK, "both", "layer1")
    with fails(AlignmentError, "16 wide"):
        from_directions(place, torch.eye(12).reshape(2, 6, 12), None)
    with fails(AlignmentError, "as many maps"):
        from_directions(place, turn.T.unsqueeze(0), None)
    with fails(AlignmentError, "finite"):
        from_directions(place, torch.full((2, 8, 16), torch.nan), None)
    with fails(UnknownNameError, "layer9"):
        from_directions(place._replace(site="layer9"), turn.reshape(2, 8, 16), None)


def test_blocks_are_text():
    assert parse_blocks("left=0:2, right=2:4") == {"left": [0, 1], "right": [2, 3]}
    assert parse_blocks(None) is None


@pytest.mark.parametrize("text", ["left", "left=0", "left=a:b", "", "left=1:2:3:4"])
def test_blocks_that_cannot_be_understood(text, fails):
    with fails(SpecificationError, "left=0:8"):
        parse_blocks(text)


def test_without_pyvene_it_is_said(turn, monkeypatch, fails):
    monkeypatch.setitem(__import__("sys").modules, "pyvene", None)
    found = from_directions(AlignmentTarget(hand_wired(), TASK, "both", "layer1"), turn.T.reshape(2, 8, 16), None)
    with fails(AlignmentError, "bench"):
        il.to_pyvene(found)
