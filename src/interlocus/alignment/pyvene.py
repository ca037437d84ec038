"""Alignments of other tools: read without running any of their code, and given to pyvene.

A saved file is read as numbers only (safetensors, or torch with `weights_only`), never unpickled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.from_directions import (
    ColumnsByVariable,
    Place,
    as_rows,
    check_rotation,
    linear_map,
    read_tensors,
    split,
)
from interlocus.alignment.storage import FORMAT
from interlocus.core.errors import AlignmentError, SpecificationError, UnknownNameError
from interlocus.core.tensor_files import read_format
from interlocus.networks import AbstractNetworks
from interlocus.tasks import AbstractTask

ROTATION_CLASSES = ("RotatedSpaceIntervention", "LowRankRotatedSpaceIntervention")
"""What of pyvene's interventions is a rotation and nothing else."""
PARTITION = 7
"""The place of the blocks of columns in what pyvene writes of a place that is exchanged."""


@runtime_checkable
class IsPyvene(Protocol):
    """What is looked at of a `pyvene.IntervenableModel`."""

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
    """A rotation that pyvene found, as an alignment.

    Args:
        source: a folder that its `save` wrote, an `IntervenableModel`, or for each variable an intervention.
        network: with the parameters of the model in which it was found.
        task: what the network solves.
        hypothesis: whose variables the rotation holds, in the order of its interventions.
        site: of our network where pyvene exchanged.
        blocks: for each variable its columns of the rotation. It may be left out where the partition was given to
            pyvene, or each variable has an intervention of its own.

    Raises:
        AlignmentError: a file that cannot be read, another kind of intervention, no rotation, another width.
        UnknownNameError: the task has no such hypothesis, or the network no such site.
    """
    place = Place(network, task, hypothesis, site)
    variables = task.hypothesis(hypothesis).variables
    if isinstance(source, Mapping):
        rotations = {name: _rotation(type(part).__name__, part.state_dict(), name) for name, part in source.items()}
        if set(rotations) != set(variables):
            raise UnknownNameError("variable", next(iter({*rotations} ^ {*variables})), variables, hypothesis)
        return linear_map(place, as_rows([rotations[name] for name in variables]), None)
    saved = _saved(Path(source)) if isinstance(source, str | Path) else _in_hand(source)
    return linear_map(place, as_rows(_columns(saved, variables, blocks)), None)


def to_pyvene(alignment: Alignment) -> dict[str, Any]:
    """For each variable a `pyvene.LowRankRotatedSpaceIntervention` that exchanges what the alignment does.

    Each is put to work by `pyvene.RepresentationConfig(…, intervention=…)`.

    Raises:
        AlignmentError: pyvene is not installed, or the alignment is no rotation.
    """
    try:
        import pyvene  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise AlignmentError(
            "pyvene is not installed.",
            "What is asked for are objects of it.",
            "Install it: pip install 'interlocus[bench]'.",
        ) from None
    made: dict[str, Any] = {}
    check_rotation(as_rows([alignment.basis(name) for name in alignment.variables]), "The alignment")
    for name in alignment.variables:
        basis = alignment.basis(name)
        width, size = basis.shape
        made[name] = pyvene.LowRankRotatedSpaceIntervention(embed_dim=width, low_rank_dimension=size)
        made[name].rotate_layer.weight = basis
    return made


def load_any(
    path: Path,
    network: AbstractNetworks,
    task: AbstractTask,
    *,
    size: int | str | None = None,
    place: Mapping[str, str | None],
    blocks: ColumnsByVariable | None = None,
) -> Alignment:
    """An alignment from whatever holds one: a file of ours, a folder of pyvene's, tensors of anybody's.

    A file of tensors holds one matrix `[width, column]`, whose columns are directions, or `read` and `write`
    (`[variable, feature, width]`), which declares a linear map.

    Args:
        path: the file or folder.
        network: in which it was found.
        task: what the network solves.
        size: which, where a file of ours holds several.
        place: `hypothesis` and `site`, which only files of ours say themselves.
        blocks: for each variable its columns.

    Raises:
        AlignmentError: nothing that can be read, or no rotation.
        SpecificationError: the hypothesis or the site is not said.
    """
    if read_format(path) == FORMAT or (path.suffix == ".safetensors" and not any(place.values())):
        return Alignment.load(path, size=size)
    missing = [name for name, given in place.items() if given is None]
    if missing:
        raise SpecificationError(
            f"{path} is no file of ours, and no {missing[0]} is given for it.",
            "Only our files say where an alignment belongs.",
            f"Pass --{missing[0]} and its name.",
        )
    at = Place(network, task, str(place["hypothesis"]), str(place["site"]))
    variables = task.hypothesis(at.hypothesis).variables
    if path.is_dir():
        return from_pyvene(path, network, task, hypothesis=at.hypothesis, site=at.site, blocks=blocks)
    tensors = read_tensors(path)
    if {"read", "write"} <= set(tensors):
        return linear_map(at, tensors["read"], tensors["write"])
    matrices = {name: tensor for name, tensor in tensors.items() if tensor.dim() == 2}
    if len(matrices) != 1:
        raise AlignmentError(
            f"The file {path} holds {', '.join(sorted(tensors)) or 'nothing'}.",
            "An alignment is one matrix whose columns are directions, or `read` and `write`.",
            "Save that alone.",
        )
    (rotation,) = matrices.values()
    return linear_map(at, as_rows(split(rotation, variables, blocks)), None)


