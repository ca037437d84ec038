"""Activation functions with their derivatives, in buffers."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from interlocus.core.errors import UnknownNameError


class Activation(NamedTuple):
    """A function of each number by itself.

    Args:
        function: the values, differentiable.
        fill: the values, written into the second tensor.
        pull: turns the gradient with respect to the values into that with respect to the arguments, in place; it is
            given the gradient, the arguments and the values.
        needs_argument: whether `pull` looks at the arguments; where not, values may take their place in memory.
    """

    function: Callable[[Tensor], Tensor]
    fill: Callable[[Tensor, Tensor], Tensor]
    pull: Callable[[Tensor, Tensor, Tensor], Tensor]
    needs_argument: bool = False


def _relu(argument: Tensor, out: Tensor) -> Tensor:
    return torch.clamp_min(argument, 0, out=out)


def _relu_pull(gradient: Tensor, argument: Tensor, value: Tensor) -> Tensor:
    return torch.ops.aten.threshold_backward.grad_input(gradient, value, 0, grad_input=gradient)


def _sigmoid(argument: Tensor, out: Tensor) -> Tensor:
    return torch.sigmoid(argument, out=out)


def _sigmoid_pull(gradient: Tensor, argument: Tensor, value: Tensor) -> Tensor:
    return torch.ops.aten.sigmoid_backward.grad_input(gradient, value, grad_input=gradient)


def _tanh(argument: Tensor, out: Tensor) -> Tensor:
    return torch.tanh(argument, out=out)


def _tanh_pull(gradient: Tensor, argument: Tensor, value: Tensor) -> Tensor:
    return torch.ops.aten.tanh_backward.grad_input(gradient, value, grad_input=gradient)


def _gelu(argument: Tensor, out: Tensor) -> Tensor:
    return torch.ops.aten.gelu.out(argument, out=out)


def _gelu_pull(gradient: Tensor, argument: Tensor, value: Tensor) -> Tensor:
    return torch.ops.aten.gelu_backward.grad_input(gradient, argument, grad_input=gradient)


ACTIVATIONS = {
    "relu": Activation(torch.relu, _relu, _relu_pull),
    "sigmoid": Activation(torch.sigmoid, _sigmoid, _sigmoid_pull),
    "tanh": Activation(torch.tanh, _tanh, _tanh_pull),
    "gelu": Activation(torch.nn.functional.gelu, _gelu, _gelu_pull, needs_argument=True),
}


def find_activation(name: str) -> Activation:
    """An activation function by its name.

    Raises:
        UnknownNameError: there is none of that name.
    """
    if name not in ACTIVATIONS:
        raise UnknownNameError("activation", name, ACTIVATIONS)
    return ACTIVATIONS[name]
