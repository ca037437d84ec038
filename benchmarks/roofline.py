"""The speed of a step, compared with batched matrix products of the same shape on this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from benchmarks.measure import Sample, in_turns, seconds
from benchmarks.ours import Shape, Stepper

COUNT = 40


@dataclass(frozen=True, kw_only=True)
class Roofline:
    """The speed of a step and of matrix products.

    Args:
        shape: The shape of the step.
        rate: Search-steps per second.
        achieved: GFLOP/s of a step; only its products count as work.
        product: GFLOP/s of a square product with the same stack, width and batch.
        own: GFLOP/s of the products of a step alone.
    """

    shape: Shape
    rate: Sample
    achieved: Sample
    product: Sample
    own: Sample


def roofline(shape: Shape, *, repeats: int) -> Roofline:
    """Measure a step, a matching batched product, and the products of the step alone, in turns."""
    stepper = Stepper(shape)
    square = _product(shape.searches, shape.width, shape.width, shape.batch)
    products = _products(shape)

    def achieved() -> float:
        return COUNT * shape.flops / seconds(lambda: stepper.steps(COUNT)) / 1e9

    def product() -> float:
        work = 2 * shape.searches * shape.width**2 * shape.batch
        return 8 * COUNT * work / seconds(lambda: [square() for _ in range(8 * COUNT)]) / 1e9

    def own() -> float:
        return COUNT * shape.flops / seconds(lambda: [one() for _ in range(COUNT) for one in products]) / 1e9

    found = in_turns({"achieved": achieved, "product": product, "own": own}, repeats)
    rate = found["achieved"].scaled(1e9 * shape.searches / shape.flops)
    return Roofline(shape=shape, rate=rate, **found)


def _product(stack: int, rows: int, inner: int, columns: int) -> Callable[[], object]:
    """A batched product `[stack, rows, inner] × [stack, inner, columns]` into allocated memory."""
    left, right = torch.randn(stack, rows, inner), torch.randn(stack, inner, columns)
    out = torch.empty(stack, rows, columns)
    return lambda: torch.bmm(left, right, out=out)


def _products(shape: Shape) -> list[Callable[[], object]]:
    """The products of a step: the interchange of each variable, and the layers after it, forward and backward."""
    searches, size, width = shape.searches, shape.size, shape.width
    rows = round(shape.batch * 2 / 3) if shape.kind == "thirds" else shape.batch
    exchange = [
        _product(1, searches * size, width, rows),  # read
        _product(searches, width, size, rows),  # write
        _product(searches, size, rows, width),  # gradient of write
        _product(searches, size, width, rows),  # of the features
        _product(1, searches * size, rows, width),  # of read
    ]
    forward = [_product(searches, width, width, shape.batch), _product(searches, 2, width, shape.batch)]
    backward = [_product(searches, width, width, shape.batch), _product(searches, width, 2, shape.batch)]
    return [*exchange * shape.variables, *forward, *backward]
