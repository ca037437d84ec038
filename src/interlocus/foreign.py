"""Alignments of other tools: read without running any of their code, and given to pyvene.

A saved file is read as numbers only (safetensors, or torch with `weights_only`), never unpickled.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from interlocus.alignment import Alignment
from interlocus.errors import AlignmentError, SpecificationError, UnknownNameError
from interlocus.featurizers import Frames
from interlocus.networks import AbstractNetworks
from interlocus.tasks import AbstractTask

ORTHONORMAL = 1e-3
"""By so much products of directions may be off; what single precision leaves of a trained rotation is 1e-6."""
READABLE = ("RotatedSpaceIntervention", "LowRankRotatedSpaceIntervention")
"""What of pyvene's interventions is a rotation and nothing else."""
PARTITION = 7
"""The place of the blocks of columns in what pyvene writes of a place that is exchanged."""

Blocks = Mapping[str, Sequence[int]]
"""For each variable its columns of a rotation, as numbers."""


class IsPyvene(Protocol):
    """What is looked at of a `pyvene.IntervenableModel`."""

    interventions: Any
    config: Any


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


def from_pyvene(
    source: str | Path | Mapping[str, nn.Module] | IsPyvene,
    network: AbstractNetworks,
    task: AbstractTask,
    *,
    hypothesis: str,
    site: str,
    blocks: Blocks | None = None,
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
        return linear_map(place, _rows([rotations[name] for name in variables]), None)
    saved = _saved(Path(source)) if isinstance(source, str | Path) else _in_hand(source)
    return linear_map(place, _rows(_columns(saved, variables, blocks)), None)


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
    rows = [alignment.basis(name).T for name in alignment.variables]
    check_rotation(torch.stack(rows), "The alignment")
    for name in alignment.variables:
        basis = alignment.basis(name)
        basis = basis[:, basis.norm(dim=0) > 0]
        width, size = basis.shape
        made[name] = pyvene.LowRankRotatedSpaceIntervention(embed_dim=width, low_rank_dimension=size)
        made[name].rotate_layer.weight = basis
    return made


def load_any(
    path: Path,
    network: AbstractNetworks,
    task: AbstractTask,
    *,
    size: int | None = None,
    place: Mapping[str, str | None],
    blocks: Blocks | None = None,
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
    if path.suffix == ".safetensors" and not any(place.values()):
        return Alignment.load(path, size=size)
    missing = [name for name, given in place.items() if given is None]
    if missing:
        raise SpecificationError(
            f"{path} is no file of ours, and no {missing[0]} is given for it.",
            "Only our files say where an alignment belongs.",
            f"Pass --{missing[0]}.",
        )
    at = Place(network, task, str(place["hypothesis"]), str(place["site"]))
    variables = task.hypothesis(at.hypothesis).variables
    if path.is_dir():
        return from_pyvene(path, network, task, hypothesis=at.hypothesis, site=at.site, blocks=blocks)
    tensors = _tensors(path)
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
    return linear_map(at, _rows(_split(rotation, variables, blocks)), None)


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
            _rotation(kind, _tensors(folder / f"intkey_{Path(str(key)).name}.bin"), str(key)),
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
    if kind not in READABLE:
        raise AlignmentError(
            f"The intervention {key!r} is a {kind}.",
            f"What can be read is a rotation: {' or '.join(READABLE)}.",
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


def _columns(saved: Sequence[_Saved], variables: Sequence[str], blocks: Blocks | None) -> list[Tensor]:
    """For each variable its directions: of one rotation that all share, or of one each."""
    first = saved[0]
    if all(one.rotation.shape == first.rotation.shape and torch.equal(one.rotation, first.rotation) for one in saved):
        if blocks is None and first.partition is not None and len(first.partition) == len(variables):
            blocks = dict(zip(variables, first.partition, strict=True))
        return _split(first.rotation, variables, blocks)
    if len(saved) != len(variables) or blocks is not None:
        raise AlignmentError(
            f"There are {len(saved)} rotations for the variables {', '.join(variables)}.",
            "Each variable has one of its own, or all share one.",
            "Pass an intervention for each variable: from_pyvene({'left': …, 'right': …}, …).",
        )
    return [one.rotation for one in saved]


def _split(rotation: Tensor, variables: Sequence[str], blocks: Blocks | None) -> list[Tensor]:
    if blocks is None and len(variables) == 1:
        return [rotation]
    if blocks is None or set(blocks) != set(variables):
        raise AlignmentError(
            f"It is not said which of the {rotation.shape[1]} columns hold which of {', '.join(variables)}.",
            "pyvene is told so when it runs, and does not keep it.",
            f"Pass blocks, for instance --blocks {variables[0]}=0:4" + "".join(f",{v}=4:8" for v in variables[1:2]) + ".",
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


def _rows(columns: Sequence[Tensor]) -> Float[Tensor, "variable feature width"]:
    """Directions as rows, with rows of zeros behind those of variables that have fewer."""
    most = max(part.shape[1] for part in columns)
    if len({part.shape[0] for part in columns}) > 1:
        raise AlignmentError(
            f"The rotations are {', '.join(str(part.shape[0]) for part in columns)} wide.",
            "All of one site have its width.",
            "Pass those of one site.",
        )
    return torch.stack([nn.functional.pad(part.T, (0, 0, 0, most - part.shape[1])) for part in columns])


def _tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file; none of its code is run."""
    try:
        found = load_file(path) if path.suffix == ".safetensors" else torch.load(path, weights_only=True)
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
