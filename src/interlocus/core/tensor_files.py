"""Safetensors files with a description: nothing that is loaded can run code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from interlocus.core.errors import InterlocusError

_KEY = "interlocus"


def to_bytes(tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> bytes:
    """Tensors with plain values about them. They stand under one key, since several are written in any order."""
    own = {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}
    return save(own, metadata={_KEY: json.dumps(about)})


def write(path: str | Path, content: bytes, error: type[InterlocusError]) -> None:
    """Write a file whole or not at all.

    Args:
        path: where it goes.
        content: of the file.
        error: what is raised where that cannot be done.
    """
    partial = Path(f"{path}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as cause:
        raise error(
            f"The file {path} cannot be written: {cause.strerror or cause}.",
            "Something is to be kept there.",
            "Make room or get permission, or name another file.",
        ) from None
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def read(
    path: str | Path, form: str, error: type[InterlocusError], writer: str
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors, and what is said about them.

    Args:
        path: the file.
        form: the format that it should have.
        error: what is raised if it cannot be read or has another.
        writer: what writes such files, for the message.
    """
    try:
        with safe_open(path, "pt") as file:
            about = json.loads((file.metadata() or {}).get(_KEY, "{}"))
            # copies, since where a file happens to lie in memory changes the last digit of products
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 it is no dictionary
    except (OSError, SafetensorError, ValueError) as cause:
        raise error(
            f"The file {path} cannot be read: {cause}.",
            f"It should be one that {writer} wrote.",
            "Check the path, or write it again.",
        ) from None
    if not isinstance(about, dict):
        about = {}
    if about.get("format") != form:
        raise error(
            f"The file {path} holds {about.get('format', 'something else')!r}.",
            f"What is wanted is {form!r}.",
            f"Pass a file that {writer} wrote.",
        )
    return tensors, about


def read_format(path: str | Path) -> str | None:
    """The format that a file of ours says it has; `None` for any other file."""
    try:
        with safe_open(path, "pt") as file:
            about = json.loads((file.metadata() or {}).get(_KEY, "{}"))
    except (OSError, SafetensorError, ValueError):
        return None
    return about.get("format") if isinstance(about, dict) else None
