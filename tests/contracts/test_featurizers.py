"""What every registered featurizer of linear maps keeps to; test_nonlinear_maps.py tests the others."""

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
"""Features a variable, for each search of a stack."""
FIXED_BASIS = {"identity", "principal", "principal_uncentred", "mask", "mask_principal"}
"""Featurizers that cannot take any direction: here their basis is that of the neurons."""
SOFTNESS = 0.9


LINEAR = [name for name in FEATURIZERS if FEATURIZERS.get(name)().linear]
OVERLAPPING = [name for name in LINEAR if FEATURIZERS.get(name)().overlapping]
NO_PROJECTION = {"frame_transposed", *OVERLAPPING}
"""Featurizers whose interchange of all variables is no projection once they have moved."""


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
def choosing(request) -> AbstractFeaturizer:
    return FEATURIZERS.get(request.param)()


def directions_of(
    sizes=SIZES, *, width=WIDTH, variables=VARIABLES, dtype=torch.float64, neurons=False
) -> tuple[Tensor, Tensor]:
    """Directions and mask of searches of several sizes: at random, or neurons at random."""
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


def seen(count: int, *, width=WIDTH, dtype=torch.float64) -> list[Tensor]:
    """Activations whose principal components are the neurons, centred or not: each has its own variance, no mean."""
    rows = torch.randn(200, width, dtype=torch.float64, generator=derived_generator(3, "seen"))
    rows = torch.linalg.qr(rows - rows.mean(0)).Q * torch.arange(1, width + 1)
    return [rows.to(dtype)] * count


def begun(featurizer: AbstractFeaturizer, directions: Tensor) -> Tensor:
    return featurizer.initialize(directions, seen(len(directions), width=directions.shape[3], dtype=directions.dtype))


def movable(featurizer: AbstractFeaturizer, change: Tensor) -> Tensor:
    """A change of parameters without what is kept with them but not learned: the basis of a mask over a fixed one."""
    if featurizer.name not in {"mask", "mask_principal"}:
        return change
    return torch.cat([torch.zeros_like(change[:, :WIDTH]), change[:, WIDTH:]], 1)


def moved(featurizer: AbstractFeaturizer, directions: Tensor, mask: Tensor, *, by: float = 0.1) -> Tensor:
    """Allowed parameters away from the start, as after some steps."""
    parameters = begun(featurizer, directions)
    if not featurizer.trainable:
        return parameters
    step = torch.randn(parameters.shape, dtype=parameters.dtype, generator=derived_generator(9, "step"))
    used = (parameters.norm(dim=-1, keepdim=True) > 0).to(parameters.dtype)
    step = movable(featurizer, step)
    # once more, for a step as large as this leaves a little to do
    return featurizer.constrain(featurizer.constrain(parameters + by * used * step))


def projections(frames: Frames) -> Tensor:
    """What an interchange of each variable does to a difference: `[search variable width width]`."""
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
    """To the accuracy of double precision, with room for the condition of the maps here (below 100)."""
    return torch.allclose(one, other, rtol=0, atol=1e-11)


def test_frames_read_and_write_what_the_search_begins_with(featurizer):
    directions, mask = directions_of(neurons=featurizer.name in FIXED_BASIS)
    frames, _ = featurizer.forward(begun(featurizer, directions), mask)
    assert close(projections(frames), projections(Frames(read=directions, write=directions)))


def test_neurons_are_directions_too(featurizer):
    directions, mask = directions_of(neurons=True)
    frames, _ = featurizer.forward(begun(featurizer, directions), mask)
    assert close(projections(frames), projections(Frames(read=directions, write=directions)))


def test_the_identity_takes_the_neurons_that_the_directions_point_to():
    directions, mask = directions_of((2,), width=5)
    frames, _ = Identity().forward(begun(Identity(), directions), mask)
    rows, chosen = flat(directions)[0], flat(frames.read)[0]
    assert torch.equal(chosen.sum(1), torch.ones(4).double())
    assert torch.equal(chosen.unique(), torch.tensor([0.0, 1.0]).double())
    assert chosen.sum(0).max() == 1
    best = max(sum(rows[i, n].abs() for i, n in enumerate(ns)) for ns in itertools.permutations(range(5), 4))
    assert (rows.abs() * chosen).sum() == pytest.approx(float(best))


