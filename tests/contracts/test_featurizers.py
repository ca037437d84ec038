"""What every registered featurizer keeps to."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from interlocus.featurizers import AbstractFeaturizer, Frames, Identity
from interlocus.featurizers.rotation import orthonormalise
from interlocus.registry import FEATURIZERS
from interlocus.seeds import stream

WIDTH, VARIABLES = 12, 2
SIZES = (3, 1, 2, 3)
"""Features a variable, for each search of a stack."""


@pytest.fixture(params=list(FEATURIZERS))
def featurizer(request) -> AbstractFeaturizer:
    return FEATURIZERS.get(request.param)()


@pytest.fixture(params=[name for name in FEATURIZERS if FEATURIZERS.get(name)().trainable])
def trainable(request) -> AbstractFeaturizer:
    return FEATURIZERS.get(request.param)()


def begin(
    sizes=SIZES, *, width=WIDTH, variables=VARIABLES, dtype=torch.float64, neurons=False
) -> tuple[Tensor, Tensor]:
    """Directions and mask of searches of several sizes: at random, or neurons at random."""
    most = max(sizes)
    directions = torch.zeros(len(sizes), variables, most, width, dtype=dtype)
    mask = torch.zeros(len(sizes), variables, most, 1, dtype=dtype)
    for search, size in enumerate(sizes):
        generator = stream(search, "directions")
        square = torch.randn(width, width, dtype=torch.float64, generator=generator)
        basis = torch.eye(width).double()[torch.randperm(width, generator=generator)]
        rows = basis if neurons else torch.linalg.qr(square).Q
        directions[search, :, :size] = rows[: variables * size].view(variables, size, width).to(dtype)
        mask[search, :, :size] = 1
    return directions, mask


def moved(featurizer: AbstractFeaturizer, directions: Tensor, mask: Tensor) -> Tensor:
    """Allowed parameters away from the start, as after some steps."""
    parameters = featurizer.begin(directions)
    if not featurizer.trainable:
        return parameters
    step = torch.randn(parameters.shape, dtype=parameters.dtype, generator=stream(9, "step"))
    used = (parameters.norm(dim=-1, keepdim=True) > 0).to(parameters.dtype)
    # once more, for a step as large as this leaves a little to do
    return featurizer.constrain(featurizer.constrain(parameters + 0.1 * used * step))


def swap(frames: Frames, base: Tensor, sources: Tensor) -> Tensor:
    """h + Σ wᵀ r (h_source − h), with a source for each variable: `[search row width]`."""
    difference = sources - base
    features = torch.einsum("svfw,vrw->svrf", frames.read, difference)
    return base + torch.einsum("svrf,svfw->srw", features, frames.write)


def activations(count: int, *, dtype=torch.float64, width=WIDTH) -> Tensor:
    return torch.randn(count, 20, width, dtype=dtype, generator=stream(1, "activations"))


def flat(part: Tensor) -> Tensor:
    return part.flatten(1, 2)


def close(one: Tensor, other: Tensor) -> bool:
    """To the accuracy of double precision, with room for the condition of the maps here (below 100)."""
    return torch.allclose(one, other, rtol=0, atol=1e-11)


def test_frames_read_and_write_what_the_search_begins_with(featurizer):
    directions, mask = begin(neurons=isinstance(featurizer, Identity))
    frames, _ = featurizer.frames(featurizer.begin(directions), mask)
    assert close(frames.read, directions)
    assert close(frames.write, directions)


def test_neurons_are_directions_too(featurizer):
    directions, mask = begin(neurons=True)
    frames, _ = featurizer.frames(featurizer.begin(directions), mask)
    assert close(frames.read, directions)


def test_the_identity_takes_the_neurons_that_the_directions_point_to():
    directions, mask = begin((2,), width=5)
    frames, _ = Identity().frames(Identity().begin(directions), mask)
    rows, chosen = flat(directions)[0], flat(frames.read)[0]
    assert torch.equal(chosen.sum(1), torch.ones(4).double())
    assert torch.equal(chosen.unique(), torch.tensor([0.0, 1.0]).double())
    assert chosen.sum(0).max() == 1
    best = max(sum(rows[i, n].abs() for i, n in enumerate(ns)) for ns in itertools.permutations(range(5), 4))
    assert (rows.abs() * chosen).sum() == pytest.approx(float(best))


@pytest.mark.parametrize("where", ["start", "moved"])
def test_rows_behind_the_size_of_a_search_are_zero(featurizer, where):
    directions, mask = begin()
    parameters = featurizer.begin(directions) if where == "start" else moved(featurizer, directions, mask)
    frames, _ = featurizer.frames(parameters, mask)
    for part in frames:
        assert part.shape == directions.shape
        assert (part * (1 - mask) == 0).all()
        assert (part.norm(dim=3, keepdim=True) > 0).eq(mask.bool()).all()


@pytest.mark.parametrize("where", ["start", "moved"])
def test_what_is_written_to_a_feature_is_read_from_it_and_from_no_other(featurizer, where):
    directions, mask = begin()
    parameters = featurizer.begin(directions) if where == "start" else moved(featurizer, directions, mask)
    frames, _ = featurizer.frames(parameters, mask)
    table = flat(frames.read) @ flat(frames.write).transpose(1, 2)
    assert close(table, torch.diag_embed(flat(mask).squeeze(2)))


def test_a_base_that_is_its_own_source_changes_nothing(featurizer):
    directions, mask = begin()
    frames, _ = featurizer.frames(moved(featurizer, directions, mask), mask)
    (base,) = activations(1)
    assert torch.equal(swap(frames, base, base.expand(VARIABLES, -1, -1)), base.expand(len(SIZES), -1, -1))


def test_a_swap_gives_the_features_of_the_source_and_keeps_those_of_the_other_variable(featurizer):
    directions, mask = begin()
    frames, _ = featurizer.frames(moved(featurizer, directions, mask), mask)
    base, source = activations(2)
    after = swap(frames, base, torch.stack([source, base]))
    read = torch.einsum("svfw,srw->svrf", frames.read, after)
    assert close(read[:, 0], torch.einsum("sfw,rw->srf", frames.read[:, 0], source))
    assert close(read[:, 1], torch.einsum("sfw,rw->srf", frames.read[:, 1], base))
    assert not close(after, base.expand_as(after))


def test_two_variables_take_their_features_from_two_sources(featurizer):
    directions, mask = begin()
    frames, _ = featurizer.frames(moved(featurizer, directions, mask), mask)
    base, *sources = activations(3)
    after = swap(frames, base, torch.stack(sources))
    read = torch.einsum("svfw,srw->svrf", frames.read, after)
    assert close(read, torch.einsum("svfw,vrw->svrf", frames.read, torch.stack(sources)))


@pytest.mark.parametrize("variables", [1, 2, 3])
def test_swapping_every_feature_is_replacing_the_whole_activation(featurizer, variables):
    directions, mask = begin((WIDTH // variables,) * 2, variables=variables)
    frames, _ = featurizer.frames(moved(featurizer, directions, mask), mask)
    base, source = activations(2)
    after = swap(frames, base, source.expand(variables, -1, -1))
    assert close(after, source.expand_as(after))


def test_searches_know_nothing_of_each_other(featurizer):
    directions, mask = begin()
    parameters = moved(featurizer, directions, mask)
    together, saved = featurizer.frames(parameters, mask)
    gradient = _gradient(mask)
    pulled = featurizer.pull(parameters, saved, gradient)
    for search in range(len(SIZES)):
        one = slice(search, search + 1)
        alone, saved = featurizer.frames(parameters[one], mask[one])
        assert close(alone.read, together.read[one])
        assert close(alone.write, together.write[one])
        assert close(featurizer.pull(parameters[one], saved, Frames(*(part[one] for part in gradient))), pulled[one])
        assert close(featurizer.begin(directions[one]), featurizer.begin(directions)[one])


def _gradient(mask: Tensor) -> Frames:
    """A linear functional of the maps. It is blind to rows behind the size, as every loss is: they carry nothing."""
    shape = (*mask.shape[:3], WIDTH)
    parts = (torch.randn(shape, dtype=torch.float64, generator=stream(2, "functional", i)) * mask for i in range(2))
    return Frames(*parts)


def test_pull_is_the_gradient_along_the_allowed_parameters(trainable):
    """Held against autograd, through what brings parameters back to allowed ones.

    The differential of that is the projection on the tangent space, since it takes the nearest ones.
    """
    directions, mask = begin()
    parameters, gradient = moved(trainable, directions, mask), _gradient(mask)
    leaf = parameters.clone().requires_grad_()
    frames, _ = trainable.frames(trainable.constrain(leaf), mask)
    (gradient.read * frames.read).sum().add((gradient.write * frames.write).sum()).backward()
    _, saved = trainable.frames(parameters, mask)
    pulled = trainable.pull(parameters, saved, gradient)
    assert pulled.norm() > 1
    assert torch.allclose(pulled, leaf.grad, rtol=1e-9, atol=1e-9)


def test_pull_is_what_finite_differences_say(trainable):
    directions, mask = begin((3, 2))
    parameters, gradient = moved(trainable, directions, mask), _gradient(mask)
    _, saved = trainable.frames(parameters, mask)
    pulled = trainable.pull(parameters, saved, gradient)

    def value(at: Tensor) -> float:
        frames, _ = trainable.frames(at, mask)
        return float((gradient.read * frames.read).sum() + (gradient.write * frames.write).sum())

    numerical, step = torch.zeros_like(parameters), 1e-5
    for index in itertools.product(*map(range, parameters.shape)):
        change = torch.zeros_like(parameters)
        change[index] = step
        numerical[index] = (value(parameters + change) - value(parameters - change)) / (2 * step)
    if trainable.name == "rotation":
        # the functional does not see the rows behind the size, but their entries move the map they stand in
        numerical = numerical * flat(mask)
        inner = numerical @ parameters.transpose(1, 2)
        numerical = numerical - (inner + inner.transpose(1, 2)) / 2 @ parameters
    # a central difference is off by step² / 6 of a third derivative, here at most a few hundred
    assert torch.allclose(pulled, numerical, rtol=1e-6, atol=1e-7)


def test_what_cannot_be_trained_is_not_pulled(featurizer):
    directions, mask = begin()
    parameters = featurizer.begin(directions)
    _, saved = featurizer.frames(parameters, mask)
    pulled = featurizer.pull(parameters, saved, _gradient(mask))
    assert pulled.shape == parameters.shape
    assert bool(pulled.any()) == featurizer.trainable


def test_constraining_allowed_parameters_changes_nothing(featurizer):
    directions, mask = begin()
    parameters = moved(featurizer, directions, mask)
    assert close(featurizer.constrain(parameters), parameters)


def test_functions_leave_their_arguments_alone(featurizer):
    directions, mask = begin()
    gradient = _gradient(mask)
    parameters = featurizer.begin(directions)
    given = (directions, mask, parameters, *gradient)
    before = [tensor.clone() for tensor in given]
    frames, saved = featurizer.frames(parameters, mask)
    featurizer.pull(parameters, saved, gradient)
    featurizer.constrain(parameters)
    assert all(torch.equal(one, other) for one, other in zip(given, before, strict=True))
    assert frames.read.shape == directions.shape


def test_training_lowers_a_loss_and_keeps_every_law(trainable):
    """Steepest descent in single precision, on how far a swap is from a wanted activation."""
    directions, mask = begin(dtype=torch.float32)
    parameters = trainable.begin(directions)
    base, one, other, wanted = activations(4, dtype=torch.float32)
    losses = []
    for _ in range(40):
        frames, saved = trainable.frames(parameters, mask)
        leaves = Frames(*(part.clone().requires_grad_() for part in frames))
        loss = (swap(leaves, base, torch.stack([one, other])) - wanted).square().mean((1, 2))
        loss.sum().backward()
        losses.append(loss.detach())
        pulled = trainable.pull(parameters, saved, Frames(leaves.read.grad, leaves.write.grad))
        parameters = trainable.constrain(parameters - 0.02 * pulled)
    assert (losses[-1] < losses[0]).all()
    frames, _ = trainable.frames(parameters, mask)
    table = flat(frames.read) @ flat(frames.write).transpose(1, 2)
    # single precision, and maps whose condition stays below ten
    assert torch.allclose(table, torch.diag_embed(flat(mask).squeeze(2)), atol=1e-5)
    for part in frames:
        assert (part * (1 - mask) == 0).all()


@pytest.mark.parametrize("rate", [0.003, 0.01, 0.03])
def test_rows_are_orthonormal_again_after_a_step_of_adam(rate):
    """The first step of Adam moves every entry by the learning rate; the square of what is off is left each time."""
    directions, _ = begin(dtype=torch.float32)
    rows = flat(directions)
    used = (rows.norm(dim=2, keepdim=True) > 0).float()
    signs = torch.randn(rows.shape, generator=stream(0, "signs")).sign()
    mended = orthonormalise(rows + rate * used * signs)
    assert torch.allclose(mended @ mended.transpose(1, 2), torch.diag_embed(used.squeeze(2)), atol=1e-5)
    assert (mended * (1 - used) == 0).all()


@pytest.mark.parametrize(("width", "rate"), [(16, 0.3), (256, 0.1)])
def test_rows_are_orthonormal_again_after_a_large_step(width, rate):
    directions, _ = begin((8,), width=width, dtype=torch.float32)
    rows = flat(directions)
    mended = orthonormalise(rows + rate * torch.randn(rows.shape, generator=stream(0, "signs")).sign())
    assert torch.allclose(mended @ mended.transpose(1, 2), torch.eye(16).expand(1, -1, -1), atol=1e-4)


def test_orthonormalising_takes_the_nearest_orthonormal_rows():
    directions, _ = begin((3,))
    rows = flat(directions) + 0.1 * torch.randn(1, 6, WIDTH, dtype=torch.float64, generator=stream(0))
    left, _, right = torch.linalg.svd(rows, full_matrices=False)
    assert torch.allclose(orthonormalise(rows), left @ right, atol=1e-10)
