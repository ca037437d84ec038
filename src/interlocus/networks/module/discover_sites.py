"""Whether a place in a module can be exchanged."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from interlocus.core.errors import InterlocusError, NetworkError
from interlocus.networks.module.hooks import hooked
from interlocus.networks.site import Site

RunModule = Callable[[Tensor], Tensor]
"""From encoded inputs to logits."""


def survey(module: nn.Module, run: RunModule, site: Site, example: Tensor) -> tuple[int, ...]:
    """The shape of a site's activations, without the axis of examples.

    Args:
        module: in evaluation mode.
        run: runs it.
        site: the place.
        example: two inputs or more.

    Raises:
        UnknownNameError: there is no module at its path.
        NetworkError: why it cannot be exchanged.
    """
    value, logits, changed = _pass(module, run, site, example)
    few, _, _ = _pass(module, run, site, example[:-1])
    if value.shape[0] != len(example) or few.shape[0] != len(example) - 1 or few.shape[1:] != value.shape[1:]:
        raise NetworkError(
            f"At the site {str(site)!r} activations have shape {list(value.shape)} for {len(example)} inputs and "
            f"{list(few.shape)} for {len(example) - 1}.",
            "The first axis must be that of examples, and the others always the same.",
            "Choose another site, or an index along an axis.",
        )
    if changed:
        raise NetworkError(
            f"What is at the site {str(site)!r} is changed in place later on.",
            "What the rest of the network sees is not what would be put there.",
            "Choose the site behind that change, or take `inplace=True` out of the module.",
        )
    slope = torch.autograd.grad(logits.sum(), value, allow_unused=True)[0] if logits.requires_grad else None
    if slope is None:
        raise NetworkError(
            f"The output does not depend on the site {str(site)!r}.",
            "Whatever is exchanged there, nothing can change.",
            "Choose a site on the way from the input to the output.",
        )
    _try_exchange(module, run, site, example, value.detach())
    return tuple(value.shape[1:])


def usable_sites(module: nn.Module, run: RunModule, example: Tensor) -> dict[str, tuple[int, ...]]:
    """Every place that stands the test, in the order in which it is passed.

    A sequence gives out the tensor of its last part: of equal tensors only the outermost is a place of its own, and
    none is where the answer itself is.
    """
    found: dict[str, tuple[int, ...]] = {}
    last: Tensor | None = None
    for path in [":input", *_order(module, run, example)]:
        site = Site.parse(path)
        try:
            shape = survey(module, run, site, example)
        except InterlocusError:
            continue
        value, logits, _ = _pass(module, run, site, example)
        if _equal(value, logits):
            continue
        if last is not None and _equal(value, last):
            found.popitem()
        found[str(site)], last = shape, value
    return found


def _equal(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and torch.equal(one, other)


def _order(module: nn.Module, run: RunModule, example: Tensor) -> list[str]:
    """The paths of all parts, as their outputs come."""
    passed: list[str] = []
    handles = [
        part.register_forward_hook(lambda *_, path=path: passed.append(path))
        for path, part in module.named_modules()
        if path
    ]
    try:
        with torch.no_grad():
            run(example)
    finally:
        for handle in handles:
            handle.remove()
    return list(dict.fromkeys(passed))


def _pass(module: nn.Module, run: RunModule, site: Site, example: Tensor) -> tuple[Tensor, Tensor, bool]:
    """The activations at a site as a leaf, the logits that follow from it, and whether it was changed on the way."""
    leaves: list[Tensor] = []
    passed: list[tuple[Tensor, int]] = []

    def look(value: Tensor) -> Tensor:
        leaves.append(value.detach().clone().requires_grad_())
        passed.append((leaves[-1] * 1.0, 0))  # no leaf, so that a change in place is no error yet
        passed[-1] = (passed[-1][0], passed[-1][0]._version)
        return passed[-1][0]

    with torch.enable_grad(), hooked(module, site, look):
        logits = run(example)
    if len(leaves) != 1:
        raise NetworkError(
            f"The site {str(site)!r} is passed {'never' if not leaves else f'{len(leaves)} times'} in one run.",
            "An exchange has to happen exactly once.",
            "Choose another site; a module that is used twice has none of its own.",
        )
    value, version = passed[0]
    return leaves[0], logits, value._version != version


def _try_exchange(module: nn.Module, run: RunModule, site: Site, example: Tensor, value: Tensor) -> None:
    """Mix the activations of several examples, as exchanges do, and look at the answer."""
    rows = torch.arange(value.numel()).view(value.shape) % len(value)
    mixed = value.flatten(1).gather(0, rows.flatten(1).to(value.device)).view(value.shape)
    with torch.no_grad(), hooked(module, site, lambda _: mixed):
        logits = run(example)
    if not torch.isfinite(logits).all():
        raise NetworkError(
            f"When activations of several inputs are mixed at the site {str(site)!r}, the answer is not finite.",
            "A search exchanges parts of activations all the time.",
            "Choose a site behind whatever cannot take such values, such as a root or a logarithm.",
        )
