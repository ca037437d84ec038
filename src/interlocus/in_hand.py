"""Objects of this session that a study asks about by a name.

A study is text. A task or a network that exists only as an object is given a name under which it is found as long as
the process lives.
"""

from __future__ import annotations

from typing import Any

from interlocus.errors import SpecificationError

_PREFIX = "in hand: "
_held: dict[str, Any] = {}


def hold(name: str, thing: Any) -> str:
    """The text that stands for an object; an object held before under the same name is forgotten."""
    text = f"{_PREFIX}{name}"
    _held[text] = thing
    return text


def is_held(text: str) -> bool:
    """Whether a text stands for an object of a session, this or another."""
    return text.startswith(_PREFIX)


def held(text: str) -> Any:
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
