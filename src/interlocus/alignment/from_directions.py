"""Alignments from given directions, read from files without running code from them."""

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

ORTHONORMALITY_TOLERANCE = 1e-3
"""Allowed error of the products of directions; a rotation trained in single precision has about 1e-6."""

ColumnsByVariable = Mapping[str, Sequence[int]]
"""For each variable the indices of its columns of a rotation, from 0."""


class AlignmentTarget(NamedTuple):
    """The network, hypothesis and site to which directions belong; other tools do not store them in their files.

    Args:
        network: The one network to which the directions belong.
        task: The task that the network solves.
        hypothesis: Name of the task's hypothesis.
        site: Name of the network's site.
    """

    network: AbstractNetworks
    task: AbstractTask
    hypothesis: str
    site: str


def parse_blocks(text: str | None) -> ColumnsByVariable | None:
    """Parse the columns of each variable from text.

    >>> parse_blocks("left=0:2,right=2:4")
    {'left': [0, 1], 'right': [2, 3]}

    Args:
        text: For each variable its first column and the column after its last; `None` gives `None`.

    Raises:
        SpecificationError: the text has another form.
    """
    if text is None:
        return None
    try:
        parts = [part.split("=") for part in text.split(",")]
        ends = {name.strip(): tuple(map(int, block.split(":"))) for name, block in parts}
        return {name: list(range(first, stop)) for name, (first, stop) in ends.items()}
    except (ValueError, TypeError):
        raise SpecificationError(
            f"The blocks {text!r} cannot be understood.",
            "Each variable needs its first column and the column after its last.",
            "Write for instance left=0:8,right=8:16.",
        ) from None


def from_directions(
    target: AlignmentTarget,
    read: Float[Tensor, "variable feature width"],
    write: Float[Tensor, "variable feature width"] | None,
) -> Alignment:
    """Make an alignment from directions.

    Args:
        target: Network, task, hypothesis and site to which the directions belong.
        read: Directions from which the features are read; rows of zeros fill up variables with fewer features.
        write: Directions to which an interchange writes, for a linear map. `None` for a rotation, which writes to the
            directions that it reads; they must be orthonormal.

    Raises:
        AlignmentError: the shape does not fit the target, a number is not finite, or a rotation is not orthonormal.
    """
    hypothesis, width = target.task.hypothesis(target.hypothesis), target.network.width(target.site)
    for part in (read, read if write is None else write):
        if part.dim() != 3 or part.shape != read.shape or part.shape[::2] != (len(hypothesis.variables), width):
            raise AlignmentError(
                f"The maps have shape {tuple(part.shape)}.",
                f"The {len(hypothesis.variables)} variables of {target.hypothesis!r} need as many maps, and the site "
                f"{target.site!r} is {width} wide.",
                "Pass the network, site and hypothesis to which the directions belong.",
            )
        if not bool(part.isfinite().all()):
            raise AlignmentError(
                "The maps contain infinite values or values that are not numbers.",
                "Such directions come from a search that diverged.",
                "Search again with a lower learning rate.",
            )
    if write is None:
        check_rotation(read, "The given matrix")
    frames = Frames(*(part.detach().float().contiguous() for part in (read, read if write is None else write)))
    return Alignment(
        site=target.site,
        hypothesis=hypothesis.name,
        variables=hypothesis.variables,
        featurizer="rotation" if write is None else "linear",
        network=target.network.fingerprint(),
        task=target.task.name,
        frames=frames,
    )


def check_rotation(read: Float[Tensor, "variable feature width"], subject: str) -> None:
    """Check that directions are orthonormal, within a variable and between variables.

    Args:
        read: Directions of each variable; rows of zeros are ignored.
        subject: Beginning of the message, a noun in the singular.

    Raises:
        AlignmentError: a product of two directions is off by more than `ORTHONORMALITY_TOLERANCE`.
    """
    rows = read.flatten(0, 1).double()
    rows = rows[(rows != 0).any(1)]
    off = float((rows @ rows.T - torch.eye(len(rows), dtype=torch.double)).abs().max()) if len(rows) else 1.0
    if off > ORTHONORMALITY_TOLERANCE:
        raise AlignmentError(
            f"{subject} is no rotation: products of its directions are off by up to {off:.3g}.",
            "An interchange along such directions would not write what it read.",
            "Make the columns orthonormal, or declare a linear map: a file with `read` and `write`.",
        )


def split_columns(rotation: Tensor, variables: Sequence[str], blocks: ColumnsByVariable | None) -> list[Tensor]:
    """For each variable its columns of a common rotation.

    Args:
        rotation: A matrix `[width, column]`.
        variables: Names of the hypothesis' variables.
        blocks: Columns of each variable; they may be left out for a single variable, which takes all.

    Raises:
        AlignmentError: blocks are missing, overlap, or are outside the matrix.
    """
    if blocks is None and len(variables) == 1:
        return [rotation]
    if blocks is None or set(blocks) != set(variables):
        raise AlignmentError(
            f"It is unknown which of the {rotation.shape[1]} columns belong to which of {', '.join(variables)}.",
            "pyvene receives the columns when it runs, and does not store them.",
            f"Pass blocks, for instance {','.join(f'{name}={4 * i}:{4 * i + 4}' for i, name in enumerate(variables))}.",
        )
    columns = [list(blocks[name]) for name in variables]
    flat = [column for block in columns for column in block]
    if not all(columns) or len(set(flat)) < len(flat) or not set(flat) <= set(range(rotation.shape[1])):
        raise AlignmentError(
            f"The blocks of columns are {columns}.",
            f"The rotation has {rotation.shape[1]} columns, and each can belong to one variable at most.",
            "Pass blocks that do not overlap, with at least one column per variable.",
        )
    return [rotation[:, block] for block in columns]


def stack_rows(columns: Sequence[Tensor]) -> Float[Tensor, "variable feature width"]:
    """Directions as rows of one tensor; rows of zeros fill up variables with fewer directions.

    Args:
        columns: For each variable a matrix `[width, feature]`.

    Raises:
        AlignmentError: the matrices have different widths.
    """
    most = max(part.shape[1] for part in columns)
    if len({part.shape[0] for part in columns}) > 1:
        raise AlignmentError(
            f"The rotations are {', '.join(str(part.shape[0]) for part in columns)} wide.",
            "All rotations of one site have the same width.",
            "Pass rotations of one site.",
        )
    return torch.stack([nn.functional.pad(part.T, (0, 0, 0, most - part.shape[1])) for part in columns])


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a dictionary of tensors without running code from the file.

    Args:
        path: A safetensors file, or a file from `torch.save`. A single tensor gets the name `matrix`.

    Raises:
        AlignmentError: the file cannot be read, or contains something else.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of pickle protocols that it does not write itself
            content = load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except (OSError, SafetensorError, pickle.UnpicklingError, RuntimeError, ValueError, EOFError, KeyError) as error:
        raise AlignmentError(
            f"The file {path} cannot be read: {str(error).splitlines()[0] if str(error) else type(error).__name__}.",
            "Only files with tensors are read (safetensors, or torch.save), since other files can run code.",
            "Check the path, or save a dictionary of tensors.",
        ) from None
    content = {"matrix": content} if isinstance(content, Tensor) else content
    if not isinstance(content, dict) or not all(isinstance(part, Tensor) for part in content.values()):
        raise AlignmentError(
            f"The file {path} contains a {type(content).__name__}.",
            "It should contain tensors by name.",
            "Save a dictionary of tensors.",
        )
    return {str(name): tensor for name, tensor in content.items()}
