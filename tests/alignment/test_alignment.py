"""An alignment: reading a variable, setting it, keeping both, and what its maps are like."""

from __future__ import annotations

import pytest
import torch
from networks_by_hand import hand_wired, mean_coded

import interlocus as il
from interlocus.core.errors import AlignmentError, UnknownNameError
from interlocus.core.random import derived_generator
from interlocus.featurizers import Frames
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality()
SMALL = il.Budget(pool=8192, held_out=4096, partners=1, batch=128, check_every=25, validation=1024, test=3000)


@pytest.fixture(scope="module")
def pool():
    return TASK.draw_examples(4000, split="test", generator=derived_generator(3, "pool", "test"))


@pytest.fixture(scope="module")
def at_the_input() -> il.Alignment:
    """`left` where it is coded by a variance: both means are zero."""
    found = il.search(
        hand_wired(), TASK, hypothesis="left", site="input", sizes=(4,), starts={"covariance": 1},
        phases=(il.Phase(steps=1),), budget=SMALL,
    )  # fmt: skip
    return found.best(network=0, size=4)


def test_what_is_read_is_the_value(at_the_input, pool):
    reading = at_the_input.extract(hand_wired(), pool.inputs)["left"]
    score = il.evaluate(at_the_input, hand_wired(), TASK, budget=SMALL)
    accuracy = float((reading.value == pool.values["left"]).float().mean())
    assert accuracy > score.iia - 0.02
    assert accuracy == pytest.approx(at_the_input.read_outs["left"].accuracy, abs=0.02)
    torch.testing.assert_close(reading.features, at_the_input.features(hand_wired(), pool.inputs)["left"])


def test_what_is_written_is_read_again(pool):
    """Setting `left` to what it is in a source makes the answer that of the causal model."""
    network = mean_coded()
    found = il.search(
        network, TASK, hypothesis="both", site="layer3", sizes=(1,), starts={"random": 4},
        phases=(il.Phase(steps=300),), budget=SMALL,
    )  # fmt: skip
    best = found.best(network=0, size=1)
    half = len(pool.inputs) // 2
    base, source = pool.inputs[:half], pool.inputs[half:]
    answer = best.intervene(network, base, left=source).argmax(1)
    left, right = best.extract(network, source)["left"].value, best.extract(network, base)["right"].value
    assert float((answer == (left == right).long()).float().mean()) > 0.98


def test_read_outs_are_kept_in_the_file(at_the_input, pool, tmp_path):
    at_the_input.save(tmp_path / "left.safetensors")
    again = il.Alignment.load(tmp_path / "left.safetensors")
    one, other = (found.extract(hand_wired(), pool.inputs)["left"] for found in (at_the_input, again))
    for part, same in zip(one, other, strict=True):
        torch.testing.assert_close(part, same, rtol=0, atol=0)
    assert again.read_outs["left"].method == at_the_input.read_outs["left"].method


def test_without_a_read_out_it_says_how_to_get_one(at_the_input, pool, fails):
    bare = il.Alignment(
        **{name: value for name, value in vars(at_the_input).items() if name != "read_outs"},
    )
    with fails(AlignmentError, "fitted"):
        bare.extract(hand_wired(), pool.inputs)
    assert bare.fitted(hand_wired(), TASK).extract(hand_wired(), pool.inputs)["left"].value.shape == (4000,)


def test_another_network_is_refused(at_the_input, pool, fails):
    with fails(AlignmentError, "another"):
        at_the_input.extract(mean_coded(), pool.inputs)


def alignment(read: torch.Tensor, write: torch.Tensor) -> il.Alignment:
    return il.Alignment(
        site="layer1", hypothesis="both", variables=("left", "right"), featurizer="linear", network="none",
        task="none", frames=Frames(read=read, write=write),
    )  # fmt: skip


def oblique() -> il.Alignment:
    square = torch.randn(6, 6, dtype=torch.float64, generator=derived_generator(0))
    inverse = torch.linalg.inv(square).T
    return alignment(square[:4].view(2, 2, 6), inverse[:4].view(2, 2, 6))


def test_an_orthogonal_projection_has_norm_one_and_condition_one():
    rows = torch.linalg.qr(torch.randn(6, 6, dtype=torch.float64, generator=derived_generator(1))).Q[:4].view(2, 2, 6)
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
    nothing = Frames(*torch.zeros(2, 1, 2, 5, 6)).select(0)
    one = alignment(*nothing)
    one.save(tmp_path / "nothing.safetensors")
    again = il.Alignment.load(tmp_path / "nothing.safetensors")
    assert again.sizes == {"left": 0, "right": 0}
    assert again.projection_norm("left") == 0
    states = torch.randn(3, 6, generator=derived_generator(0))
    assert torch.equal(again.frames.swap(states, {0: states.flip(0)}), states)
