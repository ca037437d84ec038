"""Reading and replacing the tensor at a site while a module runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from interlocus.core.errors import NetworkError, UnknownNameError
from interlocus.networks.site import Site

Replace = Callable[[Tensor], Tensor | None]
"""Takes the tensor at a site and returns its replacement, or `None` to leave it."""


@contextmanager
def hooked(module: nn.Module, site: Site, replace: Replace) -> Iterator[None]:
    """Call a function with the tensor at a site whenever the module computes it. The hook is removed on exit.

    Args:
        module: The network that contains the site.
        site: The site to read or replace.
        replace: Takes the tensor; what it returns, unless `None`, replaces it.

    Raises:
        UnknownNameError: The module has no part at the site's path.
    """
    part = find_part(module, site.path)
    # What a hook receives and returns has the types of the user's module, so nothing is known about them.
    if site.end == "output":

        def after(_: nn.Module, arguments: Any, output: Any) -> Any:
            return _replaced(output, site, replace)

        handle = part.register_forward_hook(after)
    else:

        def before(_: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
            if not arguments and len(named) == 1 and site.element is None:  # the only argument, passed by name
                name, value = next(iter(named.items()))
                new = _replaced(value, site, replace)
                return None if new is None else (arguments, {name: new})
            whole = arguments[0] if site.element is None and len(arguments) == 1 else arguments
            new = _replaced(whole, site, replace)
            if new is None:
                return None
            return ((new,) if whole is not arguments else new), named

        handle = part.register_forward_pre_hook(before, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


def find_part(module: nn.Module, path: str) -> nn.Module:
    """The part of a module at a path.

    Args:
        module: The module that contains the part.
        path: Path as in `named_modules()`; empty for the module itself.

    Raises:
        UnknownNameError: The module has no part at that path.
    """
    parts = dict(module.named_modules(remove_duplicate=False))
    if path not in parts:
        raise UnknownNameError("module", path, [name for name in parts if name], "this network")
    return parts[path]


def _replaced(value: Any, site: Site, replace: Replace) -> Any:
    """An input or output of a module with the site's tensor replaced, or `None` where it stays as it is."""
    whole = _tensor_at(value, site)
    if site.axis is None:
        new = replace(whole)
    else:
        if not -whole.dim() <= site.axis < whole.dim() or not _is_index(site.index, whole.shape[site.axis]):
            raise NetworkError(
                f"The site {str(site)!r} selects index {site.index} along axis {site.axis}.",
                f"The tensor there has shape {list(whole.shape)}, without such an index.",
                "Choose an axis and an index within that shape.",
            )
        part = replace(whole.select(site.axis, site.index or 0))
        new = None if part is None else _with_slice(whole, part, site)
    if new is None or site.element is None:
        return new
    elements = [new if place == site.element else element for place, element in enumerate(value)]
    # The constructor of a named tuple takes the elements as separate arguments.
    return type(value)(*elements) if hasattr(value, "_fields") else type(value)(elements)


def _tensor_at(value: Any, site: Site) -> Tensor:
    """The tensor that a site selects from an input or output of its module."""
    if site.element is not None and isinstance(value, tuple | list) and site.element < len(value):
        value = value[site.element]
    if not isinstance(value, Tensor) or not value.is_floating_point():
        size = f" of {len(value)} elements" if isinstance(value, tuple | list) else ""
        raise NetworkError(
            f"The site {str(site)!r} holds a {type(value).__name__}{size}.",
            "Activations must be one tensor of floating-point numbers.",
            "Select an element, as in block:output[0], or choose another site.",
        )
    return value


def _is_index(index: int | None, length: int) -> bool:
    return index is not None and -length <= index < length


def _with_slice(whole: Tensor, part: Tensor, site: Site) -> Tensor:
    """A tensor with one slice replaced, differentiable with respect to the new slice."""
    assert site.axis is not None
    assert site.index is not None
    return torch.select_scatter(whole, part.to(whole), site.axis, site.index)