@pytest.mark.parametrize("where", ["start", "moved"])
def test_as_many_rows_are_in_use_as_the_search_has_features(featurizer, where):
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
def test_what_is_written_to_a_feature_is_read_from_it_and_from_no_other(projecting, where):
    directions, mask = directions_of()
    parameters = moved(projecting, directions, mask, by=0.1 if where == "moved" else 0.0)
    frames, _ = projecting.forward(parameters, mask)
    table = flat(frames.read) @ flat(frames.write).transpose(1, 2)
    assert close(table, torch.diag_embed(in_use(frames).flatten(1).double()))


def test_a_frame_that_drifted_and_is_written_back_by_its_transpose_is_no_projection():
    directions, mask = directions_of()
    frame = FEATURIZERS.get("frame_transposed")()
    frames, _ = frame.forward(moved(frame, directions, mask), mask)
    once = projections(frames)
    assert (once @ once - once).norm() > 0.1


@pytest.mark.parametrize("softness", [0.0, SOFTNESS, 1.0])
def test_maps_that_are_chosen_softly_lose_and_mix_nothing(choosing, softness):
    """However soft the choice, all variables together swap no direction by more than the whole."""
    directions, mask = directions_of()
    frames, _ = choosing.forward(moved(choosing, directions, mask), mask, softness)
    shares = torch.linalg.eigvalsh(projections(frames).sum(1))
    assert shares.min() > -1e-9
    assert shares.max() < 1 + 1e-9
    hard = ((shares - shares.round()).abs() < 1e-9).all()
    assert hard == (softness == 0)


def test_rows_that_nothing_uses_are_left_out_of_what_is_kept(featurizer):
    directions, mask = directions_of((1, 2))
    frames, _ = featurizer.forward(begun(featurizer, directions), mask)
    for search, size in enumerate((1, 2)):
        one = Frames(*(part[search] for part in frames))
        kept = compact(one)
        assert kept.read.shape == (VARIABLES, size, WIDTH)
        before, after = (projections(Frames(*(part.unsqueeze(0) for part in both))) for both in (one, kept))
        assert close(before, after)


def test_what_is_kept_on_one_device_works_on_states_of_another():
    """Maps are read from files to the processor. Tensors that only pretend to lie on a GPU refuse to meet those."""
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


def test_a_swap_gives_the_features_of_the_source_and_keeps_those_of_the_other_variable(projecting):
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


def test_variables_that_may_overlap_are_as_free_as_if_each_was_sought_alone(overlapping):
    """The map of one, and how it is pulled, do not depend on what the other has."""
    directions, mask = directions_of()
    parameters = moved(overlapping, directions, mask)
    frames, saved = overlapping.forward(parameters, mask)
    gradient = _gradient(frames)
    pulled = overlapping.backward(parameters, saved, gradient)
    for v in range(VARIABLES):
        own, alone = parameters[:, v : v + 1], mask[:, v : v + 1]
        single, kept = overlapping.forward(own, alone)
        assert close(single.read, frames.read[:, v : v + 1])
        assert close(single.write, frames.write[:, v : v + 1])
        wanted = overlapping.backward(own, kept, Frames(*(part[:, v : v + 1] for part in gradient)))
        assert close(wanted, pulled[:, v : v + 1])


def test_a_swap_of_one_variable_that_may_overlap_gives_its_features_of_the_source(overlapping):
    directions, mask = directions_of()
    frames, _ = overlapping.forward(moved(overlapping, directions, mask), mask)
    base, source = activations(2)
    for v in range(VARIABLES):
        one = swap(Frames(*(part[:, v : v + 1] for part in frames)), base, source.unsqueeze(0))
        read = frames.read[:, v].transpose(1, 2)
        assert torch.allclose(one @ read, source @ read)


def test_a_swap_of_two_variables_that_may_overlap_adds_what_each_does_alone(overlapping):
    """Along a direction that both have the state is moved by both differences, and nothing else happens."""
    shared = derived_generator(0, "shared")
    rows = torch.linalg.qr(torch.randn(WIDTH, 3, generator=shared, dtype=torch.float64)).Q.T
    directions = torch.stack([rows[:2], rows[1:]]).unsqueeze(0)
    mask = torch.ones(1, 2, 2, 1, dtype=torch.float64)
    frames, _ = overlapping.forward(begun(overlapping, directions), mask)
    base, sources = activations(3)[0], activations(3)[1:]
    both = swap(frames, base, sources)
    each = [swap(Frames(*(part[:, v : v + 1] for part in frames)), base, sources[v : v + 1]) for v in (0, 1)]
    assert torch.allclose(both - base, (each[0] - base) + (each[1] - base))
    assert torch.allclose((both - base) @ rows[1], ((sources[0] - base) + (sources[1] - base)) @ rows[1])
    assert torch.allclose((both - base) @ rows[0], (sources[0] - base) @ rows[0])


