"""Pulling variables out: of the inputs in a file, and as a program that stands alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from interlocus.alignment import Alignment
from interlocus.errors import AlignmentError
from interlocus.networks import AbstractNetworks
from interlocus.rows import Columns, Rows
from interlocus.store import Store
from interlocus.threads import one_thread


def extract(alignment: Alignment, network: AbstractNetworks, rows: Rows) -> Iterator[Columns]:
    """What an alignment reads from the rows of a file, some rows at a time; memory does not grow with the file.

    Args:
        alignment: with read-outs.
        network: in which it was found.
        rows: of the file.

    Yields:
        `row` (its number in the file, from 0), and for each variable v its value `v`, `v_probability` and `v_features`.

    Raises:
        AlignmentError: another network, or no read-outs.
        SpecificationError: rows that cannot be read.
    """
    for number, values in rows:
        with one_thread(), torch.no_grad():
            read = alignment.read(network, torch.from_numpy(values).to(network.device))
        columns: Columns = {"row": number}
        for name, reading in read.items():
            columns |= {
                name: reading.value.cpu().numpy(),
                f"{name}_probability": reading.probability.cpu().numpy(),
                f"{name}_features": reading.features.cpu().numpy(),
            }
        yield columns


def load_fitted(path: Path, network: AbstractNetworks, *, size: int | str | None = None) -> Alignment:
    """An alignment with read-outs: its own, or fitted now where it lies in a run folder, which knows the task.

    Raises:
        AlignmentError: there is none, or it was saved without read-outs somewhere else.
    """
    alignment = Alignment.load(path, size=size)
    if alignment.read_outs:
        return alignment
    store = Store(path.resolve().parent.parent)
    if not store.has_study():
        raise AlignmentError(
            f"The alignment in {path} has no read-out.",
            "It says where the variables are, not which value they have, and no run folder around it names the task.",
            "Save `alignment.fitted(network, task)`, or pass a file of a run folder.",
        )
    study = store.study()
    return alignment.fitted(network, study.task.build(), seed=study.seed)


def export(alignment: Alignment, network: AbstractNetworks, path: str | Path) -> None:
    """Write a program from inputs to the variables, which torch runs without this package.

    `torch.export.load(path).module()(inputs)` gives for each variable a tuple of value, probability and features, in
    a dictionary by name.

    Args:
        alignment: with read-outs.
        network: in which it was found.
        path: where it is written; usually `*.pt2`.

    Raises:
        AlignmentError: another network, or no read-outs.
    """
    example = torch.zeros(2, network.input_width or 1, device=network.device)
    alignment.read(network, example)  # whatever cannot work is said here
    program = torch.export.export(
        _Program(alignment, network), (example,), dynamic_shapes=({0: torch.export.Dim("row")},)
    )
    torch.export.save(program, path)


class _Program(torch.nn.Module):
    """What is exported."""

    def __init__(self, alignment: Alignment, network: AbstractNetworks) -> None:
        super().__init__()
        self._alignment, self._network = alignment, network

    def forward(self, inputs: Float[Tensor, "batch input"]) -> dict[str, tuple[Tensor, Tensor, Tensor]]:
        hidden = self._network.activations(self._alignment.site, inputs)[0]
        read = {}
        found = self._alignment.frames.features(hidden)
        for name, features in zip(self._alignment.variables, found, strict=True):
            reading = self._alignment.read_outs[name].to(features).read(features)
            read[name] = (reading.value, reading.probability, reading.features)
        return read
