"""The modules after a site, where the network is a chain of modules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from interlocus.networks.mlp.activations import ACTIVATIONS
from interlocus.networks.mlp.suffix import MLPSuffix
from interlocus.networks.site import Site

_ACTIVATION_NAMES: dict[type[nn.Module], str] = {
    nn.ReLU: "relu",
    nn.Sigmoid: "sigmoid",
    nn.Tanh: "tanh",
    nn.GELU: "gelu",
}
_IDENTITY_IN_EVALUATION = (nn.Identity, nn.Dropout)


def modules_after(module: nn.Module, site: Site) -> list[nn.Module] | None:
    """The modules that run after a site, or `None` where the network is no chain of (nested) sequences.

    It is `None` as well for sites that select an element or a slice, for chains that use a module twice, and for
    modules with hooks of their owner, which must run.

    Args:
        module: The whole network that contains the site.
        site: A site in it.
    """
    if site.element is not None or site.axis is not None:
        return None
    chain = list(_chain(module, ""))
    if len({id(part) for _, part in chain}) < len(chain) or _has_hooks(module):
        return None
    paths = [path for path, _ in chain]
    if site.path in paths:
        return [part for _, part in chain[paths.index(site.path) + (site.end == "output") :]]
    prefix = f"{site.path}." if site.path else ""
    within_site = [place for place, path in enumerate(paths) if path.startswith(prefix)]
    if not within_site or not isinstance(dict(module.named_modules()).get(site.path), nn.Sequential):
        return None
    return [part for _, part in chain[(within_site[-1] + 1 if site.end == "output" else within_site[0]) :]]


def perceptron_suffix(parts: Sequence[nn.Module], shape: tuple[int, ...]) -> MLPSuffix | None:
    """A chain `linear → activation → … → linear` as a suffix with a hand-written gradient.

    Args:
        parts: The modules after a site, in order.
        shape: Shape of the site's activations, without the axis of examples.

    Returns:
        `None` where activations are no vectors, other modules occur, activations differ, or the precision is not
        float32.
    """
    parts = [part for part in parts if type(part) not in _IDENTITY_IN_EVALUATION]
    linear, activations = parts[::2], parts[1::2]
    names = {_activation_name(part) for part in activations}
    if len(shape) != 1 or len(parts) % 2 == 0 or None in names or len(names) > 1:
        return None
    if not all(type(part) is nn.Linear and part.weight.dtype == torch.float32 for part in linear):
        return None
    layers = [part for part in linear if isinstance(part, nn.Linear)]
    weights = tuple(layer.weight.detach().unsqueeze(0) for layer in layers)
    biases = tuple(_bias(layer).unsqueeze(0) for layer in layers)
    # A single layer has no activation after it, so any name will do.
    return MLPSuffix(weights=weights, biases=biases, activation=ACTIVATIONS[names.pop() or "" if names else "relu"])


def _bias(layer: nn.Linear) -> Tensor:
    return layer.weight.new_zeros(layer.out_features) if layer.bias is None else layer.bias.detach()


def _activation_name(part: nn.Module) -> str | None:
    exact = not isinstance(part, nn.GELU) or part.approximate == "none"
    return _ACTIVATION_NAMES.get(type(part)) if exact else None


def _chain(module: nn.Module, path: str) -> Iterator[tuple[str, nn.Module]]:
    """The modules of nested sequences in the order in which they run, with their paths."""
    if type(module) is not nn.Sequential:
        yield path, module
        return
    for name, part in module._modules.items():  # `named_children` skips a module that occurs a second time
        assert part is not None
        yield from _chain(part, f"{path}.{name}" if path else name)


def _has_hooks(module: nn.Module) -> bool:
    """Whether any part has hooks, which only run when the network runs as a whole."""
    return any(
        part._forward_hooks or part._forward_pre_hooks or part._backward_hooks or part._backward_pre_hooks
        for part in module.modules()
    )
