"""Places in a network, as text and back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from interlocus.core.errors import SpecificationError

_FORM = re.compile(
    r"(?P<path>[\w.]*)(:(?P<end>input|output)(\[(?P<element>\d+)\])?)?(@(?P<axis>\d+)=(?P<index>-?\d+))?"
)

INPUT_SITE = "input"
"""The name of the site that holds what a network is shown."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """What goes into a module of a network or comes out of it.

    As text: the path of the module, then `:input` or `:output` (which may be left out), an element of a tuple in
    brackets, and an index along an axis. What is left must have the examples along its first axis.

        >>> Site.parse("encoder.1")
        Site(path='encoder.1', end='output', element=None, axis=None, index=None)
        >>> str(Site.parse("blocks.2:output[0]@1=-1"))
        'blocks.2:output[0]@1=-1'

    Args:
        path: of the module, as in `named_modules()`; empty for the network itself.
        end: which side of it.
        element: which element, where that is a tuple or list.
        axis: along which a part is taken.
        index: which part.
    """

    path: str
    end: Literal["input", "output"] = "output"
    element: int | None = None
    axis: int | None = None
    index: int | None = None

    @classmethod
    def parse(cls, text: str) -> Site:
        """A site from its text.

        Raises:
            SpecificationError: it cannot be understood.
        """
        match = _FORM.fullmatch(text)
        parts = match.groupdict() if match else {}
        if not match or (not parts["path"] and not parts["end"]):
            raise SpecificationError(
                f"The site {text!r} is asked for.",
                "A site is the path of a module; :input or :output, [element] and @axis=index may follow.",
                "For instance encoder.1, encoder.1:input or blocks.2:output[0]@1=-1.",
            )
        numbers = {name: None if parts[name] is None else int(parts[name]) for name in ("element", "axis", "index")}
        end: Literal["input", "output"] = "input" if parts["end"] == "input" else "output"
        return cls(path=parts["path"], end=end, **numbers)

    def __str__(self) -> str:
        element = "" if self.element is None else f"[{self.element}]"
        end = "" if self.end == "output" and self.path and not element else f":{self.end}{element}"
        part = "" if self.axis is None else f"@{self.axis}={self.index}"
        return f"{self.path}{end}{part}"
