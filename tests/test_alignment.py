"""What an alignment says of itself; how it is used is in test_interchange.py."""

from __future__ import annotations

import pytest
import torch

import interlocus as il
from interlocus.errors import UnknownNameError
from interlocus.featurizers import Frames
from interlocus.seeds import stream


def alignment(read: torch.Tensor, write: torch.Tensor) -> il.Alignment:
    return il.Alignment(
        site="layer1", hypothesis="both", variables=("left", "right"), featurizer="linear", network="none",
        task="none", frames=Frames(read=read, write=write),
    )  # fmt: skip


def oblique() -> il.Alignment:
    square = torch.randn(6, 6, dtype=torch.float64, generator=stream(0))
    inverse = torch.linalg.inv(square).T
    return alignment(square[:4].view(2, 2, 6), inverse[:4].view(2, 2, 6))


def test_an_orthogonal_projection_has_norm_one_and_condition_one():
    rows = torch.linalg.qr(torch.randn(6, 6, dtype=torch.float64, generator=stream(1))).Q[:4].view(2, 2, 6)
    one = alignment(rows, rows)
    assert one.projection_norm("left") == pytest.approx(1)
    assert one.condition == pytest.approx(1)


@pytest.mark.parametrize("variable", ["left", "right"])
def test_the_norm_is_that_of_the_whole_projection(variable):
    one = oblique()
    index = one.variables.index(variable)
    whole = one.frames.write[index].T @ one.frames.read[index]
    assert torch.allclose(whole @ whole, whole)
    assert one.projection_norm(variable) == pytest.approx(float(torch.linalg.matrix_norm(whole, 2)))
    assert one.projection_norm(variable) > 1


def test_rescaling_features_changes_the_condition_but_not_the_norm():
    one = oblique()
    scale = torch.tensor([10.0, 0.5]).double().view(1, 2, 1)
    scaled = alignment(one.frames.read * scale, one.frames.write / scale)
    assert scaled.projection_norm("left") == pytest.approx(one.projection_norm("left"))
    assert scaled.condition != pytest.approx(one.condition)


def test_sizes_count_the_rows_in_use():
    rows = torch.eye(6)[:4].view(2, 2, 6).clone()
    rows[1, 1] = 0
    one = alignment(rows, rows)
    assert one.sizes == {"left": 2, "right": 1}
    assert one.size == 2
    assert one.projection_norm("right") == pytest.approx(1)
    assert one.condition == pytest.approx(1)


def test_an_unknown_variable_is_named(fails):
    with fails(UnknownNameError, "lefty"):
        oblique().projection_norm("lefty")


def test_an_alignment_of_nothing_is_kept_too(tmp_path):
    """A mask may select nothing: then an interchange changes nothing."""
    nothing = Frames(*torch.zeros(2, 1, 2, 5, 6)).of(0)
    one = alignment(*nothing)
    one.save(tmp_path / "nothing.safetensors")
    again = il.Alignment.load(tmp_path / "nothing.safetensors")
    assert again.sizes == {"left": 0, "right": 0}
    assert again.projection_norm("left") == 0
    states = torch.randn(3, 6, generator=stream(0))
    assert torch.equal(again.frames.swap(states, {0: states.flip(0)}), states)
