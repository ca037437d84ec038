"""Laws of the losses, over all that are registered."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from interlocus.alignment.interchange.losses import AbstractLoss, gradient
from interlocus.core.linalg import BufferPool
from interlocus.core.plugins import LOSSES
from interlocus.core.random import derived_generator

PROBLEMS, SEARCHES, BATCH = 3, 4, 10


@pytest.fixture(params=list(LOSSES))
def loss(request) -> AbstractLoss:
    return LOSSES.get(request.param)()


def problem(classes: int, *, scale: float = 1.0, dtype=torch.float64) -> tuple[Tensor, Tensor]:
    """Logits and one-hot labels, which the searches of a problem share."""
    generator = derived_generator(0, classes)
    logits = scale * torch.randn(PROBLEMS, SEARCHES, classes, BATCH, dtype=dtype, generator=generator)
    labels = torch.randint(classes, (PROBLEMS, BATCH), generator=generator)
    return logits, torch.nn.functional.one_hot(labels, classes).transpose(1, 2).unsqueeze(1).to(dtype)


def slope(loss: AbstractLoss, logits: Tensor, one_hot: Tensor) -> Tensor:
    return gradient(loss, logits, one_hot, BufferPool(logits))


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("classes", [2, 3, 7])
def test_the_gradient_is_that_of_the_mean_loss_of_each_search(loss, classes, scale):
    logits, one_hot = problem(classes, scale=scale)
    leaf = logits.clone().requires_grad_()
    probability = (torch.softmax(leaf, 2) * one_hot).sum(2)
    loss.value(probability).mean(2).sum().backward()
    assert torch.allclose(slope(loss, logits, one_hot), leaf.grad, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("temperature", [0.5, 3.0])
def test_a_temperature_divides_the_logits(loss, temperature):
    logits, one_hot = problem(3)
    leaf = logits.clone().requires_grad_()
    probability = (torch.softmax(leaf / temperature, 2) * one_hot).sum(2)
    loss.value(probability).mean(2).sum().backward()
    assert torch.allclose(gradient(loss, logits, one_hot, BufferPool(logits), temperature), leaf.grad, rtol=1e-10)


def test_the_slope_is_minus_p_times_the_derivative_of_the_value(loss):
    probability = torch.linspace(0.01, 0.99, 99, dtype=torch.float64, requires_grad=True)
    loss.value(probability).sum().backward()
    softmax = torch.stack([probability.detach(), 1 - probability.detach()])
    one_hot = torch.tensor([[1.0], [0.0]]).double().expand(2, 99)
    expected = -probability.detach() * probability.grad
    assert torch.allclose(torch.as_tensor(loss.slope(softmax, one_hot)).double().expand(1, 99)[0], expected)


def test_searches_know_nothing_of_each_other(loss):
    logits, one_hot = problem(3)
    together = slope(loss, logits, one_hot).clone()
    for p in range(PROBLEMS):
        for s in range(SEARCHES):
            alone = slope(loss, logits[p : p + 1, s : s + 1].clone(), one_hot[p : p + 1])
            assert torch.allclose(together[p, s], alone[0, 0], rtol=0, atol=1e-15)


def test_a_better_answer_costs_less_and_a_sure_one_nothing(loss):
    probability = torch.linspace(0.01, 1, 100, dtype=torch.float64)
    value = loss.value(probability)
    assert (value.diff() < 0).all()
    assert value[-1] == 0
    assert (value >= 0).all()


def test_going_down_the_gradient_makes_the_label_likelier(loss):
    logits, one_hot = problem(3)
    before = (torch.softmax(logits, 2) * one_hot).sum(2)
    after = (torch.softmax(logits - slope(loss, logits, one_hot), 2) * one_hot).sum(2)
    assert (after > before).all()


def test_logits_of_any_size_give_finite_gradients(loss):
    logits, one_hot = problem(2, scale=1e4, dtype=torch.float32)
    assert torch.isfinite(slope(loss, logits, one_hot)).all()


def test_arguments_are_left_alone(loss):
    logits, one_hot = problem(2)
    again = problem(2)
    slope(loss, logits, one_hot)
    assert torch.equal(logits, again[0])
    assert torch.equal(one_hot, again[1])


def test_the_bounded_loss_is_near_to_the_share_of_wrong_labels():
    logits, one_hot = problem(3, scale=1e4)
    probability = (torch.softmax(logits, 2) * one_hot).sum(2)
    wrong = ((logits * one_hot).sum(2) < logits.amax(2)).double()
    value = LOSSES.get("bounded")().value(probability)
    assert torch.allclose(value.mean(), wrong.mean(), atol=0.01)
    assert value.max() <= 1
