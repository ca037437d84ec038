"""Tasks and networks of the user: named by text, as `file.py:name` or as an object registered in this process.

A study holds text only. Loading `file.py:name` runs that file.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from interlocus.core.errors import SpecificationError, UnknownNameError


def is_code_reference(text: str) -> bool:
    """Whether a text has the form `file.py:name`.

    >>> is_code_reference("my.py:Task"), is_code_reference("hierarchical_equality")
    (True, False)
    """
    return ".py:" in text


def make_reference_absolute(text: str, folder: Path) -> str:
    """The same reference with an absolute path.

    Args:
        text: A reference of the form `file.py:name`.
        folder: Where a relative path begins.
    """
    path, _, name = text.rpartition(":")
    return f"{(folder / path).resolve()}:{name}"


def load_code(text: str) -> Any:
    """The object that a reference names. Its file is run once in each process.

    Args:
        text: A reference of the form `file.py:name`.

    Raises:
        SpecificationError: the file is missing, or fails when it is run.
        UnknownNameError: the file defines no object of that name.
    """
    path, _, name = text.rpartition(":")
    module = _run_file(Path(path).resolve())
    if not hasattr(module, name):
        public = [known for known in vars(module) if not known.startswith("_")]
        raise UnknownNameError("object", name, public, path)
    return getattr(module, name)


def _run_file(path: Path) -> ModuleType:
    name = f"interlocus_user_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise SpecificationError(
            f"There is no Python file {path}.",
            "A task or network of the study is defined there.",
            "Check the path; it is relative to the folder of the study file.",
        )
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # so that its objects can be pickled
    if str(path.parent) not in sys.path:  # as for a script: the file may import its neighbours
        sys.path.append(str(path.parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise SpecificationError(
            f"The file {path} fails when it is run: {type(error).__name__}: {error}.",
            "A task or network of the study is defined by running it.",
            "Repair the file; `python` on it shows where it fails.",
        ) from error
    return module


_REGISTERED_PREFIX = "in hand: "  # stored in study files

_registered: dict[str, object] = {}


def register_object(name: str, thing: object) -> str:
    """Register an object in this process and return the text that stands for it in a study.

    Args:
        name: Any name; an object that was registered under the same name before is replaced.
        thing: A task or a network.
    """
    text = f"{_REGISTERED_PREFIX}{name}"
    _registered[text] = thing
    return text


def is_registered(text: str) -> bool:
    """Whether a text stands for a registered object, of this process or of an earlier one."""
    return text.startswith(_REGISTERED_PREFIX)


def get_object(text: str) -> Any:
    """The registered object that a text stands for.

    Args:
        text: The text that `register_object` returned.

    Raises:
        SpecificationError: the object was registered in another process.
    """
    if text not in _registered:
        raise SpecificationError(
            f"{text.removeprefix(_REGISTERED_PREFIX)!r} was an object of another Python process.",
            "A study stores only its name, so it cannot be loaded again here.",
            "Call `examine` with the object and the same folder to continue, and `il.write_report(run)` for the page; "
            "or name task and network in a study as file.py:object.",
        )
    return _registered[text]
