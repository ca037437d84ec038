"""Laws of every registered featurizer of linear maps; test_nonlinear_maps.py has those of the others."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor
from torch._subclasses import FakeTensorMode

from interlocus.core.plugins import FEATURIZERS
from interlocus.core.random import derived_generator
from interlocus.featurizers import AbstractFeaturizer, Frames, Identity, compact, in_use
from interlocus.featurizers.rotation import orthonormalise

WIDTH, VARIABLES = 12, 2
SIZES = (3, 1, 2, 3)
"""Features of each variable, for each search of a stack."""
FIXED_BASIS = {"identity", "principal", "principal_uncentred", "mask", "mask_principal"}
"""Featurizers with a fixed basis, so that they represent only some directions; here the neurons."""
SOFTNESS = 0.9


LINEAR = [name for name in FEATURIZERS if FEATURIZERS.get(name)().linear]
OVERLAPPING = [name for name in LINEAR if FEATURIZERS.get(name)().overlapping]
NO_PROJECTION = {"frame_transposed", *OVERLAPPING}
"""Featurizers whose interchange of all variables is no projection after some steps of training."""


@pytest.fixture(params=LINEAR)
def featurizer(request) -> AbstractFeaturizer:
    return FEATURIZERS.get(request.param)()


@pytest.fixture(params=[name for name in LINEAR if FEATURIZERS.get(name)().trainable])
def trainable(request) -> AbstractFeaturizer:
    return FEATURIZERS.get(request.param)()


@pytest.fixture(params=[name for name in LINEAR if name not in NO_PROJECTION])
def projecting(request) -> AbstractFeaturizer:
    return FEATURIZERS.get(request.param)()


@pytest.fixture(params=[name for name in LINEAR if FEATURIZERS.get(name)().learns_size])
def selecting(request) -> AbstractFeaturizer:
    return FEATURIZERS.get(request.param)()


def directions_of(
    sizes=SIZES, *, width=WIDTH, variables=VARIABLES, dtype=torch.float64, neurons=False
) -> tuple[Tensor, Tensor]:
    """Directions and mask of searches of several sizes: random directions, or random neurons."""
    most = max(sizes)
    directions = torch.zeros(len(sizes), variables, most, width, dtype=dtype)
    mask = torch.zeros(len(sizes), variables, most, 1, dtype=dtype)
    for search, size in enumerate(sizes):
        generator = derived_generator(search, "directions")
        square = torch.randn(width, width, dtype=torch.float64, generator=generator)
        basis = torch.eye(width).double()[torch.randperm(width, generator=generator)]
        rows = basis if neurons else torch.linalg.qr(square).Q
        directions[search, :, :size] = rows[: variables * size].view(variables, size, width).to(dtype)
        mask[search, :, :size] = 1
    return directions, mask


def activations_of(count: int, *, width=WIDTH, dtype=torch.float64) -> list[Tensor]:
    """Activations whose principal components are the neurons, centred or not: mean zero, a variance for each neuron."""
    rows = torch.randn(200, width, dtype=torch.float64, generator=derived_generator(3, "seen"))
    rows = torch.linalg.qr(rows - rows.mean(0)).Q * torch.arange(1, width + 1)
    return [rows.to(dtype)] * count


def initial(featurizer: AbstractFeaturizer, directions: Tensor) -> Tensor:
    return featurizer.initialize(
        directions, activations_of(len(directions), width=directions.shape[3], dtype=directions.dtype)
    )


def movable(featurizer: AbstractFeaturizer, change: Tensor) -> Tensor:
    """A change of parameters, zero for those that are stored but not learned: the fixed basis under a mask."""
    if featurizer.name not in {"mask", "mask_principal"}:
        return change
    return torch.cat([torch.zeros_like(change[:, :WIDTH]), change[:, WIDTH:]], 1)


def moved(featurizer: AbstractFeaturizer, directions: Tensor, mask: Tensor, *, by: float = 0.1) -> Tensor:
    """Allowed parameters some distance from the initial ones, as after some steps."""
    parameters = initial(featurizer, directions)
    if not featurizer.trainable:
        return parameters
    step = torch.randn(parameters.shape, dtype=parameters.dtype, generator=derived_generator(9, "step"))
    used = (parameters.norm(dim=-1, keepdim=True) > 0).to(parameters.dtype)
    step = movable(featurizer, step)
    # twice, because after so large a step one call leaves a small error
    return featurizer.constrain(featurizer.constrain(parameters + by * used * step))


def projections(frames: Frames) -> Tensor:
    """The matrix that an interchange of each variable applies to a difference, `[search variable width width]`."""
    return torch.einsum("svfw,svfx->svwx", frames.write, frames.read)


def swap(frames: Frames, base: Tensor, sources: Tensor) -> Tensor:
    """h + Σ wᵀ r (h_source − h), with a source for each variable: `[search row width]`."""
    difference = sources - base
    features = torch.einsum("svfw,vrw->svrf", frames.read, difference)
    return base + torch.einsum("svrf,svfw->srw", features, frames.write)


def activations(count: int, *, dtype=torch.float64, width=WIDTH) -> Tensor:
    return torch.randn(count, 20, width, dtype=dtype, generator=derived_generator(1, "activations"))


def flat(part: Tensor) -> Tensor:
    return part.flatten(1, 2)


def close(one: Tensor, other: Tensor) -> bool:
    """Equality in double precision; the condition of the maps here is below 100."""
    return torch.allclose(one, other, rtol=0, atol=1e-11)


def test_initial_maps_read_and_write_the_directions_of_the_start(featurizer):
    directions, mask = directions_of(neurons=featurizer.name in FIXED_BASIS)
    frames, _ = featurizer.forward(initial(featurizer, directions), mask)
    assert close(projections(frames), projections(Frames(read=directions, write=directions)))


def test_initial_maps_represent_neurons(featurizer):
    directions, mask = directions_of(neurons=True)
    frames, _ = featurizer.forward(initial(featurizer, directions), mask)
    assert close(projections(frames), projections(Frames(read=directions, write=directions)))


def test_the_identity_selects_the_neurons_nearest_to_the_directions():
    directions, mask = directions_of((2,), width=5)
    frames, _ = Identity().forward(initial(Identity(), directions), mask)
    rows, chosen = flat(directions)[0], flat(frames.read)[0]
    assert torch.equal(chosen.sum(1), torch.ones(4).double())
    assert torch.equal(chosen.unique(), torch.tensor([0.0, 1.0]).double())
    assert chosen.sum(0).max() == 1
    best = max(sum(rows[i, n].abs() for i, n in enumerate(ns)) for ns in itertools.permutations(range(5), 4))
    assert (rows.abs() * chosen).sum() == pytest.approx(float(best))


@pytest.mark.parametrize("where", ["start", "moved"])
def test_a_search_uses_as_many_rows_as_it_has_features(featurizer, where):
    directions, mask = directions_of()
    by = 0.1 if where == "moved" else 0.0
    frames, _ = featurizer.forward(moved(featurizer, directions, mask, by=by), mask)
    for part in frames:
        assert torch.equal((part != 0).any(3), in_use(frames))
        if part.shape == directions.shape:
            assert (part * (1 - mask) == 0).all()
    if not featurizer.learns_size or where == "start":
        assert torch.equal(in_use(frames).sum(2), mask.sum((2, 3)).long())


@pytest.mark.parametrize("where", ["start", "moved"])
def test_a_value_written_to_a_feature_is_read_from_this_feature_only(projecting, where):
    directions, mask = directions_of()
    parameters = moved(projecting, directions, mask, by=0.1 if where == "moved" else 0.0)
    frames, _ = projecting.forward(parameters, mask)
    table = flat(frames.read) @ flat(frames.write).transpose(1, 2)
    assert close(table, torch.diag_embed(in_use(frames).flatten(1).double()))


def test_a_trained_frame_written_back_by_its_transpose_is_no_projection():
    directions, mask = directions_of()
    frame = FEATURIZERS.get("frame_transposed")()
    frames, _ = frame.forward(moved(frame, directions, mask), mask)
    once = projections(frames)
    assert (once @ once - once).norm() > 0.1


@pytest.mark.parametrize("softness", [0.0, SOFTNESS, 1.0])
def test_a_soft_selection_swaps_no_direction_more_than_completely(selecting, softness):
    """All variables together swap from none to all of each direction, and exactly none or all at softness 0."""
    directions, mask = directions_of()
    frames, _ = selecting.forward(moved(selecting, directions, mask), mask, softness)
    shares = torch.linalg.eigvalsh(projections(frames).sum(1))
    assert shares.min() > -1e-9
    assert shares.max() < 1 + 1e-9
    hard = ((shares - shares.round()).abs() < 1e-9).all()
    assert hard == (softness == 0)


def test_compact_maps_drop_unused_rows_and_change_nothing_else(featurizer):
    directions, mask = directions_of((1, 2))
    frames, _ = featurizer.forward(initial(featurizer, directions), mask)
    for search, size in enumerate((1, 2)):
        one = Frames(*(part[search] for part in frames))
        kept = compact(one)
        assert kept.read.shape == (VARIABLES, size, WIDTH)
        before, after = (projections(Frames(*(part.unsqueeze(0) for part in both))) for both in (one, kept))
        assert close(before, after)


def test_maps_stored_on_the_cpu_work_on_activations_of_a_gpu():
    """Maps are loaded to the CPU. Fake tensors on a GPU raise an error when they meet tensors of another device."""
    with FakeTensorMode():
        rows = torch.eye(6).view(2, 3, 6)
        maps = Frames(read=rows, write=rows)
        states = torch.empty(5, 6, device="cuda")
        assert [(own.shape, own.device.type) for own in maps.features(states)] == [((5, 3), "cuda")] * 2


def test_a_base_that_is_its_own_source_changes_nothing(featurizer):
    directions, mask = directions_of()
    frames, _ = featurizer.forward(moved(featurizer, directions, mask), mask)
    (base,) = activations(1)
    assert torch.equal(swap(frames, base, base.expand(VARIABLES, -1, -1)), base.expand(len(SIZES), -1, -1))


def test_a_swap_takes_the_features_of_one_variable_from_the_source(projecting):
    directions, mask = directions_of()
    frames, _ = projecting.forward(moved(projecting, directions, mask), mask)
    base, source = activations(2)
    after = swap(frames, base, torch.stack([source, base]))
    read = torch.einsum("svfw,srw->svrf", frames.read, after)
    assert close(read[:, 0], torch.einsum("sfw,rw->srf", frames.read[:, 0], source))
    assert close(read[:, 1], torch.einsum("sfw,rw->srf", frames.read[:, 1], base))
    assert not close(after, base.expand_as(after))


def test_two_variables_take_their_features_from_two_sources(projecting):
    directions, mask = directions_of()
    frames, _ = projecting.forward(moved(projecting, directions, mask), mask)
    base, *sources = activations(3)
    after = swap(frames, base, torch.stack(sources))
    read = torch.einsum("svfw,srw->svrf", frames.read, after)
    assert close(read, torch.einsum("svfw,vrw->svrf", frames.read, torch.stack(sources)))


@pytest.fixture(params=OVERLAPPING)
def overlapping(request) -> AbstractFeaturizer:
    return FEATURIZERS.get(request.param)()


def test_maps_of_overlapping_variables_do_not_depend_on_each_other(overlapping):
    """The map of a variable and its gradient are the same in a search for this variable alone."""
    directions, mask = directions_of()
    parameters = moved(overlapping, directions, mask)
    frames, saved = overlapping.forward(parameters, mask)
    gradient = _gradient(frames)
    backward = overlapping.backward(parameters, saved, gradient)
    for v in range(VARIABLES):
        own, alone = parameters[:, v : v + 1], mask[:, v : v + 1]
        single, kept = overlapping.forward(own, alone)
        assert close(single.read, frames.read[:, v : v + 1])
        assert close(single.write, frames.write[:, v : v + 1])
        wanted = overlapping.backward(own, kept, Frames(*(part[:, v : v + 1] for part in gradient)))
        assert close(wanted, backward[:, v : v + 1])


def test_a_swap_of_one_overlapping_variable_takes_its_features_from_the_source(overlapping):
    directions, mask = directions_of()
    frames, _ = overlapping.forward(moved(overlapping, directions, mask), mask)
    base, source = activations(2)
    for v in range(VARIABLES):
        one = swap(Frames(*(part[:, v : v + 1] for part in frames)), base, source.unsqueeze(0))
        read = frames.read[:, v].transpose(1, 2)
        assert torch.allclose(one @ read, source @ read)


def test_a_swap_of_two_overlapping_variables_adds_the_changes_of_both(overlapping):
    """Along a shared direction the activation moves by both differences."""
    shared = derived_generator(0, "shared")
    rows = torch.linalg.qr(torch.randn(WIDTH, 3, generator=shared, dtype=torch.float64)).Q.T
    directions = torch.stack([rows[:2], rows[1:]]).unsqueeze(0)
    mask = torch.ones(1, 2, 2, 1, dtype=torch.float64)
    frames, _ = overlapping.forward(initial(overlapping, directions), mask)
    base, sources = activations(3)[0], activations(3)[1:]
    both = swap(frames, base, sources)
    each = [swap(Frames(*(part[:, v : v + 1] for part in frames)), base, sources[v : v + 1]) for v in (0, 1)]
    assert torch.allclose(both - base, (each[0] - base) + (each[1] - base))
    assert torch.allclose((both - base) @ rows[1], ((sources[0] - base) + (sources[1] - base)) @ rows[1])
    assert torch.allclose((both - base) @ rows[0], (sources[0] - base) @ rows[0])


@pytest.mark.parametrize("variables", [1, 2, 3])
def test_swapping_every_feature_replaces_the_whole_activation(featurizer, variables):
    directions, mask = directions_of((WIDTH // variables,) * 2, variables=variables)
    # so near that learned sizes still fill the site
    by = 0.0 if featurizer.name in NO_PROJECTION else 0.01
    frames, _ = featurizer.forward(moved(featurizer, directions, mask, by=by), mask)
    base, source = activations(2)
    after = swap(frames, base, source.expand(variables, -1, -1))
    assert close(after, source.expand_as(after))


@pytest.mark.parametrize("softness", [0.0, SOFTNESS])
def test_searches_of_a_stack_do_not_influence_each_other(featurizer, softness):
    directions, mask = directions_of()
    parameters = moved(featurizer, directions, mask)
    together, saved = featurizer.forward(parameters, mask, softness)
    gradient = _gradient(together)
    backward = featurizer.backward(parameters, saved, gradient)
    for search in range(len(SIZES)):
        one = slice(search, search + 1)
        alone, saved = featurizer.forward(parameters[one], mask[one], softness)
        assert close(alone.read, together.read[one])
        assert close(alone.write, together.write[one])
        assert close(
            featurizer.backward(parameters[one], saved, Frames(*(part[one] for part in gradient))), backward[one]
        )
        assert close(initial(featurizer, directions[one]), initial(featurizer, directions)[one])


def _gradient(frames: Frames) -> Frames:
    """A random gradient with respect to maps, zero for rows that are not in use, as that of every loss."""
    used = in_use(frames).unsqueeze(3)
    return Frames(
        *(
            torch.randn(frames.read.shape, dtype=torch.float64, generator=derived_generator(2, i)) * used
            for i in range(2)
        )
    )


def _apply(gradient: Frames, frames: Frames) -> Tensor:
    return (gradient.read * frames.read).sum() + (gradient.write * frames.write).sum()


def _backward(
    featurizer: AbstractFeaturizer, parameters: Tensor, mask: Tensor, softness: float, gradient: Frames
) -> Tensor:
    """The gradient with respect to parameters, without the gradient of the featurizer's penalty."""
    _, saved = featurizer.forward(parameters, mask, softness)
    nothing = Frames(*(torch.zeros_like(part) for part in gradient))
    return featurizer.backward(parameters, saved, gradient) - featurizer.backward(parameters, saved, nothing)


