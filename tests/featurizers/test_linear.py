"""Linear maps: singular maps, and the penalty on oblique projections."""

from __future__ import annotations

import pytest
import torch
from featurizer_searches import TASK, search

from interlocus.core.errors import SpecificationError
from interlocus.core.random import derived_generator
from interlocus.featurizers import Frames, Linear
from interlocus.featurizers.linear import obliqueness_gradient
from interlocus.networks import MLP


def test_a_singular_map_is_recorded_as_diverged(monkeypatch):
    initialize = Linear.initialize
    monkeypatch.setattr(Linear, "initialize", lambda *arguments: torch.zeros_like(initialize(*arguments)))
    result = search(MLP.untrained(TASK, count=1), Linear(), site="layer1", steps=50)
    restart = result.restarts(network=0, size=4).best
    assert restart.outcome == "diverged"
    assert "bound" in restart.hint
    assert restart.score.iia == 0


def test_a_bound_below_one_is_an_error(fails):
    with fails(SpecificationError, "0.5"):
        Linear(bound=0.5)


def oblique(*, size: int = 3, width: int = 8, unused: int = 1) -> Frames:
    """Oblique maps of two searches with two variables; the last rows are not in use."""
    square = torch.randn(2, width, width, dtype=torch.float64, generator=derived_generator(4))
    inverse = torch.linalg.inv(square).transpose(1, 2)
    mask = torch.ones(2, 2, size, 1).double()
    mask[:, :, size - unused :] = 0
    return Frames(*(part[:, : 2 * size].reshape(2, 2, size, width) * mask for part in (square, inverse)))


def test_the_gradient_of_the_obliqueness_penalty_agrees_with_autograd():
    frames = oblique()
    leaves = Frames(*(part.clone().requires_grad_() for part in frames))
    norms = torch.linalg.matrix_norm(leaves.write.transpose(2, 3) @ leaves.read, 2)
    two = norms.detach().flatten().sort().values[1:3]  # the bound lies between them, so that no norm is at it
    assert two.diff() > 0.01
    bound = float(two.mean())
    (norms - bound).clamp_min(0).sum().backward()
    gradient = obliqueness_gradient(frames, bound)
    assert (norms > bound).any()
    assert not (norms > bound).all()
    torch.testing.assert_close(gradient.read, leaves.read.grad)
    torch.testing.assert_close(gradient.write, leaves.write.grad)


def test_there_is_no_penalty_below_the_bound():
    assert not any(part.any() for part in obliqueness_gradient(oblique(), 1e6))


@pytest.mark.parametrize("bound", [None, 1.1])
def test_a_bound_keeps_projections_nearly_orthogonal(bound):
    """With no other loss, the penalty lowers norms to the bound; without a bound the maps stay as they are."""
    featurizer, mask = Linear(bound=bound), torch.ones(2, 2, 3, 1).double()
    parameters = torch.linalg.qr(torch.randn(2, 8, 8, generator=derived_generator(4)).double()).Q
    parameters = parameters + 0.3 * torch.randn(2, 8, 8, generator=derived_generator(5)).double()

    def norms(frames: Frames) -> torch.Tensor:
        return torch.linalg.matrix_norm(frames.write.transpose(2, 3) @ frames.read, 2)

    before = norms(featurizer.forward(parameters, mask)[0])
    assert before.max() > 1.2
    rate = 1e-3
    for _ in range(6000):
        frames, saved = featurizer.forward(parameters, mask)
        nothing = Frames(*map(torch.zeros_like, frames))
        parameters = featurizer.constrain(parameters - rate * featurizer.backward(parameters, saved, nothing))
    after = norms(featurizer.forward(parameters, mask)[0])
    if bound is None:
        torch.testing.assert_close(after, before)
    else:
        assert after.max() < bound + 0.05  # the last step may have gone up
