"""Export an alignment with its network as a program that runs without this package."""

from __future__ import annotations

import io
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.readout import Extraction
from interlocus.core import tensor_files
from interlocus.core.errors import AlignmentError
from interlocus.networks import AbstractNetworks

EXAMPLE_ROWS = 256
"""Random inputs with which a program is traced and checked if no example is given."""

TOLERANCE = 1e-4
"""Allowed difference of features and probabilities: torch may add the same numbers in another order."""


def export(
    alignment: Alignment,
    network: AbstractNetworks,
    path: str | Path,
    *,
    example: Float[Tensor, "batch ..."] | None = None,
) -> None:
    """Write a program that computes the variables from inputs, and needs torch only.

    `torch.export.load(path).module()(inputs)` returns a dictionary from each variable to a tuple of value, probability
    and features. Before the file is written, the program is loaded and compared with `Alignment.extract`.

    Args:
        alignment: An alignment with read-outs, see `Alignment.fitted`.
        network: The one network to which the alignment belongs.
        path: Path of the program, usually `*.pt2`; an existing file is replaced.
        example: At least two inputs, which give the shape. They may be left out if an input is a vector.

    Raises:
        AlignmentError: the alignment belongs to another network or has no read-outs, the example is missing, torch
            cannot export the network, or the file cannot be written.
    """
    if example is None:
        if network.input_width is None:
            raise AlignmentError(
                "The inputs of the network are not vectors, and no example was given.",
                "A program is written for inputs of one shape.",
                "Pass at least two inputs: il.export(alignment, network, path, example=inputs).",
            )
        example = torch.randn(EXAMPLE_ROWS, network.input_width, generator=torch.Generator().manual_seed(0))
    example = example.to(network.device)
    expected = alignment.extract(network, example)  # rejects another network and missing read-outs
    try:
        program = torch.export.export(
            _Program(alignment, network), (example,), dynamic_shapes=({0: torch.export.Dim("row")},), strict=False
        )
    except Exception as error:  # torch raises many kinds of exceptions for a user's module
        raise AlignmentError(
            f"The network cannot be exported: {type(error).__name__}: {str(error).splitlines()[0]}.",
            "torch.export has to trace it from the inputs to the site.",
            "Use `alignment.extract`, or call `torch.export.export` on the module alone to find the reason.",
        ) from error
    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    buffer.seek(0)
    _check(torch.export.load(buffer).module()(example), expected)
    tensor_files.write(path, buffer.getvalue(), AlignmentError)


def _check(program_output: dict[str, tuple[Tensor, Tensor, Tensor]], expected: dict[str, Extraction]) -> None:
    """Raise `AlignmentError` if the program and the alignment compute different values."""
    for name, extraction in expected.items():
        value, probability, features = program_output[name]
        if not torch.equal(value, extraction.value) or not (
            torch.allclose(probability, extraction.probability, atol=TOLERANCE)
            and torch.allclose(features, extraction.features, rtol=TOLERANCE, atol=TOLERANCE)
        ):
            raise AlignmentError(
                f"The exported program and the alignment compute different values of {name!r}.",
                "The network depends on something besides its inputs, such as random numbers.",
                "Use `alignment.extract` instead of a program.",
            )


class _Program(torch.nn.Module):
    """The module that is exported."""

    def __init__(self, alignment: Alignment, network: AbstractNetworks) -> None:
        super().__init__()
        self._alignment, self._network = alignment, network
        like = torch.zeros(0, device=network.device)
        self._read_outs = {name: read_out.prepare(like) for name, read_out in alignment.read_outs.items()}

    def forward(self, inputs: Float[Tensor, "batch ..."]) -> dict[str, tuple[Tensor, Tensor, Tensor]]:
        hidden = self._network.activations(self._alignment.site, inputs)[0]
        features = self._alignment.frames.features(hidden)
        outputs = {}
        for name, part in zip(self._alignment.variables, features, strict=True):
            extraction = self._read_outs[name].read(part)
            outputs[name] = (extraction.value, extraction.probability, extraction.features)
        return outputs
