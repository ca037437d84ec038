"""What lies behind a site, where modules stand in a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from interlocus.networks.mlp.activations import ACTIVATIONS
from interlocus.networks.mlp.suffix import MLPSuffix
from interlocus.networks.site import Site

_NAMES: dict[type[nn.Module], str] = {nn.ReLU: "relu", nn.Sigmoid: "sigmoid", nn.Tanh: "tanh", nn.GELU: "gelu"}
_PASSING = (nn.Identity, nn.Dropout)
"""Do nothing in evaluation mode."""


def behind(module: nn.Module, site: Site) -> list[nn.Module] | None:
    """The modules that are run after a site, if all of them stand in one row of (nested) sequences."""
    if site.element is not None or site.axis is not None:
        return None
    row = list(_row(module, ""))
    if len({id(part) for _, part in row}) < len(row) or _has_hooks(module):
        return None
    names = [name for name, _ in row]
    if site.path in names:
        return [part for _, part in row[names.index(site.path) + (site.end == "output") :]]
    inside = [place for place, name in enumerate(names) if name.startswith(f"{site.path}." if site.path else "")]
    if not inside or not isinstance(dict(module.named_modules()).get(site.path), nn.Sequential):
        return None
    return [part for _, part in row[(inside[-1] + 1 if site.end == "output" else inside[0]) :]]


def perceptron_suffix(parts: Sequence[nn.Module], shape: tuple[int, ...]) -> MLPSuffix | None:
    """The same modules with their gradient written out, where they are `linear → activation → … → linear`.

    Sites that are no vectors, other modules, and other precisions have none.
    """
    parts = [part for part in parts if type(part) not in _PASSING]
    linear, activations = parts[::2], parts[1::2]
    names = {_name(part) for part in activations}
    if len(shape) != 1 or len(parts) % 2 == 0 or None in names or len(names) > 1:
        return None
    if not all(type(part) is nn.Linear and part.weight.dtype == torch.float32 for part in linear):
        return None
    layers = [part for part in linear if isinstance(part, nn.Linear)]
    weights = tuple(layer.weight.detach().unsqueeze(0) for layer in layers)
    biases = tuple(_bias(layer).unsqueeze(0) for layer in layers)
    # with one layer nothing is between, and any activation will do
    return MLPSuffix(weights=weights, biases=biases, activation=ACTIVATIONS[names.pop() or "" if names else "relu"])


def _bias(layer: nn.Linear) -> Tensor:
    return layer.weight.new_zeros(layer.out_features) if layer.bias is None else layer.bias.detach()


def _name(part: nn.Module) -> str | None:
    exact = not isinstance(part, nn.GELU) or part.approximate == "none"
    return _NAMES.get(type(part)) if exact else None


def _row(module: nn.Module, path: str) -> Iterator[tuple[str, nn.Module]]:
    """Modules that run one after the other, with their paths."""
    if type(module) is not nn.Sequential:
        yield path, module
        return
    for name, part in module._modules.items():  # `named_children` leaves out what stands there twice
        assert part is not None
        yield from _row(part, f"{path}.{name}" if path else name)


def _has_hooks(module: nn.Module) -> bool:
    """Whether anything else happens when a module is run; then it has to be run whole."""
    return any(
        part._forward_hooks or part._forward_pre_hooks or part._backward_hooks or part._backward_pre_hooks
        for part in module.modules()
    )
