"""Alignments made of directions, from files that nobody's code is run for."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from interlocus.alignment.alignment import Alignment
from interlocus.core.errors import AlignmentError, SpecificationError
from interlocus.featurizers import Frames
from interlocus.networks import AbstractNetworks
from interlocus.tasks import AbstractTask

ORTHONORMAL = 1e-3
"""By so much products of directions may be off; what single precision leaves of a trained rotation is 1e-6."""

ColumnsByVariable = Mapping[str, Sequence[int]]
"""For each variable its columns of a rotation, as numbers."""


class Place(NamedTuple):
    """Where an alignment belongs, which no other tool's file says.

    Args:
        network: in which it was found.
        task: what the network solves.
        hypothesis: whose variables it holds, by name.
        site: of the network, by name.
    """

    network: AbstractNetworks
    task: AbstractTask
    hypothesis: str
    site: str


def parse_blocks(text: str | None) -> ColumnsByVariable | None:
    """Columns of each variable, from text.

    >>> parse_blocks("left=0:2,right=2:4")
    {'left': [0, 1], 'right': [2, 3]}

    Raises:
        SpecificationError: the text says something else.
    """
    if text is None:
        return None
    try:
        parts = [part.split("=") for part in text.split(",")]
        ends = {name.strip(): tuple(map(int, block.split(":"))) for name, block in parts}
        return {name: list(range(first, behind)) for name, (first, behind) in ends.items()}
    except (ValueError, TypeError):
        raise SpecificationError(
            f"The blocks {text!r} cannot be understood.",
            "Each variable has its first column, and the one behind its last.",
            "For instance left=0:8,right=8:16.",
        ) from None


def linear_map(
    place: Place, read: Float[Tensor, "variable feature width"], write: Float[Tensor, "variable feature width"] | None
) -> Alignment:
    """An alignment from directions.

    Args:
        place: where it belongs.
        read: directions in which variables are read.
        write: those in which they are written, of a map that is declared to be linear; without it the map is a
            rotation, which is checked.

    Raises:
        AlignmentError: no rotation, another width, numbers that are not finite, or not one map a variable.
    """
    hypothesis, width = place.task.hypothesis(place.hypothesis), place.network.width(place.site)
    for part in (read, read if write is None else write):
        if part.dim() != 3 or part.shape != read.shape or part.shape[::2] != (len(hypothesis.variables), width):
            raise AlignmentError(
                f"The maps have shape {tuple(part.shape)}.",
                f"The {len(hypothesis.variables)} variables of {place.hypothesis!r} need as many maps, and the site "
                f"{place.site!r} is {width} wide.",
                "Pass the network, site and hypothesis for which they were found.",
            )
        if not bool(part.isfinite().all()):
            raise AlignmentError(
                "The maps hold something that is no finite number.",
                "A search that diverged leaves such directions.",
                "Search again with a smaller learning rate.",
            )
    if write is None:
        check_rotation(read, "What was given")
    frames = Frames(*(part.detach().float().contiguous() for part in (read, read if write is None else write)))
    return Alignment(
        site=place.site,
        hypothesis=hypothesis.name,
        variables=hypothesis.variables,
        featurizer="rotation" if write is None else "linear",
        network=place.network.fingerprint(),
        task=place.task.name,
        frames=frames,
    )


def check_rotation(read: Float[Tensor, "variable feature width"], what: str) -> None:
    """Raise `AlignmentError` where directions are not orthonormal, within a variable and between variables."""
    rows = read.flatten(0, 1).double()
    rows = rows[(rows != 0).any(1)]
    off = float((rows @ rows.T - torch.eye(len(rows), dtype=torch.double)).abs().max()) if len(rows) else 1.0
    if off > ORTHONORMAL:
        raise AlignmentError(
            f"{what} is no rotation: products of its directions are off by up to {off:.3g}.",
            "Exchanging along such directions writes something else than was read.",
            "Make its columns orthonormal, or declare a linear map: a file with `read` and `write`.",
        )


def split(rotation: Tensor, variables: Sequence[str], blocks: ColumnsByVariable | None) -> list[Tensor]:
    """For each variable its columns of a rotation that all share."""
    if blocks is None and len(variables) == 1:
        return [rotation]
    if blocks is None or set(blocks) != set(variables):
        raise AlignmentError(
            f"It is not said which of the {rotation.shape[1]} columns hold which of {', '.join(variables)}.",
            "pyvene is told so when it runs, and does not keep it.",
            f"Pass blocks: {','.join(f'{name}={4 * i}:{4 * i + 4}' for i, name in enumerate(variables))}, say.",
        )
    columns = [list(blocks[name]) for name in variables]
    flat = [column for own in columns for column in own]
    if not all(columns) or len(set(flat)) < len(flat) or not set(flat) <= set(range(rotation.shape[1])):
        raise AlignmentError(
            f"The columns {columns} are asked for.",
            f"The rotation has {rotation.shape[1]}, and each belongs to one variable at most.",
            "Pass other blocks.",
        )
    return [rotation[:, own] for own in columns]


def as_rows(columns: Sequence[Tensor]) -> Float[Tensor, "variable feature width"]:
    """Directions as rows, with rows of zeros behind those of variables that have fewer."""
    most = max(part.shape[1] for part in columns)
    if len({part.shape[0] for part in columns}) > 1:
        raise AlignmentError(
            f"The rotations are {', '.join(str(part.shape[0]) for part in columns)} wide.",
            "All of one site have its width.",
            "Pass those of one site.",
        )
    return torch.stack([nn.functional.pad(part.T, (0, 0, 0, most - part.shape[1])) for part in columns])


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file; none of its code is run."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a protocol that torch does not write: what it holds is looked at below
            found = load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except (OSError, SafetensorError, pickle.UnpicklingError, RuntimeError, ValueError, EOFError, KeyError) as error:
        raise AlignmentError(
            f"The file {path} cannot be read: {str(error).splitlines()[0] if str(error) else type(error).__name__}.",
            "Only tensors are read (safetensors, or what torch saves of them), since anything else could run code.",
            "Check the path, or save a dictionary of tensors again.",
        ) from None
    found = {"matrix": found} if isinstance(found, Tensor) else found
    if not isinstance(found, dict) or not all(isinstance(part, Tensor) for part in found.values()):
        raise AlignmentError(
            f"The file {path} holds a {type(found).__name__}.",
            "What is read is tensors by name.",
            "Save a dictionary of tensors.",
        )
    return {str(name): tensor for name, tensor in found.items()}
