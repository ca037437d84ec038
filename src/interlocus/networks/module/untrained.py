"""Untrained modules of the same architecture, with which scores in a trained module are compared."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from interlocus.core.errors import NetworkError

Untrained = Callable[[int], nn.Module]
"""Makes an untrained module of the same architecture from a seed."""


def untrained_parameters(module: nn.Module, untrained: Untrained | None) -> str:
    """How the parameters of `untrained_module` are made, as text for evidence; arguments as there."""
    if untrained is not None:
        return "made by the function `untrained`"
    if _is_from_transformers(module) or _can_be_initialised(module):
        return "initialised at random"
    return "the trained parameters, permuted at random"


def untrained_module(module: nn.Module, untrained: Untrained | None, *, seed: int) -> nn.Module:
    """An untrained copy of a module.

    Without a function, parameters are initialised if it is known how: by the configuration of a Hugging Face model, or
    by the method `reset_parameters` of every part with parameters. Otherwise the entries of each parameter are
    permuted, which keeps their mean, scale and sparsity and destroys what was learned. Other buffers are kept.

    Args:
        module: The trained module, which stays as it is.
        untrained: The user's function, if any.
        seed: Seed of the parameters. Torch's global generator is as before afterwards.

    Raises:
        NetworkError: The function makes a module of another architecture.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if untrained is not None:
            return _same_architecture(untrained(seed), module)
        if _is_from_transformers(module):
            model: Any = module
            return type(model)(copy.deepcopy(model.config)).to(device=model.device, dtype=model.dtype)
        fresh = initialised_again(module)
        return _permuted(module) if fresh is None else fresh  # a module may be false, for instance if it is empty


def initialised_again(module: nn.Module) -> nn.Module | None:
    """A copy whose parts were reset with torch's global generator; `None` if a part with parameters cannot be reset."""
    if not _can_be_initialised(module):
        return None
    fresh = copy.deepcopy(module)
    for part in fresh.modules():
        reset = getattr(part, "reset_parameters", None)
        if callable(reset):
            reset()
    return fresh


def _can_be_initialised(module: nn.Module) -> bool:
    parts = [part for part in module.modules() if [*part.parameters(recurse=False)]]
    return all(callable(getattr(part, "reset_parameters", None)) for part in parts)


def _is_from_transformers(module: nn.Module) -> bool:
    transformers = sys.modules.get("transformers")  # whoever made such a model has imported it
    return transformers is not None and isinstance(module, transformers.PreTrainedModel)


def _permuted(module: nn.Module) -> nn.Module:
    """A copy in which the entries of each parameter are permuted with torch's global generator."""
    fresh = copy.deepcopy(module)
    with torch.no_grad():
        for parameter in fresh.parameters():
            order = torch.randperm(parameter.numel()).to(parameter.device)
            parameter.copy_(parameter.flatten()[order].view_as(parameter))
    return fresh


def _same_architecture(made: nn.Module, module: nn.Module) -> nn.Module:
    shapes, expected = ({name: tuple(t.shape) for name, t in one.state_dict().items()} for one in (made, module))
    differing = sorted(name for name in {**shapes, **expected} if shapes.get(name) != expected.get(name))
    if differing:
        raise NetworkError(
            f"The function `untrained` returns a module of another architecture: {differing[0]} differs.",
            "Scores are compared with networks of the same architecture.",
            "Return a module whose parameters have the same names and shapes.",
        )
    return made
