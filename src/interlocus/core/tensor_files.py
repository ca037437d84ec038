"""Safetensors files with metadata. Loading one never runs code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from interlocus.core.errors import InterlocusError

_METADATA_KEY = "interlocus"


class TensorFile(NamedTuple):
    """The content of a file: tensors by name, and metadata as JSON allows it."""

    tensors: dict[str, Tensor]
    metadata: dict[str, Any]


def to_bytes(tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> bytes:
    """The content of a file with these tensors and metadata.

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


def read(path: str | Path, file_format: str, error: type[InterlocusError], writer: str) -> TensorFile:
    """Read tensors and metadata.

    Args:
        path: The file to read.
        file_format: The format that the metadata must name, for instance `"interlocus.alignment/1"`.
        error: Class of the error that is raised where reading fails.
        writer: What writes such files, for the message (`"Alignment.save"`).

    Raises:
        InterlocusError: of the class `error`; the file cannot be read, or has another format.
    """
    try:
        with safe_open(path, "pt") as file:
            metadata = json.loads((file.metadata() or {}).get(_METADATA_KEY, "{}"))
            # cloned, because the memory alignment of a mapped file changes the last digit of products
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 it is no dictionary
    except (OSError, SafetensorError, ValueError) as cause:
        raise error(
            f"The file {path} cannot be read: {cause}.",
            f"It should be a file that {writer} wrote.",
            "Check the path, or write the file again.",
        ) from None
    if not isinstance(metadata, dict):
        metadata = {}
    if metadata.get("format") != file_format:
        raise error(
            f"The file {path} has the format {metadata.get('format', 'unknown')!r}.",
            f"The format {file_format!r} is needed here.",
            f"Pass a file that {writer} wrote.",
        )
    return TensorFile(tensors, metadata)


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
