"""The suffix of a perceptron computes the rest of the network and its gradient."""

from __future__ import annotations

import pytest
import torch
from mlp_stacks import FUNCTIONS, SITES, close, double, inputs

from interlocus.core.linalg import BufferPool
from interlocus.core.random import derived_generator
from interlocus.networks.mlp.activations import ACTIVATIONS


@pytest.fixture(params=list(ACTIVATIONS))
def activation(request) -> str:
    return request.param


@pytest.mark.parametrize("site", SITES)
def test_the_suffix_computes_the_rest_of_the_network(site, activation):
    networks, shown = double(activation), inputs()
    hidden, suffix = networks.activations(site, shown), networks.suffix(site)
    projected = suffix.project(hidden)
    chosen = torch.tensor([2, 0, 0, 1])
    given = projected[chosen].transpose(1, 2).contiguous()
    logits, _ = suffix.body(chosen).forward(given.clone(), BufferPool(given))
    assert close(logits.transpose(1, 2), networks.run_from(site, hidden)[chosen])


@pytest.mark.parametrize("site", SITES)
def test_the_input_projection_is_the_linear_part_of_project(site, activation):
    networks = double(activation)
    suffix = networks.suffix(site)
    one, other = torch.randn(2, 3, 4, networks.width(site), dtype=torch.float64, generator=derived_generator(3))
    assert close(
        suffix.project(other) - suffix.project(one), torch.einsum("new,nrw->nre", suffix.input_projection, other - one)
    )


@pytest.mark.parametrize("site", SITES)
def test_the_gradient_of_the_body_agrees_with_autograd(site, activation):
    networks = double(activation)
    chosen = torch.tensor([1, 1, 2, 0])
    body = networks.suffix(site).body(chosen)
    projected = networks.suffix(site).input_projection.shape[1]
    generator = derived_generator(4, site)
    given = 2 * torch.randn(4, projected, 9, dtype=torch.float64, generator=generator)
    towards = torch.randn(4, 2, 9, dtype=torch.float64, generator=generator)
    buffers = BufferPool(given)
    logits, saved = body.forward(given.clone(), buffers)
    back = body.backward(saved, towards.clone(), buffers)

    leaf = given.clone().requires_grad_()
    value = leaf
    layer = list(networks.sites).index(site) + 1
    for weight, bias in zip(networks.weights[layer:], networks.biases[layer:], strict=True):
        value = weight[chosen] @ FUNCTIONS[activation](value) + bias[chosen].unsqueeze(2)
    assert close(logits, value.detach())
    value.backward(towards)
    assert close(back, leaf.grad)


def test_buffers_can_be_reused_for_batches_of_other_sizes(activation):
    networks = double(activation)
    body = networks.suffix("input").body(torch.arange(3))
    parts = [
        torch.randn(3, 7, count, dtype=torch.float64, generator=derived_generator(5, count)) for count in (9, 4, 9)
    ]
    buffers = BufferPool(parts[0])
    for part in parts:
        towards = torch.ones(3, 2, part.shape[2], dtype=torch.float64)
        logits, saved = body.forward(part.clone(), buffers)
        logits = logits.clone()
        back = body.backward(saved, towards, buffers)
        fresh, saved = body.forward(part.clone(), other := BufferPool(part))
        assert close(logits, fresh)
        assert close(back, body.backward(saved, towards, other))


@pytest.mark.parametrize("site", SITES)
def test_a_caller_may_overwrite_the_logits(site):
    networks = double("relu")
    body, width = networks.suffix(site).body(torch.arange(3)), networks.suffix(site).input_projection.shape[1]
    given = torch.ones(3, width, 4, dtype=torch.float64)
    body.forward(given, BufferPool(given))[0].fill_(7.0)
    assert not (given == 7.0).any()
