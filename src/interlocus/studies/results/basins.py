"""How wide the basin of a known solution is: the noise on its directions from which half of the searches return."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from interlocus.searches.starts import noise_of
from interlocus.studies.results.summary import Line, Solved

HALF = 0.5
MIN_NOISE_LEVELS = 2
"""Levels of noise that make a curve."""


@dataclass(frozen=True, kw_only=True)
class Basin:
    """The searches of one line of the table that begin near a start.

    Args:
        group: of networks.
        site: where.
        schedule: of the study.
        start: around which, by name.
        shares: for each noise how many searches came back to an IIA of .99, in rising order.
    """

    group: str
    site: str
    schedule: str
    start: str
    shares: Mapping[float, Solved]

    @property
    def radius(self) -> float | None:
        """The noise at which half of the searches return, between two that were tried; `None` where none is between."""
        return radius({noise: solved.share.value for noise, solved in self.shares.items()})

    @property
    def text(self) -> str:
        """The same in words."""
        if self.radius is not None:
            return f"{self.radius:.3f}"
        noises = list(self.shares)
        beyond = self.shares[noises[-1]].share.value > HALF
        return f"more than {noises[-1]:g}" if beyond else f"less than {noises[0]:g}"


def radius(shares: Mapping[float, float]) -> float | None:
    """The first noise at which the share of searches that return falls through one half, between neighbours by a line.

    >>> radius({0.0: 1.0, 0.1: 0.75, 0.2: 0.25})
    0.15000000000000002
    >>> radius({0.1: 1.0, 0.2: 0.9}) is None
    True

    Args:
        shares: for each noise, in rising order, the share that returns.
    """
    for (near, high), (far, low) in itertools.pairwise(shares.items()):
        if high >= HALF > low:
            return near + (far - near) * (high - HALF) / (high - low)
    return None


def basins(lines: Sequence[Line]) -> list[Basin]:
    """For each line in which searches begin near a start, with several levels of noise, what came back."""
    found = []
    for line in lines:
        names = sorted((name for name in line.best.solved if noise_of(name)), key=noise_of)
        for start in dict.fromkeys(name.partition("+")[0] for name in names):
            own = {noise_of(name): line.best.solved[name] for name in names if name.partition("+")[0] == start}
            if len(own) >= MIN_NOISE_LEVELS:
                found.append(Basin(group=line.group, site=line.site, schedule=line.schedule, start=start, shares=own))
    return found