@pytest.mark.parametrize("softness", [0.0, SOFTNESS])
def test_backward_agrees_with_autograd_along_allowed_parameters(trainable, softness):
    """Autograd goes through `constrain`, which returns parameters to allowed ones.

    The differential of that is the projection on the tangent space, since it takes the nearest ones.
    """
    directions, mask = directions_of()
    parameters = moved(trainable, directions, mask)
    gradient = _gradient(trainable.forward(parameters, mask, softness)[0])
    leaf = parameters.clone().requires_grad_()
    frames, _ = trainable.forward(trainable.constrain(leaf), mask, softness)
    _apply(gradient, frames).backward()
    backward = _backward(trainable, parameters, mask, softness, gradient)
    assert backward.norm() > 0.5 or (softness == 0 and trainable.learns_size)
    assert torch.allclose(backward, movable(trainable, leaf.grad), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("softness", [0.0, SOFTNESS])
def test_backward_agrees_with_finite_differences(trainable, softness):
    directions, mask = directions_of((3, 2))
    parameters = moved(trainable, directions, mask)
    gradient = _gradient(trainable.forward(parameters, mask, softness)[0])
    backward = _backward(trainable, parameters, mask, softness, gradient)

    def value(at: Tensor) -> float:
        frames, _ = trainable.forward(at, mask, softness)
        return float(_apply(gradient, frames))

    numerical, step = torch.zeros_like(parameters), 1e-5
    for index in movable(trainable, torch.ones_like(parameters)).nonzero().tolist():
        change = torch.zeros_like(parameters)
        change[tuple(index)] = step
        numerical[tuple(index)] = (value(parameters + change) - value(parameters - change)) / (2 * step)
    # along directions in which parameters may move
    allowed = torch.func.vjp(trainable.constrain, parameters)[1]
    # the error of a central difference is step² / 6 times a third derivative, here a few thousand at most
    assert torch.allclose(allowed(backward)[0], allowed(numerical)[0], rtol=1e-6, atol=1e-6)


def test_only_trainable_featurizers_have_a_gradient(featurizer):
    directions, mask = directions_of()
    parameters = initial(featurizer, directions)
    frames, saved = featurizer.forward(parameters, mask, SOFTNESS)
    backward = featurizer.backward(parameters, saved, _gradient(frames))
    assert backward.shape == parameters.shape
    assert bool(backward.any()) == featurizer.trainable


def test_constraining_allowed_parameters_changes_nothing(featurizer):
    directions, mask = directions_of()
    parameters = moved(featurizer, directions, mask)
    assert close(featurizer.constrain(parameters), parameters)


def test_no_method_changes_its_arguments(featurizer):
    directions, mask = directions_of()
    parameters = initial(featurizer, directions)
    gradient = _gradient(featurizer.forward(parameters, mask)[0])
    given = (directions, mask, parameters, *gradient)
    before = [tensor.clone() for tensor in given]
    for softness in (0.0, SOFTNESS):
        _, saved = featurizer.forward(parameters, mask, softness)
        featurizer.backward(parameters, saved, gradient)
    featurizer.constrain(parameters)
    assert all(torch.equal(one, other) for one, other in zip(given, before, strict=True))


def test_training_lowers_a_loss_and_keeps_maps_projections(trainable):
    """Steepest descent in single precision on the distance between a swapped and a target activation."""
    directions, mask = directions_of(dtype=torch.float32)
    parameters = initial(trainable, directions)
    base, one, other, wanted = activations(4, dtype=torch.float32)
    losses = []
    softness = SOFTNESS if trainable.learns_size else 0.0
    for _ in range(40):
        frames, saved = trainable.forward(parameters, mask, softness)
        leaves = Frames(*(part.clone().requires_grad_() for part in frames))
        loss = (swap(leaves, base, torch.stack([one, other])) - wanted).square().mean((1, 2))
        loss.sum().backward()
        losses.append(loss.detach())
        backward = trainable.backward(parameters, saved, Frames(leaves.read.grad, leaves.write.grad))
        parameters = trainable.constrain(parameters - 0.02 * backward)
    assert (losses[-1] < losses[0]).all()
    frames, _ = trainable.forward(parameters, mask)
    used = in_use(frames).flatten(1)
    table = flat(frames.read) @ flat(frames.write).transpose(1, 2)
    if trainable.name not in NO_PROJECTION:
        # single precision; the condition of the maps stays below ten
        assert torch.allclose(table, torch.diag_embed(used.float()), atol=1e-5)


@pytest.mark.parametrize("rate", [0.003, 0.01, 0.03])
def test_orthonormalise_corrects_a_step_of_adam(rate):
    """The first step of Adam changes every entry by the learning rate; each iteration squares the error."""
    directions, _ = directions_of(dtype=torch.float32)
    rows = flat(directions)
    used = (rows.norm(dim=2, keepdim=True) > 0).float()
    signs = torch.randn(rows.shape, generator=derived_generator(0, "signs")).sign()
    corrected = orthonormalise(rows + rate * used * signs)
    assert torch.allclose(corrected @ corrected.transpose(1, 2), torch.diag_embed(used.squeeze(2)), atol=1e-5)
    assert (corrected * (1 - used) == 0).all()


@pytest.mark.parametrize(("width", "rate"), [(16, 0.3), (256, 0.1)])
def test_orthonormalise_corrects_a_large_step(width, rate):
    directions, _ = directions_of((8,), width=width, dtype=torch.float32)
    rows = flat(directions)
    corrected = orthonormalise(rows + rate * torch.randn(rows.shape, generator=derived_generator(0, "signs")).sign())
    assert torch.allclose(corrected @ corrected.transpose(1, 2), torch.eye(16).expand(1, -1, -1), atol=1e-4)


def test_orthonormalise_returns_the_nearest_orthonormal_rows():
    directions, _ = directions_of((3,))
    rows = flat(directions) + 0.1 * torch.randn(1, 6, WIDTH, dtype=torch.float64, generator=derived_generator(0))
    left, _, right = torch.linalg.svd(rows, full_matrices=False)
    assert torch.allclose(orthonormalise(rows), left @ right, atol=1e-10)
