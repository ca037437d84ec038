"""Alignments in files: maps and read-outs by size, and what they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from interlocus.alignment.dimensions import Size, parse_size
from interlocus.alignment.readout import ReadOut
from interlocus.core import tensor_files as files
from interlocus.core.errors import AlignmentError, SpecificationError
from interlocus.core.version import __version__
from interlocus.featurizers import Frames, NonlinearMap

FORMAT = "interlocus.alignment/1"
Parts = tuple[Frames | NonlinearMap, Mapping[str, ReadOut]]
"""The maps of one size, and read-outs by variable."""


def to_bytes(about: Mapping[str, Any], sizes: Mapping[Size, Parts]) -> bytes:
    """The bytes of a safetensors file.

    Args:
        about: site, hypothesis, variables, featurizer, network and task.
        sizes: what each size has.
    """
    tensors: dict[str, Tensor] = {}
    plain: dict[str, dict[str, Any]] = {}
    for size, (frames, read_outs) in sizes.items():
        tensors |= {f"{name}.{size}": tensor for name, tensor in frames.tensors().items()}
        for name, read_out in read_outs.items():
            own, plain.setdefault(str(size), {})[name] = read_out.to_tensors()
            tensors |= {f"read_out.{size}.{name}.{part}": tensor for part, tensor in own.items()}
    described = {"format": FORMAT, "version": __version__, "alignment": dict(about), "read_outs": plain}
    return files.to_bytes(tensors, described)


def read(path: files.Source, size: Size | None) -> dict[str, Any]:
    """The fields of the alignment of one size.

    Raises:
        AlignmentError: the file cannot be read, holds something else or not that size, or contradicts itself.
    """
    tensors, about = files.read(path, FORMAT, AlignmentError, "Alignment.save")
    try:
        parts = [name.split(".") for name in tensors if not name.startswith("read_out.")]
        sizes = sorted({parse_size(size) for _, size in parts})
    except (ValueError, SpecificationError):
        raise _damaged(path, "it names its tensors in another way") from None
    wanted = sizes[-1] if size is None and len(sizes) == 1 else size
    if wanted is None or wanted not in sizes:
        raise AlignmentError(
            f"The file {path} holds the sizes {sizes}, and {wanted or 'none of them'} is asked for.",
            "An alignment has one size.",
            f"Pass size={sizes[-1]}, say." if sizes else "Search again, since nothing is in it.",
        )
    try:
        found = _fields(tensors, about, wanted)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RuntimeError) as error:
        raise _damaged(path, f"{type(error).__name__} of {error}") from None
    _check(path, found)
    return found


def _fields(tensors: Mapping[str, Tensor], about: Mapping[str, Any], size: Size) -> dict[str, Any]:
    own = {
        name.removesuffix(f".{size}"): tensor
        for name, tensor in tensors.items()
        if name.endswith(f".{size}") and not name.startswith("read_out.")
    }
    plain = about.get("read_outs", {}).get(str(size), {})
    names = ("site", "hypothesis", "featurizer", "network", "task")
    fields: dict[str, Any] = {name: str(about["alignment"][name]) for name in names}
    return fields | {
        "variables": tuple(about["alignment"]["variables"]),
        "frames": Frames(**own) if "read" in own else NonlinearMap.from_tensors(own),
        "read_outs": {
            name: ReadOut(**_under(tensors, f"read_out.{size}.{name}."), **kept) for name, kept in plain.items()
        },
    }


def _check(path: files.Source, found: Mapping[str, Any]) -> None:
    """Raise `AlignmentError` where what a file holds contradicts itself."""
    frames, variables = found["frames"], found["variables"]
    if isinstance(frames, Frames):
        shapes = {tuple(part.shape) for part in frames}
        (first, *others) = shapes
        if others or len(first) != 3 or first[0] != len(variables):
            raise _damaged(path, f"it holds maps of shapes {sorted(shapes)} for {len(variables)} variables")
        if not all(bool(part.isfinite().all()) for part in frames):
            raise _damaged(path, "its maps are no finite numbers")
    for name, read_out in found["read_outs"].items():
        own = read_out.linear.shape
        if name not in variables or read_out.quadratic.shape != (*own, own[-1]) or len(read_out.values) != own[0]:
            raise _damaged(path, f"its read-out of {name!r} fits nothing")


def _damaged(path: files.Source, what: str) -> AlignmentError:
    return AlignmentError(
        f"The file {path} is damaged: {what}.",
        "It was changed by hand, or written by something else.",
        "Save the alignment again.",
    )


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin so, by the rest of their names."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
