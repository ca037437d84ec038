"""Tests whether the activations at a place in a module can be exchanged, and lists all places where they can."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from interlocus.core.errors import InterlocusError, NetworkError
from interlocus.networks.module.hooks import hooked
from interlocus.networks.site import Site

RunModule = Callable[[Tensor], Tensor]
"""Takes encoded inputs and returns logits."""
NOISE_SCALES = (0.1, 1.0, 100.0)
"""Noise that is added to activations to see whether they are read, relative to their mean size."""


class TracedRun(NamedTuple):
    """One run of a module in which the activations at a site are a leaf of the graph.

    Args:
        activations: The leaf, one row for each example.
        logits: The logits that follow from it.
        changed_in_place: Whether a later operation changed the activations in place.
    """

    activations: Tensor
    logits: Tensor
    changed_in_place: bool


def check_site(module: nn.Module, run: RunModule, site: Site, example: Tensor) -> tuple[int, ...]:
    """The shape of a site's activations, without the axis of examples.

    Args:
        module: The network, in evaluation mode.
        run: Runs the module on encoded inputs.
        site: The site to test.
        example: At least two encoded inputs.

    Raises:
        UnknownNameError: The module has no part at the site's path.
        NetworkError: The activations cannot be exchanged; the message says why.
    """
    value, logits, changed_in_place = _trace(module, run, site, example)
    fewer, _, _ = _trace(module, run, site, example[:-1])
    if value.shape[0] != len(example) or fewer.shape[0] != len(example) - 1 or fewer.shape[1:] != value.shape[1:]:
        raise NetworkError(
            f"At the site {str(site)!r} activations have shape {list(value.shape)} for {len(example)} inputs and "
            f"{list(fewer.shape)} for {len(example) - 1}.",
            "The first axis must hold the examples, and the other axes must not depend on their number.",
            "Choose another site, or add an index along an axis as in layer@1=0.",
        )
    if changed_in_place:
        raise NetworkError(
            f"A later operation changes the activations at the site {str(site)!r} in place.",
            "So the rest of the network would not see the exchanged values.",
            "Choose the site after that operation, or remove `inplace=True` from the module.",
        )
    slope = torch.autograd.grad(logits.sum(), value, allow_unused=True)[0] if logits.requires_grad else None
    if slope is None or (site.axis is not None and not slope.any() and _is_unread_part(module, run, site, example)):
        raise NetworkError(
            f"The output does not depend on the site {str(site)!r}.",
            "An exchange there cannot change the answer.",
            "Choose a site that later parts of the network read.",
        )
    _check_exchange(module, run, site, example, value.detach())
    return tuple(value.shape[1:])


def check_logits(output: object, inputs: Tensor) -> Tensor:
    """The output of a module, if it has the shape of logits.

    Args:
        output: What the module returned.
        inputs: The inputs for which it was returned, one row for each example.

    Raises:
        NetworkError: The output is no matrix with one row for each input.
    """
    if isinstance(output, Tensor) and output.dim() == 2 and len(output) == len(inputs):
        return output
    shape = f"shape {list(output.shape)}" if isinstance(output, Tensor) else f"a {type(output).__name__}"
    raise NetworkError(
        f"For {len(inputs)} inputs the module returns {shape}.",
        "It must return logits, with one row for each input and one column for each class.",
        "Pass `call=lambda module, x: …` that returns the logits.",
    )


def usable_sites(module: nn.Module, run: RunModule, example: Tensor) -> dict[str, tuple[int, ...]]:
    """The activation shape of every site that passes `check_site`, in the order of computation.

    A sequence returns the same tensor as its last part. Of such equal sites only the outermost is listed. Sites that
    hold the logits themselves are left out.

    Args:
        module: The network, in evaluation mode.
        run: Runs the module on encoded inputs.
        example: At least two encoded inputs.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    previous: Tensor | None = None
    for path in [":input", *_paths_in_order(module, run, example)]:
        site = Site.parse(path)
        try:
            shape = check_site(module, run, site, example)
        except InterlocusError:
            continue
        value, logits, _ = _trace(module, run, site, example)
        if _equal(value, logits):
            continue
        if previous is not None and _equal(value, previous):
            shapes.popitem()
        shapes[str(site)], previous = shape, value
    return shapes


