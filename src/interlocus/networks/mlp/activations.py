"""Activation functions and their derivatives, computed into existing memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from interlocus.core.errors import UnknownNameError


class Activation(NamedTuple):
    """An element-wise activation function with a hand-written gradient.

    Args:
        function: The function itself, differentiable by torch.
        forward_into: Writes the values of its first argument into its second, and returns the second.
        backward_in_place: Takes the gradient with respect to the values, the arguments and the values, and turns the
            gradient into that with respect to the arguments, in place.
        needs_argument: Whether `backward_in_place` uses the arguments. If not, the values may overwrite them.
    """

    function: Callable[[Tensor], Tensor]
    forward_into: Callable[[Tensor, Tensor], Tensor]
    backward_in_place: Callable[[Tensor, Tensor, Tensor], Tensor]
    needs_argument: bool = False


def _relu(argument: Tensor, out: Tensor) -> Tensor:
    return torch.clamp_min(argument, 0, out=out)


def _relu_backward(gradient: Tensor, argument: Tensor, value: Tensor) -> Tensor:
    return torch.ops.aten.threshold_backward.grad_input(gradient, value, 0, grad_input=gradient)


def _sigmoid(argument: Tensor, out: Tensor) -> Tensor:
    return torch.sigmoid(argument, out=out)


def _sigmoid_backward(gradient: Tensor, argument: Tensor, value: Tensor) -> Tensor:
    return torch.ops.aten.sigmoid_backward.grad_input(gradient, value, grad_input=gradient)


def _tanh(argument: Tensor, out: Tensor) -> Tensor:
    return torch.tanh(argument, out=out)


def _tanh_backward(gradient: Tensor, argument: Tensor, value: Tensor) -> Tensor:
    return torch.ops.aten.tanh_backward.grad_input(gradient, value, grad_input=gradient)


def _gelu(argument: Tensor, out: Tensor) -> Tensor:
    return torch.ops.aten.gelu.out(argument, out=out)


def _gelu_backward(gradient: Tensor, argument: Tensor, value: Tensor) -> Tensor:
    return torch.ops.aten.gelu_backward.grad_input(gradient, argument, grad_input=gradient)


ACTIVATIONS = {
    "relu": Activation(torch.relu, _relu, _relu_backward),
    "sigmoid": Activation(torch.sigmoid, _sigmoid, _sigmoid_backward),
    "tanh": Activation(torch.tanh, _tanh, _tanh_backward),
    "gelu": Activation(torch.nn.functional.gelu, _gelu, _gelu_backward, needs_argument=True),
}


def find_activation(name: str) -> Activation:
    """The activation function of a name.

    Raises:
        UnknownNameError: There is no activation of that name.
    """
    if name not in ACTIVATIONS:
        raise UnknownNameError("activation", name, ACTIVATIONS)
    return ACTIVATIONS[name]