class _Saved(NamedTuple):
    """What is known of an intervention of pyvene's: its rotation `[width, column]`, and the blocks of its columns."""

    rotation: Tensor
    partition: list[list[int]] | None


def _saved(folder: Path) -> list[_Saved]:
    try:
        config = json.loads((folder / "config.json").read_text())
        kinds = [str(kind).rpartition(".")[2].rstrip("'>") for kind in config["intervention_types"]]
        about = list(zip(config["sorted_keys"], kinds, config["representations"], strict=True))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AlignmentError(
            f"The folder {folder} cannot be read: {type(error).__name__}: {error}.",
            "It should be one that pyvene's IntervenableModel.save wrote.",
            "Check the path, or save the model again.",
        ) from None
    for key, kind, _ in about:
        _check_kind(kind, str(key))
    return [
        _Saved(
            _rotation(kind, read_tensors(folder / f"intkey_{Path(str(key)).name}.bin"), str(key)),
            _expanded(representation[PARTITION] if isinstance(representation, list) else None),
        )
        for key, kind, representation in about
    ]


def _in_hand(model: IsPyvene) -> list[_Saved]:
    return [
        _Saved(_rotation(type(part).__name__, part.state_dict(), key), _expanded(part.subspace_partition))
        for key, part in model.interventions.items()
    ]


def _check_kind(kind: str, key: str) -> None:
    if kind not in ROTATION_CLASSES:
        raise AlignmentError(
            f"The intervention {key!r} is a {kind}.",
            f"What can be read is a rotation: {' or '.join(ROTATION_CLASSES)}.",
            "Write its map as `read` and `write` to a file, if it is linear.",
        )


def _rotation(kind: str, state: Mapping[str, Tensor], key: str) -> Float[Tensor, "width column"]:
    """The matrix for which torch's orthogonal parametrisation stands."""
    _check_kind(kind, key)
    own = {name.removeprefix("rotate_layer."): t for name, t in state.items() if name.startswith("rotate_layer.")}
    original = own.get("parametrizations.weight.original", own.get("weight"))
    if original is None or original.dim() != 2:
        raise AlignmentError(
            f"The intervention {key!r} holds {', '.join(sorted(state)) or 'nothing'}.",
            "Its rotation should be there under the names that torch gives to an orthogonal matrix.",
            "Save it again with pyvene 0.1.8.",
        )
    if "weight" in own:
        return original.detach()
    layer = nn.Linear(original.shape[1], original.shape[0], bias=False)
    nn.utils.parametrizations.orthogonal(layer)
    try:
        layer.load_state_dict(own)
    except RuntimeError as error:
        raise AlignmentError(
            f"The rotation of {key!r} cannot be put together: {str(error).splitlines()[-1].strip()}.",
            "It was written by another version of torch, or is damaged.",
            "Save the matrix `rotate_layer.weight` itself to a file.",
        ) from None
    return layer.weight.detach()


def _expanded(partition: Any) -> list[list[int]] | None:
    """Blocks as numbers of columns; pyvene also writes them as first and last."""
    if partition is None:
        return None
    return [
        list(range(*block)) if len(block) == 2 and all(isinstance(end, int) for end in block) else list(block)
        for block in partition
    ]


def _columns(saved: Sequence[_Saved], variables: Sequence[str], blocks: ColumnsByVariable | None) -> list[Tensor]:
    """For each variable its directions: of one rotation that all share, or of one each."""
    first = saved[0]
    if all(one.rotation.shape == first.rotation.shape and torch.equal(one.rotation, first.rotation) for one in saved):
        if blocks is None and first.partition is not None and len(first.partition) == len(variables):
            blocks = dict(zip(variables, first.partition, strict=True))
        return split(first.rotation, variables, blocks)
    if len(saved) != len(variables) or blocks is not None:
        raise AlignmentError(
            f"There are {len(saved)} rotations for the variables {', '.join(variables)}.",
            "Each variable has one of its own, or all share one.",
            "Pass an intervention for each variable: from_pyvene({'left': …, 'right': …}, …).",
        )
    return [one.rotation for one in saved]
