"""Sizes of an alignment: the number of features of each variable, equal for all variables or not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pydantic_core import CoreSchema
from pydantic_core.core_schema import no_info_after_validator_function, str_schema

from interlocus.core.errors import SpecificationError, UnknownNameError


class UnequalSize(str):
    """Unequal numbers of features, in the order of the hypothesis' variables: `4+2`.

    If all variables have equally many features, the size is an integer. Both kinds occur in one column of a table, so
    they can be sorted together: by their mean, and an equal size before unequal sizes of the same mean.

    >>> sorted([4, UnequalSize("4+2"), 2])
    [2, '4+2', 4]
    """

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> CoreSchema:
        """Lets pydantic read sizes in records. A number in text, as a key of a JSON object, becomes an integer."""
        return no_info_after_validator_function(parse_size, str_schema())

    @property
    def features(self) -> tuple[int, ...]:
        """Number of features of each variable."""
        return tuple(int(part) for part in self.split("+"))

    def __lt__(self, other: object) -> bool:
        return _rank(self) < _rank(other)

    def __gt__(self, other: object) -> bool:
        return _rank(self) > _rank(other)

    def __le__(self, other: object) -> bool:
        return _rank(self) <= _rank(other)

    def __ge__(self, other: object) -> bool:
        return _rank(self) >= _rank(other)


Size = int | UnequalSize
"""Features per variable: an integer if they are equal."""
SizeSpec = int | str | Mapping[str, int]
"""A size as a user writes it: `4`, `"4+2"` or `{"left": 4, "right": 2}`."""


def _rank(size: object) -> tuple[float, tuple[int, ...]]:
    if isinstance(size, UnequalSize):
        return mean_size(size), size.features
    assert isinstance(size, int)
    return float(size), ()


def size_of_features(features: Sequence[int]) -> Size:
    """The size of variables with given numbers of features.

    Args:
        features: Number of features of each variable, at least one variable.

    >>> size_of_features([4, 4]), size_of_features([4, 2])
    (4, '4+2')
    """
    return features[0] if len(set(features)) == 1 else UnequalSize("+".join(map(str, features)))


def features_of(size: Size, variables: int) -> tuple[int, ...]:
    """The number of features of each variable, given a size and the number of variables."""
    return size.features if isinstance(size, UnequalSize) else (size,) * variables


def mean_size(size: SizeSpec) -> float:
    """Mean number of features per variable, the position of a size on an axis."""
    if isinstance(size, Mapping):
        return sum(size.values()) / len(size)
    features = features_of(parse_size(size), 1)
    return sum(features) / len(features)


def size_text(size: SizeSpec) -> str:
    """A size as text: `4`, or `left 4 right 2` for a mapping."""
    if not isinstance(size, Mapping):
        return str(size)
    return " ".join(f"{name} {count}" for name, count in size.items())


def fills_site(size: Size, variables: int, width: int) -> bool:
    """Whether the variables take up a whole site at a size, although a smaller one could be searched.

    Args:
        size: Features per variable.
        variables: Number of variables.
        width: Width of the site.
    """
    features = features_of(size, variables)
    return max(features) > 1 and sum(features) >= width


def equal_size(size: SizeSpec) -> int:
    """The equal size with as many directions in total, rounded down, at least 1. Controls use it for unequal sizes."""
    return max(1, int(mean_size(size)))


def parse_size(text: int | str) -> Size:
    """Parse a size from a record, a file name or the command line.

    Args:
        text: An integer, or one integer per variable with `+` between them.

    Raises:
        SpecificationError: the text has another form.
    """
    if isinstance(text, int):
        return text
    if not re.fullmatch(r"\d+(\+\d+)*", text):
        raise SpecificationError(
            f"The size {text!r} cannot be understood.",
            "A size is a number, or one number per variable with '+' between them.",
            "Write 4, or 4+2 for four features of the first variable and two of the second.",
        )
    return size_of_features([int(part) for part in text.split("+")])


def size_for(written: SizeSpec, variables: Sequence[str], hypothesis: str) -> Size:
    """Translate a size that a user wrote into a size of a hypothesis.

    Args:
        written: An integer for all variables, text such as `4+2`, or a mapping with an entry for each variable.
        variables: Names of the hypothesis' variables, in order.
        hypothesis: Name of the hypothesis, for messages.

    Raises:
        UnknownNameError: a key of the mapping is not a variable of the hypothesis.
        SpecificationError: the number of entries differs from the number of variables.
    """
    if isinstance(written, int):
        return written
    if isinstance(written, str):
        size = parse_size(written)
        if isinstance(size, UnequalSize) and len(size.features) != len(variables):
            raise SpecificationError(
                f"Size {written} was given for the hypothesis {hypothesis!r}.",
                f"It has {len(size.features)} numbers, but the variables are {', '.join(variables)}.",
                "Write one number per variable.",
            )
        return size
    for name in written:
        if name not in variables:
            raise UnknownNameError("variable", name, variables, f"the hypothesis {hypothesis!r}")
    missing = [name for name in variables if name not in written]
    if missing:
        raise SpecificationError(
            f"A size of {hypothesis!r} has no number for {', '.join(missing)}.",
            f"Each variable needs a number of features: {', '.join(variables)}.",
            "Write one number per variable, or one number for all.",
        )
    return size_of_features([written[name] for name in variables])


def check_size_fits(size: Size, variables: Sequence[str], *, where: str, width: int, overlapping: bool = False) -> None:
    """Check that a site has enough directions for a size.

    Args:
        size: The size to check.
        variables: Names of the hypothesis' variables.
        where: Names of hypothesis and site, for the message.
        width: Number of neurons of the site.
        overlapping: Whether variables may share directions.

    Raises:
        SpecificationError: a variable has no feature, or more directions are needed than the site is wide.
    """
    features = features_of(size, len(variables))
    needed = max(features) if overlapping else sum(features)
    if min(features) >= 1 and needed <= width:
        return
    subject = (
        f"each of the {len(variables)} variables" if isinstance(size, int) else f"the variables {', '.join(variables)}"
    )
    most = width if overlapping else width // len(variables)
    allowed = f"sizes from 1 up to {most}" if isinstance(size, int) or overlapping else f"sizes that add up to {width}"
    raise SpecificationError(
        f"Size {size} was given for {subject} of {where}, which is {width} wide.",
        f"{'One variable needs' if overlapping else 'Together they need'} {needed} directions, and each variable needs "
        "at least one.",
        f"Use {allowed}, or leave that site out.",
    )
