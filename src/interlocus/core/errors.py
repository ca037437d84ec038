"""Every error that Interlocus raises on purpose, as one tree.

::

    InterlocusError
    ├── SpecificationError      a study, an option or an argument that cannot work
    │   └── UnknownNameError    a name that does not exist (a similar name is suggested)
    ├── CausalModelError        a causal model or a task that contradicts itself
    ├── NetworkError            a network that cannot be searched as it is
    ├── AlignmentError          an alignment that does not fit what it is used with
    └── RunFolderError          a run folder that cannot be read or written

Every message has three parts: what was found, why it cannot work, and a hint what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class InterlocusError(Exception):
    """The base of every error that this library raises on purpose.

    Args:
        found: What was found, as one sentence.
        why: Why that cannot work, as one sentence.
        hint: What the user can do about it, as one sentence.
    """

    def __init__(self, found: str, why: str, hint: str) -> None:
        super().__init__(found, why, hint)
        self.found, self.why, self.hint = found, why, hint

    def __str__(self) -> str:
        return f"{self.found} {self.why} {self.hint}"


class SpecificationError(InterlocusError):
    """A study, an option or an argument that cannot work."""


class CausalModelError(InterlocusError):
    """A causal model or a task that contradicts itself."""


class NetworkError(InterlocusError):
    """A network that cannot be searched as it is."""


class AlignmentError(InterlocusError):
    """An alignment that does not fit what it is used with."""

    @classmethod
    def of_another_network(cls, expected: str, actual: str) -> AlignmentError:
        """The error for an alignment that is used with a network other than the one it was searched in.

        Args:
            expected: Fingerprint of the network that the alignment was searched in.
            actual: Fingerprint of the network that was passed.
        """
        return cls(
            f"The alignment belongs to network {expected}, and this is network {actual}.",
            "Directions of one network mean nothing in another.",
            "Pass the single network that the alignment was searched in, for instance networks[0].",
        )


class RunFolderError(InterlocusError):
    """A run folder that cannot be read or written."""


class UnknownNameError(SpecificationError):
    """A name that does not exist.

    Args:
        kind: What the name should be the name of, in the singular (`"site"`, `"task"`, …).
        name: The unknown name, as the user wrote it.
        known: The names that exist. A similar one of them is suggested.
        where: Where names were looked up, for the message (`"this network"`); left out if empty.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], where: str = "") -> None:
        self.kind, self.name, self.known, self.where = kind, name, tuple(known), where
        similar = difflib.get_close_matches(str(name), self.known, n=1, cutoff=0.5)
        place = f" in {where}" if where else ""
        super().__init__(
            f"There is no {kind} {name!r}{place}.",
            f"There is: {', '.join(self.known) or 'nothing'}.",
            f"Did you mean {similar[0]!r}?" if similar else "Pass one of those.",
        )

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        """Pickle by the arguments, which differ from the three parts of the message: workers return errors."""
        return type(self), (self.kind, self.name, self.known, self.where)
