"""Sites: the places in a network where activations are read and exchanged, and their notation as text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from interlocus.core.errors import SpecificationError

INPUT_SITE = "input"
"""Name of the site that holds the network's input rather than hidden activations."""

_NOTATION = re.compile(
    r"(?P<path>[\w.]*)(:(?P<end>input|output)(\[(?P<element>\d+)\])?)?(@(?P<axis>\d+)=(?P<index>-?\d+))?"
)


@dataclass(frozen=True, kw_only=True)
class Site:
    """The input or output of one module of a network, or a part of it.

    The notation is the path of the module; then `:input` or `:output`, which may be left out; an element of a tuple in
    brackets; and an index along an axis. The selected tensor must have the examples along its first axis.

        >>> Site.parse("encoder.1")
        Site(path='encoder.1', end='output', element=None, axis=None, index=None)
        >>> str(Site.parse("blocks.2:output[0]@1=-1"))
        'blocks.2:output[0]@1=-1'

    Args:
        path: Path of the module as in `named_modules()`; empty for the whole network.
        end: Whether the site is the module's input or its output.
        element: Index into the input or output where that is a tuple or list; `None` where it is one tensor.
        axis: Axis along which one slice is taken; `None` for the whole tensor.
        index: Index of the slice along `axis`, negative from the end; `None` exactly where `axis` is.
    """

    path: str
    end: Literal["input", "output"] = "output"
    element: int | None = None
    axis: int | None = None
    index: int | None = None

    @classmethod
    def parse(cls, text: str) -> Site:
        """Parse the notation of a site.

        Raises:
            SpecificationError: The text is not in this notation.
        """
        match = _NOTATION.fullmatch(text)
        parts = match.groupdict() if match else {}
        if not match or (not parts["path"] and not parts["end"]):
            raise SpecificationError(
                f"{text!r} is not a site.",
                "A site is the path of a module; :input or :output, [element] and @axis=index may follow.",
                "Write it as in encoder.1, encoder.1:input or blocks.2:output[0]@1=-1.",
            )
        numbers = {name: None if parts[name] is None else int(parts[name]) for name in ("element", "axis", "index")}
        end: Literal["input", "output"] = "input" if parts["end"] == "input" else "output"
        return cls(path=parts["path"], end=end, **numbers)

    def __str__(self) -> str:
        element = "" if self.element is None else f"[{self.element}]"
        end = "" if self.end == "output" and self.path and not element else f":{self.end}{element}"
        slice_ = "" if self.axis is None else f"@{self.axis}={self.index}"
        return f"{self.path}{end}{slice_}"
