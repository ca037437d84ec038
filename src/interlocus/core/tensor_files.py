"""Safetensors files with metadata. Loading one never runs code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save
from torch import Tensor

from interlocus.core.errors import InterlocusError
from interlocus.core.json_record import JsonValue

_METADATA_KEY = "interlocus"
_LENGTH_BYTES = 8
"""A safetensors file begins with the length of its header, in this many bytes."""


@dataclass(frozen=True, kw_only=True)
class TensorFile:
    """A safetensors file in memory, as it is sent between processes.

    Args:
        name: What messages call the file, for instance the path that it was read from.
        content: The bytes of the file.
    """

    name: str
    content: bytes

    @classmethod
    def at(cls, path: Path) -> TensorFile:
        """Read the bytes of a file; the path becomes its name.

        Args:
            path: An existing file, which is read completely.
        """
        return cls(name=str(path), content=path.read_bytes())

    def __str__(self) -> str:
        return self.name


Source = str | Path | TensorFile
"""Where tensors are read from: a path, or a file in memory."""


class Content(NamedTuple):
    """The content of a file: tensors by name, and metadata as JSON allows it."""

    tensors: dict[str, Tensor]
    metadata: dict[str, Any]


def to_bytes(tensors: Mapping[str, Tensor], metadata: Mapping[str, JsonValue]) -> bytes:
    """The bytes of a file with these tensors and metadata.

    Metadata is stored as JSON under one key: safetensors writes several keys in arbitrary order, and equal content must
    give equal bytes.

    Args:
        tensors: Tensors by name, of any shape; they are copied.
        metadata: Values that JSON can hold. The key `format` names the file format, which `read` checks.
    """
    copies = {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}
    return save(copies, metadata={_METADATA_KEY: json.dumps(metadata)})


def write(path: str | Path, content: bytes, error: type[InterlocusError]) -> None:
    """Write a file completely or not at all.

    Args:
        path: Where to write; an existing file is replaced.
        content: The bytes to write.
        error: Class of the error that is raised where writing fails.

    Raises:
        InterlocusError: of the class `error`; the file cannot be written.
    """
    partial = Path(f"{path}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as cause:
        raise error(
            f"The file {path} cannot be written: {cause.strerror or cause}.",
            "The result would be lost.",
            "Free some disk space, get write permission, or name another file.",
        ) from None
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def read(source: Source, file_format: str, error: type[InterlocusError], writer: str) -> Content:
    """Read tensors and metadata.

    Args:
        source: The file to read.
        file_format: The format that the metadata must name, for instance `"interlocus.alignment/1"`.
        error: Class of the error that is raised where reading fails.
        writer: What writes such files, for the message (`"Alignment.save"`).

    Raises:
        InterlocusError: of the class `error`; the file cannot be read, or has another format.
    """
    try:
        tensors, metadata = _from_memory(source.content) if isinstance(source, TensorFile) else _from_disk(source)
    except (OSError, SafetensorError, ValueError) as cause:
        raise error(
            f"The file {source} cannot be read: {cause}.",
            f"It should be a file that {writer} wrote.",
            "Check the path, or write the file again.",
        ) from None
    if not isinstance(metadata, dict):
        metadata = {}
    if metadata.get("format") != file_format:
        raise error(
            f"The file {source} has the format {metadata.get('format', 'unknown')!r}.",
            f"The format {file_format!r} is needed here.",
            f"Pass a file that {writer} wrote.",
        )
    return Content(tensors, metadata)


def read_format(path: str | Path) -> str | None:
    """The format that the metadata of a file names; `None` for a file that Interlocus did not write.

    Args:
        path: Any file; it need not exist.
    """
    try:
        with safe_open(path, "pt") as file:
            metadata = json.loads((file.metadata() or {}).get(_METADATA_KEY, "{}"))
    except (OSError, SafetensorError, ValueError):
        return None
    return metadata.get("format") if isinstance(metadata, dict) else None


def _from_disk(path: str | Path) -> tuple[dict[str, Tensor], Any]:
    with safe_open(path, "pt") as file:
        metadata = json.loads((file.metadata() or {}).get(_METADATA_KEY, "{}"))
        # cloned, because the memory alignment of a mapped file changes the last digit of products
        tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 it is no dictionary
    return tensors, metadata


def _from_memory(content: bytes) -> tuple[dict[str, Tensor], Any]:
    tensors = load(content)
    length = int.from_bytes(content[:_LENGTH_BYTES], "little")
    header = json.loads(content[_LENGTH_BYTES : _LENGTH_BYTES + length])
    metadata = json.loads(header.get("__metadata__", {}).get(_METADATA_KEY, "{}"))
    return {name: tensor.clone() for name, tensor in tensors.items()}, metadata
