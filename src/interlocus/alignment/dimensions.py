"""How many features each variable has: one number for all of them, or one for each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from interlocus.core.errors import SpecificationError, UnknownNameError


class Unequal(str):
    """Numbers of features that differ, in the order of the hypothesis' variables: `4+2`.

    Where all variables have equally many, a size is an integer. Both stand in one column of a table and in one list: in
    order they are compared by their mean, of equal means the equal size comes first.

    >>> sorted([4, Unequal("4+2"), 2])
    [2, '4+2', 4]
    """

    __slots__ = ()

    @property
    def features(self) -> tuple[int, ...]:
        """Of each variable."""
        return tuple(int(part) for part in self.split("+"))

    def __lt__(self, other: object) -> bool:
        return _rank(self) < _rank(other)

    def __gt__(self, other: object) -> bool:
        return _rank(self) > _rank(other)

    def __le__(self, other: object) -> bool:
        return _rank(self) <= _rank(other)

    def __ge__(self, other: object) -> bool:
        return _rank(self) >= _rank(other)


Size = int | Unequal
"""Features a variable: an integer where they are equal."""
SizeSpec = int | str | Mapping[str, int]
"""The same as a person writes it: `4`, `"4+2"` or `{"left": 4, "right": 2}`."""


def _rank(size: object) -> tuple[float, tuple[int, ...]]:
    if isinstance(size, Unequal):
        return mean_size(size), size.features
    assert isinstance(size, int)
    return float(size), ()


def size_of_features(features: Sequence[int]) -> Size:
    """The size of variables with so many features each.

    >>> size_of_features([4, 4]), size_of_features([4, 2])
    (4, '4+2')
    """
    return features[0] if len(set(features)) == 1 else Unequal("+".join(map(str, features)))


def features_of(size: Size, variables: int) -> tuple[int, ...]:
    """How many features each of so many variables has."""
    return size.features if isinstance(size, Unequal) else (size,) * variables


def mean_size(size: SizeSpec) -> float:
    """Features a variable in the mean: where a size stands on an axis."""
    if isinstance(size, Mapping):
        return sum(size.values()) / len(size)
    features = features_of(parse_size(size), 1)
    return sum(features) / len(features)


def size_text(size: SizeSpec) -> str:
    """A size in words: `4`, or `left 4 right 2`."""
    if not isinstance(size, Mapping):
        return str(size)
    return " ".join(f"{name} {count}" for name, count in size.items())


def equal_size(size: SizeSpec) -> int:
    """The equal size with as many directions in all, rounded down: what a control repeats an unequal size with."""
    return max(1, int(mean_size(size)))


def parse_size(text: int | str) -> Size:
    """What stands in a record, a file name or on the command line.

    Raises:
        SpecificationError: neither a number nor several with a plus between them.
    """
    if isinstance(text, int):
        return text
    if not re.fullmatch(r"\d+(\+\d+)*", text):
        raise SpecificationError(
            f"The size {text!r} is asked for.",
            "A size is a number, or one for each variable with a plus between them.",
            "Write 4, or 4+2 for four features of the first variable and two of the second.",
        )
    return size_of_features([int(part) for part in text.split("+")])


def size_for(written: SizeSpec, variables: Sequence[str], hypothesis: str) -> Size:
    """A size that a person wrote, for the variables of a hypothesis.

    Raises:
        UnknownNameError: it names a variable that the hypothesis has not.
        SpecificationError: it leaves a variable out, or has a number too many.
    """
    if isinstance(written, int):
        return written
    if isinstance(written, str):
        size = parse_size(written)
        if isinstance(size, Unequal) and len(size.features) != len(variables):
            raise SpecificationError(
                f"Size {written} is asked of the hypothesis {hypothesis!r}.",
                f"It has {len(size.features)} numbers, and the variables are {', '.join(variables)}.",
                "Write one number for each.",
            )
        return size
    for name in written:
        if name not in variables:
            raise UnknownNameError("variable", name, variables, f"the hypothesis {hypothesis!r}")
    missing = [name for name in variables if name not in written]
    if missing:
        raise SpecificationError(
            f"A size of {hypothesis!r} has no number for {', '.join(missing)}.",
            f"Each variable that is exchanged needs one: {', '.join(variables)}.",
            "Write one for each, or one number for all.",
        )
    return size_of_features([written[name] for name in variables])


def check_room(size: Size, variables: Sequence[str], *, about: str, width: int, overlapping: bool = False) -> None:
    """See that there are enough directions.

    Args:
        size: what is asked for.
        variables: of the hypothesis.
        about: the hypothesis and the site, in words.
        width: of the site.
        overlapping: whether variables may share directions.

    Raises:
        SpecificationError: a variable without features, or more of them than the site is wide.
    """
    features = features_of(size, len(variables))
    taken = max(features) if overlapping else sum(features)
    if min(features) >= 1 and taken <= width:
        return
    whose = (
        f"each of the {len(variables)} variables" if isinstance(size, int) else f"the variables {', '.join(variables)}"
    )
    most = width if overlapping else width // len(variables)
    up_to = f"sizes from 1 up to {most}" if isinstance(size, int) or overlapping else f"sizes that add up to {width}"
    raise SpecificationError(
        f"Size {size} is asked for {whose} of {about}, {width} wide.",
        f"{'One takes' if overlapping else 'Together they take'} {taken} directions, and each needs at least one.",
        f"Ask for {up_to}, or leave that site out.",
    )