def _equal(first: Tensor, second: Tensor) -> bool:
    return first.shape == second.shape and torch.equal(first, second)


def _paths_in_order(module: nn.Module, run: RunModule, example: Tensor) -> list[str]:
    """Paths of all parts of a module, in the order in which they return."""
    paths: list[str] = []
    handles = [
        part.register_forward_hook(lambda *_, path=path: paths.append(path))
        for path, part in module.named_modules()
        if path
    ]
    try:
        with torch.no_grad():
            run(example)
    finally:
        for handle in handles:
            handle.remove()
    return list(dict.fromkeys(paths))


def _trace(module: nn.Module, run: RunModule, site: Site, example: Tensor) -> TracedRun:
    """Run a module with the activations at a site as a leaf of the graph."""
    leaves: list[Tensor] = []
    passed: list[tuple[Tensor, int]] = []

    def insert_leaf(value: Tensor) -> Tensor:
        leaves.append(value.detach().clone().requires_grad_())
        # The rest of the network gets a copy, because torch refuses to change a leaf in place.
        copy = leaves[-1] * 1.0
        passed.append((copy, copy._version))
        return copy

    with torch.enable_grad(), hooked(module, site, insert_leaf):
        logits = run(example)
    if len(leaves) != 1:
        times = "never" if not leaves else f"{len(leaves)} times"
        raise NetworkError(
            f"One run of the network passes the site {str(site)!r} {times}.",
            "Activations can be exchanged only where they are computed exactly once.",
            "Choose another site; inside a module that is used twice there is none.",
        )
    copy, version = passed[0]
    return TracedRun(activations=leaves[0], logits=logits, changed_in_place=copy._version != version)


def _is_unread_part(module: nn.Module, run: RunModule, site: Site, example: Tensor) -> bool:
    """Whether the network reads other parts of a tensor and never this one, such as an early step of its last layer.

    The gradient of the sum of the logits does not decide this: it is zero for logits of opposite sign, and behind units
    that are off for the examples.
    """
    whole = replace(site, axis=None, index=None)
    return not _is_read(module, run, site, example) and _is_read(module, run, whole, example)


def _is_read(module: nn.Module, run: RunModule, site: Site, example: Tensor) -> bool:
    """Whether some other activations at a site change the logits."""
    generator = torch.Generator().manual_seed(0)

    def with_noise(value: Tensor, scale: float) -> Tensor:
        noise = torch.randn(value.shape, generator=generator).to(value)
        return value + scale * (1 + value.abs().mean()) * noise

    with torch.no_grad():
        before = run(example)
        for scale in NOISE_SCALES:
            with hooked(module, site, partial(with_noise, scale=scale)):
                if not torch.equal(run(example), before):
                    return True
    return False


def _check_exchange(module: nn.Module, run: RunModule, site: Site, example: Tensor, value: Tensor) -> None:
    """Mix the activations of several examples, as interchange interventions do, and check the logits."""
    rows = torch.arange(value.numel()).view(value.shape) % len(value)
    mixed = value.flatten(1).gather(0, rows.flatten(1).to(value.device)).view(value.shape)
    with torch.no_grad(), hooked(module, site, lambda _: mixed):
        logits = run(example)
    if not torch.isfinite(logits).all():
        raise NetworkError(
            f"With activations of several inputs mixed at the site {str(site)!r}, the output is not finite.",
            "A search mixes activations like this in every step.",
            "Choose a site after the operation that cannot take such values, such as a root or a logarithm.",
        )
