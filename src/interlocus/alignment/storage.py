"""The file format of alignments: maps and read-outs by size, and the names to which they belong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from torch import Tensor

from interlocus.alignment.dimensions import Size, parse_size
from interlocus.alignment.readout import ReadOut
from interlocus.core import tensor_files
from interlocus.core.errors import AlignmentError, SpecificationError
from interlocus.core.json_record import JsonObject
from interlocus.core.version import __version__
from interlocus.featurizers import Frames, NonlinearMap

FORMAT = "interlocus.alignment/1"


class Header(TypedDict):
    """The names to which the maps of a file belong; the fields are those of `Alignment`."""

    site: str
    hypothesis: str
    variables: tuple[str, ...]
    featurizer: str
    network: str
    task: str


class Fields(Header):
    """All fields of an `Alignment`."""

    frames: Frames | NonlinearMap
    read_outs: Mapping[str, ReadOut]


def fields_to_bytes(sizes: Mapping[Size, Fields]) -> bytes:
    """The bytes of a safetensors file.

    Args:
        sizes: The fields of the alignment of each size, at least one. The header is that of the first.
    """
    tensors: dict[str, Tensor] = {}
    plain: dict[str, JsonObject] = {}
    for size, fields in sizes.items():
        tensors |= {f"{name}.{size}": tensor for name, tensor in fields["frames"].tensors().items()}
        for name, read_out in fields["read_outs"].items():
            parts, plain.setdefault(str(size), {})[name] = read_out.to_tensors()
            tensors |= {f"read_out.{size}.{name}.{part}": tensor for part, tensor in parts.items()}
    first = next(iter(sizes.values()))
    header = Header(
        site=first["site"],
        hypothesis=first["hypothesis"],
        variables=first["variables"],
        featurizer=first["featurizer"],
        network=first["network"],
        task=first["task"],
    )
    metadata = {"format": FORMAT, "version": __version__, "alignment": header, "read_outs": plain}
    return tensor_files.to_bytes(tensors, metadata)


def read_fields(path: tensor_files.Source, size: Size | None) -> Fields:
    """Read the fields of an alignment from a file.

    Args:
        path: Path of a file that `Alignment.save` or a study wrote.
        size: The size to read; `None` for the only one in the file.

    Raises:
        AlignmentError: the file cannot be read, is damaged, or does not contain the size.
    """
    tensors, metadata = tensor_files.read(path, FORMAT, AlignmentError, "Alignment.save")
    try:
        parts = [name.split(".") for name in tensors if not name.startswith("read_out.")]
        sizes = sorted({parse_size(size) for _, size in parts})
    except (ValueError, SpecificationError):
        raise _damaged(path, "the names of its tensors have another form") from None
    chosen = sizes[-1] if size is None and len(sizes) == 1 else size
    if chosen is None or chosen not in sizes:
        raise AlignmentError(
            f"The file {path} has alignments of the sizes {', '.join(map(str, sizes)) or 'none'}"
            + (", and no size was chosen." if chosen is None else f", not of size {chosen}."),
            "One size is read at a time.",
            f"Pass for instance size={sizes[-1]}." if sizes else "Search again, since the file is empty.",
        )
    try:
        fields = _fields(tensors, metadata, chosen)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RuntimeError) as error:
        raise _damaged(path, f"{type(error).__name__} of {error}") from None
    _check(path, fields)
    return fields


def _fields(tensors: Mapping[str, Tensor], metadata: Mapping[str, Any], size: Size) -> Fields:
    maps = {
        name.removesuffix(f".{size}"): tensor
        for name, tensor in tensors.items()
        if name.endswith(f".{size}") and not name.startswith("read_out.")
    }
    plain, header = metadata.get("read_outs", {}).get(str(size), {}), metadata["alignment"]
    return Fields(
        site=str(header["site"]),
        hypothesis=str(header["hypothesis"]),
        featurizer=str(header["featurizer"]),
        network=str(header["network"]),
        task=str(header["task"]),
        variables=tuple(header["variables"]),
        frames=Frames(**maps) if "read" in maps else NonlinearMap.from_tensors(maps),
        read_outs={
            name: ReadOut(**_with_prefix(tensors, f"read_out.{size}.{name}."), **values)
            for name, values in plain.items()
        },
    )


def _check(path: tensor_files.Source, fields: Fields) -> None:
    """Raise `AlignmentError` if the contents of a file contradict each other."""
    frames, variables = fields["frames"], fields["variables"]
    if isinstance(frames, Frames):
        shapes = {tuple(part.shape) for part in frames}
        (first, *others) = shapes
        if others or len(first) != 3 or first[0] != len(variables):
            raise _damaged(path, f"it has maps of shapes {sorted(shapes)} for {len(variables)} variables")
        if not all(bool(part.isfinite().all()) for part in frames):
            raise _damaged(path, "its maps contain infinite values or values that are not numbers")
    for name, read_out in fields["read_outs"].items():
        shape = read_out.linear.shape
        if name not in variables or read_out.quadratic.shape != (*shape, shape[-1]) or len(read_out.values) != shape[0]:
            raise _damaged(path, f"the shapes of its read-out of {name!r} do not fit each other")


def _damaged(path: tensor_files.Source, fault: str) -> AlignmentError:
    return AlignmentError(
        f"The file {path} is damaged: {fault}.",
        "It was edited, or written by another program.",
        "Save the alignment again.",
    )


def _with_prefix(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names start with a prefix, by the rest of their names."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
