"""Convert alignments from and to pyvene, and load alignments from files of other tools.

Files are read as tensors only (safetensors, or torch with `weights_only`), so they cannot run code.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.from_directions import (
    AlignmentTarget,
    ColumnsByVariable,
    check_rotation,
    from_directions,
    read_tensors,
    split_columns,
    stack_rows,
)
from interlocus.alignment.storage import FORMAT
from interlocus.core.errors import AlignmentError, SpecificationError, UnknownNameError
from interlocus.core.tensor_files import read_format
from interlocus.networks import AbstractNetworks
from interlocus.tasks import AbstractTask

ROTATION_CLASSES = ("RotatedSpaceIntervention", "LowRankRotatedSpaceIntervention")
"""Classes of pyvene's interventions that are a rotation and nothing else."""
PARTITION_INDEX = 7
"""Index of the blocks of columns in a saved `RepresentationConfig`."""


@runtime_checkable
class IsPyvene(Protocol):
    """The attributes of a `pyvene.IntervenableModel` that are read."""

    interventions: Any
    config: Any


def from_pyvene(
    source: str | Path | Mapping[str, nn.Module] | IsPyvene,
    network: AbstractNetworks,
    task: AbstractTask,
    *,
    hypothesis: str,
    site: str,
    blocks: ColumnsByVariable | None = None,
) -> Alignment:
    """Make an alignment from a rotation that was trained with pyvene.

    Args:
        source: A folder from pyvene's `save`, an `IntervenableModel`, or a mapping from each variable to an
            intervention.
        network: The network with the parameters of the model that pyvene intervened on.
        task: The task that the network solves.
        hypothesis: Name of the hypothesis whose variables the rotation aligns, in the order of its interventions.
        site: Name of our network's site at which pyvene intervened.
        blocks: For each variable its columns of the rotation. It may be left out if pyvene had the partition, or if
            each variable has its own intervention.

    Raises:
        AlignmentError: the source cannot be read, is another kind of intervention, is no rotation, or has another
            width than the site.
        UnknownNameError: the task has no such hypothesis, or the network has no such site.
    """
    target = AlignmentTarget(network, task, hypothesis, site)
    variables = task.hypothesis(hypothesis).variables
    if isinstance(source, Mapping):
        rotations = {name: _rotation(type(part).__name__, part.state_dict(), name) for name, part in source.items()}
        if set(rotations) != set(variables):
            raise UnknownNameError("variable", next(iter({*rotations} ^ {*variables})), variables, hypothesis)
        return from_directions(target, stack_rows([rotations[name] for name in variables]), None)
    saved = _from_folder(Path(source)) if isinstance(source, str | Path) else _from_model(source)
    return from_directions(target, stack_rows(_columns(saved, variables, blocks)), None)


def to_pyvene(alignment: Alignment) -> dict[str, object]:
    """For each variable a `pyvene.LowRankRotatedSpaceIntervention` that makes the same interchange.

    Pass each of them to `pyvene.RepresentationConfig(…, intervention=…)`.

    Args:
        alignment: An alignment with orthonormal maps.

    Raises:
        AlignmentError: pyvene is not installed, or the alignment is no rotation.
    """
    try:
        pyvene: Any = importlib.import_module("pyvene")
    except ImportError:
        raise AlignmentError(
            "pyvene is not installed.",
            "The interventions are objects of that package.",
            "Install it: pip install 'interlocus[bench]'.",
        ) from None
    interventions: dict[str, Any] = {}
    check_rotation(stack_rows([alignment.basis(name) for name in alignment.variables]), "The alignment")
    for name in alignment.variables:
        basis = alignment.basis(name)
        width, size = basis.shape
        interventions[name] = pyvene.LowRankRotatedSpaceIntervention(embed_dim=width, low_rank_dimension=size)
        interventions[name].rotate_layer.weight = basis
    return interventions


def load_any(
    path: Path,
    network: AbstractNetworks,
    task: AbstractTask,
    *,
    size: int | str | None = None,
    hypothesis: str | None = None,
    site: str | None = None,
    blocks: ColumnsByVariable | None = None,
) -> Alignment:
    """Load an alignment from one of our files, a folder from pyvene, or a file of tensors.

    A file of tensors contains one matrix `[width, column]` whose columns are directions, or `read` and `write`
    (`[variable, feature, width]`) for a linear map.

    Args:
        path: Path of the file or folder.
        network: The one network to which the alignment belongs.
        task: The task that the network solves.
        size: The size to read from one of our files with several sizes.
        hypothesis: Name of the hypothesis; only our files contain it.
        site: Name of the site; only our files contain it.
        blocks: For each variable its columns of a common rotation.

    Raises:
        AlignmentError: nothing can be read, or the matrix is no rotation.
        SpecificationError: the hypothesis or the site is missing.
    """
    if read_format(path) == FORMAT or (path.suffix == ".safetensors" and not (hypothesis or site)):
        return Alignment.load(path, size=size)
    if hypothesis is None or site is None:
        missing = "hypothesis" if hypothesis is None else "site"
        raise SpecificationError(
            f"{path} is not a file of interlocus, and no {missing} was given for it.",
            "Files of other tools do not contain it.",
            f"Pass --{missing} and its name.",
        )
    target = AlignmentTarget(network, task, hypothesis, site)
    variables = task.hypothesis(hypothesis).variables
    if path.is_dir():
        return from_pyvene(path, network, task, hypothesis=hypothesis, site=site, blocks=blocks)
    tensors = read_tensors(path)
    if {"read", "write"} <= set(tensors):
        return from_directions(target, tensors["read"], tensors["write"])
    matrices = {name: tensor for name, tensor in tensors.items() if tensor.dim() == 2}
    if len(matrices) != 1:
        raise AlignmentError(
            f"The file {path} contains the tensors {', '.join(sorted(tensors)) or 'none'}.",
            "An alignment is one matrix whose columns are directions, or `read` and `write`.",
            "Save those only.",
        )
    (rotation,) = matrices.values()
    return from_directions(target, stack_rows(split_columns(rotation, variables, blocks)), None)


