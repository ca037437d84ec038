"""What can go wrong, as one tree.

::

    InterlocusError
    ├── SpecificationError      a request that cannot be understood
    │   └── UnknownNameError    a name that nothing answers to (near names are suggested)
    ├── CausalModelError        a causal model that contradicts itself
    ├── NetworkError            a network that cannot be searched as it is
    ├── AlignmentError          an alignment that does not belong here
    └── RunFolderError          a run folder that cannot be read or written

Every message has three parts: what was found, why it cannot work, how to mend it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class InterlocusError(Exception):
    """The base of every error that this library raises on purpose.

    Args:
        found: what was found, as one sentence.
        why: why that cannot work, as one sentence.
        mend: what to do about it, as one sentence.
    """

    def __init__(self, found: str, why: str, hint: str) -> None:
        super().__init__(found, why, hint)
        self.found, self.why, self.hint = found, why, hint

    def __str__(self) -> str:
        return f"{self.found} {self.why} {self.hint}"


class SpecificationError(InterlocusError):
    """A request (a study, an option, an argument) that cannot be understood."""


class CausalModelError(InterlocusError):
    """A causal model that contradicts itself."""


class NetworkError(InterlocusError):
    """A network that cannot be searched as it is."""


class AlignmentError(InterlocusError):
    """An alignment that does not belong to what it is used with."""

    @classmethod
    def of_another_network(cls, wanted: str, given: str) -> AlignmentError:
        """The message for a network in which the alignment was not found."""
        return cls(
            f"The alignment was found in network {wanted}, and this is {given}.",
            "Directions of one network mean nothing in another.",
            "Pass the one network that it was found in, for instance networks[0].",
        )


class RunFolderError(InterlocusError):
    """A run folder that cannot be read or written."""


class UnknownNameError(SpecificationError):
    """A name that nothing answers to.

    Args:
        kind: what was asked for (`"site"`, `"task"`, …).
        name: the name that was given.
        known: the names that would have been understood.
        where: in what it was looked for, for the message (`"this network"`).
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], where: str = "") -> None:
        self.kind, self.name, self.known, self.where = kind, name, tuple(known), where
        near = difflib.get_close_matches(str(name), self.known, n=1, cutoff=0.5)
        place = f" in {where}" if where else ""
        super().__init__(
            f"There is no {kind} {name!r}{place}.",
            f"There is: {', '.join(self.known) or 'nothing'}.",
            f"Did you mean {near[0]!r}?" if near else "Pass one of those.",
        )

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:  # so that it crosses a process border
        return type(self), (self.kind, self.name, self.known, self.where)
