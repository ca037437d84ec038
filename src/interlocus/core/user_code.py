"""Objects in a file of the user's own, named as `file.py:name`. Loading one runs that file."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

from interlocus.core.errors import SpecificationError, UnknownNameError


def is_code_reference(text: str) -> bool:
    """Whether a text names an object in a file.

    >>> is_code_reference("my.py:Task"), is_code_reference("hierarchical_equality")
    (True, False)
    """
    return ".py:" in text


def make_reference_absolute(text: str, folder: Path) -> str:
    """The same with the whole path of the file; a path that is not absolute begins in the folder."""
    path, _, name = text.rpartition(":")
    return f"{(folder / path).resolve()}:{name}"


def load_code(text: str) -> Any:
    """The object of that name. The file is run once a process.

    Raises:
        SpecificationError: the file is missing, or fails when it is run.
        UnknownNameError: nothing in it has that name.
    """
    path, _, name = text.rpartition(":")
    module = _module(Path(path).resolve())
    if not hasattr(module, name):
        known = [known for known in vars(module) if not known.startswith("_")]
        raise UnknownNameError("object", name, known, path)
    return getattr(module, name)


def _module(path: Path) -> Any:
    name = f"interlocus_user_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise SpecificationError(
            f"There is no file {path}.",
            "An object in it is asked for.",
            "Check the path; it begins at the study's file.",
        )
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # so that what is in it can be pickled
    if str(path.parent) not in sys.path:  # as for a script: it may import what lies beside it
        sys.path.append(str(path.parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise SpecificationError(
            f"The file {path} fails when it is run: {type(error).__name__}: {error}.",
            "What is asked for is defined by running it.",
            "Mend the file; `python` on it shows where it fails.",
        ) from error
    return module


_PREFIX = "in hand: "

_held: dict[str, Any] = {}


def register_object(name: str, thing: Any) -> str:
    """The text that stands for an object; an object held before under the same name is forgotten."""
    text = f"{_PREFIX}{name}"
    _held[text] = thing
    return text


def is_registered(text: str) -> bool:
    """Whether a text stands for an object of a session, this or another."""
    return text.startswith(_PREFIX)


def get_object(text: str) -> Any:
    """The object that a text stands for.

    Raises:
        SpecificationError: it belonged to another session.
    """
    if text not in _held:
        raise SpecificationError(
            f"{text.removeprefix(_PREFIX)!r} was an object of a Python session.",
            "It is not in this process, and a study holds text only.",
            "Call `examine` with it and the same folder, which goes on from there, and `run.report()` for the page; or "
            "name task and network in a study as file.py:object.",
        )
    return _held[text]
