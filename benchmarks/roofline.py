"""How near a step is to what batched products of the same shape reach on this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from benchmarks.measure import Sample, in_turns, seconds
from benchmarks.ours import Shape, Stepper

COUNT = 40


@dataclass(frozen=True, kw_only=True)
class Roofline:
    """Of 64 stacked searches at batch 256 by default.

    Args:
        shape: of a step.
        rate: search-steps a second.
        achieved: GFLOP/s of a step; only its products count as work.
        product: GFLOP/s of a square product of the same stack, width and batch.
        own: GFLOP/s of a step's own products and nothing else.
    """

    shape: Shape
    rate: Sample
    achieved: Sample
    product: Sample
    own: Sample


def roofline(shape: Shape, *, repeats: int) -> Roofline:
    """A step, a matched batched product, and the step's products alone, in turns."""
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
    """A batched product `[stack, rows, inner] × [stack, inner, columns]` into memory that is there."""
    left, right = torch.randn(stack, rows, inner), torch.randn(stack, inner, columns)
    out = torch.empty(stack, rows, columns)
    return lambda: torch.bmm(left, right, out=out)


def _products(shape: Shape) -> list[Callable[[], object]]:
    """Those of a step: the exchange of each variable and the layers behind it, forward and twice backward."""
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
