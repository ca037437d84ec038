"""Pulling variables out of the inputs in a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from interlocus.alignment import Alignment
from interlocus.networks import AbstractNetworks
from interlocus.rows import Columns, Rows
from interlocus.threads import one_thread

Told = Callable[[int], None]
"""Is told how many rows are done."""


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


def input_file(path: Path, network: AbstractNetworks, *, skip_bad: bool = False) -> Rows:
    """A file of inputs for a network."""
    return Rows(path=path, width=network.input_width, skip_bad=skip_bad)