class _Rotation(NamedTuple):
    """The rotation `[width, column]` of a pyvene intervention, and the blocks of its columns if they are known."""

    rotation: Tensor
    partition: list[list[int]] | None


def _from_folder(folder: Path) -> list[_Rotation]:
    try:
        config = json.loads((folder / "config.json").read_text())
        kinds = [str(kind).rpartition(".")[2].rstrip("'>") for kind in config["intervention_types"]]
        interventions = list(zip(config["sorted_keys"], kinds, config["representations"], strict=True))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AlignmentError(
            f"The folder {folder} cannot be read: {type(error).__name__}: {error}.",
            "It should be a folder from pyvene's IntervenableModel.save.",
            "Check the path, or save the model again.",
        ) from None
    for key, kind, _ in interventions:
        _check_kind(kind, str(key))
    return [
        _Rotation(
            _rotation(kind, read_tensors(folder / f"intkey_{Path(str(key)).name}.bin"), str(key)),
            _expanded(representation[PARTITION_INDEX] if isinstance(representation, list) else None),
        )
        for key, kind, representation in interventions
    ]


def _from_model(model: IsPyvene) -> list[_Rotation]:
    return [
        _Rotation(_rotation(type(part).__name__, part.state_dict(), key), _expanded(part.subspace_partition))
        for key, part in model.interventions.items()
    ]


def _check_kind(kind: str, key: str) -> None:
    if kind not in ROTATION_CLASSES:
        raise AlignmentError(
            f"The intervention {key!r} is a {kind}.",
            f"Only rotations can be read: {' or '.join(ROTATION_CLASSES)}.",
            "If its map is linear, save it as `read` and `write` in a file of tensors.",
        )


def _rotation(kind: str, state: Mapping[str, Tensor], key: str) -> Float[Tensor, "width column"]:
    """The matrix that torch's orthogonal parametrisation represents."""
    _check_kind(kind, key)
    prefix = "rotate_layer."
    layer_state = {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}
    original = layer_state.get("parametrizations.weight.original", layer_state.get("weight"))
    if original is None or original.dim() != 2:
        raise AlignmentError(
            f"The intervention {key!r} contains the tensors {', '.join(sorted(state)) or 'none'}.",
            "Its rotation is missing: torch stores an orthogonal matrix as rotate_layer.parametrizations.weight.",
            "Save it again with pyvene 0.1.8.",
        )
    if "weight" in layer_state:
        return original.detach()
    layer = nn.Linear(original.shape[1], original.shape[0], bias=False)
    nn.utils.parametrizations.orthogonal(layer)
    try:
        layer.load_state_dict(layer_state)
    except RuntimeError as error:
        raise AlignmentError(
            f"The rotation of {key!r} cannot be loaded: {str(error).splitlines()[-1].strip()}.",
            "It was written by another version of torch, or is damaged.",
            "Save the matrix `rotate_layer.weight` itself to a file.",
        ) from None
    return layer.weight.detach()


def _expanded(partition: Any) -> list[list[int]] | None:
    """Blocks as lists of columns; pyvene also writes a block as its first column and the column after its last."""
    if partition is None:
        return None
    return [
        list(range(*block)) if len(block) == 2 and all(isinstance(end, int) for end in block) else list(block)
        for block in partition
    ]


def _columns(
    rotations: Sequence[_Rotation], variables: Sequence[str], blocks: ColumnsByVariable | None
) -> list[Tensor]:
    """For each variable its columns, from a common rotation or from one rotation per variable."""
    first = rotations[0]
    if all(
        other.rotation.shape == first.rotation.shape and torch.equal(other.rotation, first.rotation)
        for other in rotations
    ):
        if blocks is None and first.partition is not None and len(first.partition) == len(variables):
            blocks = dict(zip(variables, first.partition, strict=True))
        return split_columns(first.rotation, variables, blocks)
    if len(rotations) != len(variables) or blocks is not None:
        raise AlignmentError(
            f"There are {len(rotations)} rotations for the variables {', '.join(variables)}.",
            "There must be one rotation per variable, or one for all variables.",
            "Pass an intervention for each variable: from_pyvene({'left': …, 'right': …}, …).",
        )
    return [one.rotation for one in rotations]
