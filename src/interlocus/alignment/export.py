"""Pulling variables out: of the inputs in a file, and as a program that stands alone."""

from __future__ import annotations

import io
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.readout import Extraction
from interlocus.core import tensor_files as files
from interlocus.core.errors import AlignmentError
from interlocus.networks import AbstractNetworks

CHECKED = 256
"""Inputs on which a program is held against what it was made from."""

TOLERANCE = 1e-4
"""Of features and probabilities: torch may put the same sums together in another order."""


def export(
    alignment: Alignment,
    network: AbstractNetworks,
    path: str | Path,
    example: Float[Tensor, "batch ..."] | None = None,
) -> None:
    """Write a program from inputs to the variables; see `Alignment.export`."""
    if example is None:
        if network.input_width is None:
            raise AlignmentError(
                "The network takes more than a vector.",
                "A program is written for inputs of one shape, which has to be known.",
                "Pass some inputs: export(network, path, example=inputs).",
            )
        example = torch.randn(CHECKED, network.input_width, generator=torch.Generator().manual_seed(0))
    example = example.to(network.device)
    read = alignment.read(network, example)  # whatever cannot work is said here
    try:
        program = torch.export.export(
            _Program(alignment, network), (example,), dynamic_shapes=({0: torch.export.Dim("row")},), strict=False
        )
    except Exception as error:  # torch has many ways to refuse a module of somebody's
        raise AlignmentError(
            f"The network cannot be exported: {type(error).__name__}: {str(error).splitlines()[0]}.",
            "torch.export has to follow it from the inputs to the site.",
            "Use `alignment.read`, or see what torch says of `torch.export.export` of the module alone.",
        ) from error
    written = io.BytesIO()
    torch.export.save(program, written)
    written.seek(0)
    _check(torch.export.load(written).module()(example), read)
    files.write(path, written.getvalue(), AlignmentError)


def _check(written: dict[str, tuple[Tensor, Tensor, Tensor]], read: dict[str, Extraction]) -> None:
    """Raise `AlignmentError` where a program gives other values than the alignment does."""
    for name, reading in read.items():
        value, probability, features = written[name]
        if not torch.equal(value, reading.value) or not (
            torch.allclose(probability, reading.probability, atol=TOLERANCE)
            and torch.allclose(features, reading.features, rtol=TOLERANCE, atol=TOLERANCE)
        ):
            raise AlignmentError(
                f"The program reads {name!r} otherwise than the alignment does.",
                "Something in the network depends on more than its inputs.",
                "Use `alignment.read` in place of a program.",
            )


class _Program(torch.nn.Module):
    """What is exported."""

    def __init__(self, alignment: Alignment, network: AbstractNetworks) -> None:
        super().__init__()
        self._alignment, self._network = alignment, network
        like = torch.zeros(0, device=network.device)
        self._readers = {name: read_out.ready(like) for name, read_out in alignment.read_outs.items()}

    def forward(self, inputs: Float[Tensor, "batch ..."]) -> dict[str, tuple[Tensor, Tensor, Tensor]]:
        hidden = self._network.activations(self._alignment.site, inputs)[0]
        found = self._alignment.frames.features(hidden)
        read = {}
        for name, own in zip(self._alignment.variables, found, strict=True):
            reading = self._readers[name].read(own)
            read[name] = (reading.value, reading.probability, reading.features)
        return read
