"""Looking at a site of a module while it runs, and putting something else there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from interlocus.core.errors import NetworkError, UnknownNameError
from interlocus.networks.site import Site

Change = Callable[[Tensor], Tensor | None]
"""Is given the tensor at a site; what it returns, if anything, takes its place."""


@contextmanager
def hooked(module: nn.Module, site: Site, change: Change) -> Iterator[None]:
    """Call `change` whenever the site is passed; the hook is gone afterwards.

    Raises:
        UnknownNameError: the module has no part at that path.
    """
    part = find(module, site.path)
    if site.end == "output":

        def after(_: nn.Module, given: Any, answer: Any) -> Any:
            return _replaced(answer, site, change)

        handle = part.register_forward_hook(after)
    else:

        def before(_: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
            if not given and len(named) == 1 and site.element is None:  # the only argument, passed by its name
                name, value = next(iter(named.items()))
                changed = _replaced(value, site, change)
                return None if changed is None else (given, {name: changed})
            whole = given[0] if site.element is None and len(given) == 1 else given
            changed = _replaced(whole, site, change)
            if changed is None:
                return None
            return ((changed,) if whole is not given else changed), named

        handle = part.register_forward_pre_hook(before, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


def find(module: nn.Module, path: str) -> nn.Module:
    """The part of a module at a path.

    Raises:
        UnknownNameError: there is none.
    """
    parts = dict(module.named_modules(remove_duplicate=False))
    if path not in parts:
        raise UnknownNameError("module", path, [name for name in parts if name], "this network")
    return parts[path]


def _replaced(value: Any, site: Site, change: Change) -> Any:
    """The value with what `change` makes of the tensor that the site means; `None` where nothing is to be changed."""
    whole = _element(value, site)
    if site.axis is None:
        new = change(whole)
    else:
        if not -whole.dim() <= site.axis < whole.dim() or not _within(site.index, whole.shape[site.axis]):
            raise NetworkError(
                f"The site {str(site)!r} takes part {site.index} along axis {site.axis} of shape {list(whole.shape)}.",
                "There is no such part.",
                "Choose an axis and an index that it has.",
            )
        part = change(whole.select(site.axis, site.index or 0))
        new = None if part is None else _with_part(whole, part, site)
    if new is None or site.element is None:
        return new
    elements = [new if place == site.element else element for place, element in enumerate(value)]
    # a named tuple takes its elements one by one
    return type(value)(*elements) if hasattr(value, "_fields") else type(value)(elements)


def _element(value: Any, site: Site) -> Tensor:
    if site.element is not None and isinstance(value, tuple | list) and site.element < len(value):
        value = value[site.element]
    if not isinstance(value, Tensor) or not value.is_floating_point():
        size = f" of {len(value)}" if isinstance(value, tuple | list) else ""
        raise NetworkError(
            f"At the site {str(site)!r} there is a {type(value).__name__}{size}.",
            "Activations are a tensor of real numbers.",
            "Name an element of it, as in block:output[0], or another site.",
        )
    return value


def _within(index: int | None, length: int) -> bool:
    return index is not None and -length <= index < length


def _with_part(whole: Tensor, part: Tensor, site: Site) -> Tensor:
    """The tensor with another part, and with gradients to that part."""
    assert site.axis is not None
    assert site.index is not None
    return torch.select_scatter(whole, part.to(whole), site.axis, site.index)