@pytest.mark.parametrize("variables", [1, 2, 3])
def test_swapping_every_feature_is_replacing_the_whole_activation(featurizer, variables):
    directions, mask = directions_of((WIDTH // variables,) * 2, variables=variables)
    # less than half a feature away, so that learned sizes still fill the site
    by = 0.0 if featurizer.name in NO_PROJECTION else 0.01
    frames, _ = featurizer.forward(moved(featurizer, directions, mask, by=by), mask)
    base, source = activations(2)
    after = swap(frames, base, source.expand(variables, -1, -1))
    assert close(after, source.expand_as(after))


@pytest.mark.parametrize("softness", [0.0, SOFTNESS])
def test_searches_know_nothing_of_each_other(featurizer, softness):
    directions, mask = directions_of()
    parameters = moved(featurizer, directions, mask)
    together, saved = featurizer.forward(parameters, mask, softness)
    gradient = _gradient(together)
    pulled = featurizer.backward(parameters, saved, gradient)
    for search in range(len(SIZES)):
        one = slice(search, search + 1)
        alone, saved = featurizer.forward(parameters[one], mask[one], softness)
        assert close(alone.read, together.read[one])
        assert close(alone.write, together.write[one])
        assert close(featurizer.backward(parameters[one], saved, Frames(*(part[one] for part in gradient))), pulled[one])
        assert close(begun(featurizer, directions[one]), begun(featurizer, directions)[one])


def _gradient(frames: Frames) -> Frames:
    """A linear functional of the maps, blind to rows that are not in use, as every loss is: they carry nothing."""
    used = in_use(frames).unsqueeze(3)
    return Frames(
        *(
            torch.randn(frames.read.shape, dtype=torch.float64, generator=derived_generator(2, i)) * used
            for i in range(2)
        )
    )


def _apply(gradient: Frames, frames: Frames) -> Tensor:
    return (gradient.read * frames.read).sum() + (gradient.write * frames.write).sum()


def _through(featurizer: AbstractFeaturizer, parameters: Tensor, mask: Tensor, softness: float, gradient: Frames) -> Tensor:
    """What is pulled back of a gradient, without what the featurizer charges by itself."""
    _, saved = featurizer.forward(parameters, mask, softness)
    nothing = Frames(*(torch.zeros_like(part) for part in gradient))
    return featurizer.backward(parameters, saved, gradient) - featurizer.backward(parameters, saved, nothing)


@pytest.mark.parametrize("softness", [0.0, SOFTNESS])
def test_backward_is_the_gradient_along_the_allowed_parameters(trainable, softness):
    """Held against autograd, through what brings parameters back to allowed ones.

    The differential of that is the projection on the tangent space, since it takes the nearest ones.
    """
    directions, mask = directions_of()
    parameters = moved(trainable, directions, mask)
    gradient = _gradient(trainable.forward(parameters, mask, softness)[0])
    leaf = parameters.clone().requires_grad_()
    frames, _ = trainable.forward(trainable.constrain(leaf), mask, softness)
    _apply(gradient, frames).backward()
    pulled = _through(trainable, parameters, mask, softness, gradient)
    assert pulled.norm() > 0.5 or (softness == 0 and trainable.learns_size)
    assert torch.allclose(pulled, movable(trainable, leaf.grad), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("softness", [0.0, SOFTNESS])
def test_backward_is_what_finite_differences_say(trainable, softness):
    directions, mask = directions_of((3, 2))
    parameters = moved(trainable, directions, mask)
    gradient = _gradient(trainable.forward(parameters, mask, softness)[0])
    pulled = _through(trainable, parameters, mask, softness, gradient)

    def value(at: Tensor) -> float:
        frames, _ = trainable.forward(at, mask, softness)
        return float(_apply(gradient, frames))

    numerical, step = torch.zeros_like(parameters), 1e-5
    for index in movable(trainable, torch.ones_like(parameters)).nonzero().tolist():
        change = torch.zeros_like(parameters)
        change[tuple(index)] = step
        numerical[tuple(index)] = (value(parameters + change) - value(parameters - change)) / (2 * step)
    # along directions in which parameters are allowed to move
    allowed = torch.func.vjp(trainable.constrain, parameters)[1]
    # a central difference is off by step² / 6 of a third derivative, here at most a few thousand
    assert torch.allclose(allowed(pulled)[0], allowed(numerical)[0], rtol=1e-6, atol=1e-6)


def test_what_cannot_be_trained_is_not_pulled(featurizer):
    directions, mask = directions_of()
    parameters = begun(featurizer, directions)
    frames, saved = featurizer.forward(parameters, mask, SOFTNESS)
    pulled = featurizer.backward(parameters, saved, _gradient(frames))
    assert pulled.shape == parameters.shape
    assert bool(pulled.any()) == featurizer.trainable


def test_constraining_allowed_parameters_changes_nothing(featurizer):
    directions, mask = directions_of()
    parameters = moved(featurizer, directions, mask)
    assert close(featurizer.constrain(parameters), parameters)


def test_functions_leave_their_arguments_alone(featurizer):
    directions, mask = directions_of()
    parameters = begun(featurizer, directions)
    gradient = _gradient(featurizer.forward(parameters, mask)[0])
    given = (directions, mask, parameters, *gradient)
    before = [tensor.clone() for tensor in given]
    for softness in (0.0, SOFTNESS):
        _, saved = featurizer.forward(parameters, mask, softness)
        featurizer.backward(parameters, saved, gradient)
    featurizer.constrain(parameters)
    assert all(torch.equal(one, other) for one, other in zip(given, before, strict=True))


def test_training_lowers_a_loss_and_keeps_every_law(trainable):
    """Steepest descent in single precision, on how far a swap is from a wanted activation."""
    directions, mask = directions_of(dtype=torch.float32)
    parameters = begun(trainable, directions)
    base, one, other, wanted = activations(4, dtype=torch.float32)
    losses = []
    softness = SOFTNESS if trainable.learns_size else 0.0
    for _ in range(40):
        frames, saved = trainable.forward(parameters, mask, softness)
        leaves = Frames(*(part.clone().requires_grad_() for part in frames))
        loss = (swap(leaves, base, torch.stack([one, other])) - wanted).square().mean((1, 2))
        loss.sum().backward()
        losses.append(loss.detach())
        pulled = trainable.backward(parameters, saved, Frames(leaves.read.grad, leaves.write.grad))
        parameters = trainable.constrain(parameters - 0.02 * pulled)
    assert (losses[-1] < losses[0]).all()
    frames, _ = trainable.forward(parameters, mask)
    used = in_use(frames).flatten(1)
    table = flat(frames.read) @ flat(frames.write).transpose(1, 2)
    if trainable.name not in NO_PROJECTION:
        # single precision, and maps whose condition stays below ten
        assert torch.allclose(table, torch.diag_embed(used.float()), atol=1e-5)


@pytest.mark.parametrize("rate", [0.003, 0.01, 0.03])
def test_rows_are_orthonormal_again_after_a_step_of_adam(rate):
    """The first step of Adam moves every entry by the learning rate; the square of what is off is left each time."""
    directions, _ = directions_of(dtype=torch.float32)
    rows = flat(directions)
    used = (rows.norm(dim=2, keepdim=True) > 0).float()
    signs = torch.randn(rows.shape, generator=derived_generator(0, "signs")).sign()
    mended = orthonormalise(rows + rate * used * signs)
    assert torch.allclose(mended @ mended.transpose(1, 2), torch.diag_embed(used.squeeze(2)), atol=1e-5)
    assert (mended * (1 - used) == 0).all()


@pytest.mark.parametrize(("width", "rate"), [(16, 0.3), (256, 0.1)])
def test_rows_are_orthonormal_again_after_a_large_step(width, rate):
    directions, _ = directions_of((8,), width=width, dtype=torch.float32)
    rows = flat(directions)
    mended = orthonormalise(rows + rate * torch.randn(rows.shape, generator=derived_generator(0, "signs")).sign())
    assert torch.allclose(mended @ mended.transpose(1, 2), torch.eye(16).expand(1, -1, -1), atol=1e-4)


def test_orthonormalising_takes_the_nearest_orthonormal_rows():
    directions, _ = directions_of((3,))
    rows = flat(directions) + 0.1 * torch.randn(1, 6, WIDTH, dtype=torch.float64, generator=derived_generator(0))
    left, _, right = torch.linalg.svd(rows, full_matrices=False)
    assert torch.allclose(orthonormalise(rows), left @ right, atol=1e-10)
