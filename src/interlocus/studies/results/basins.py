"""Basins: how much noise on the directions of a known solution half of the searches still recover from."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from interlocus.searches.starts import noise_of
from interlocus.studies.results.summary import Line, SolveRate

HALF = 0.5
MIN_NOISE_LEVELS = 2
"""Levels of noise from which on there is a curve to read a radius from."""


@dataclass(frozen=True, kw_only=True)
class Basin:
    """The searches of one line that start near the directions of another start.

    Args:
        group: Name of the network group.
        site: Name of the site.
        schedule: Name of the schedule.
        start: Name of the start to whose directions noise was added.
        shares: For each level of noise, in rising order, how many searches returned to an IIA of .99.
    """

    group: str
    site: str
    schedule: str
    start: str
    shares: Mapping[float, SolveRate]

    @property
    def radius(self) -> float | None:
        """The noise at which half of the searches return; `None` if that is not between two levels that were tried."""
        return radius({noise: solved.share.value for noise, solved in self.shares.items()})

    @property
    def text(self) -> str:
        """The radius in words."""
        if self.radius is not None:
            return f"{self.radius:.3f}"
        levels = list(self.shares)
        is_wider = self.shares[levels[-1]].share.value > HALF
        return f"more than {levels[-1]:g}" if is_wider else f"less than {levels[0]:g}"


def radius(shares: Mapping[float, float]) -> float | None:
    """The first noise at which the share of searches that return falls below one half, interpolated linearly.

    >>> radius({0.0: 1.0, 0.1: 0.75, 0.2: 0.25})
    0.15000000000000002
    >>> radius({0.1: 1.0, 0.2: 0.9}) is None
    True

    Args:
        shares: For each level of noise, in rising order, the share of searches that return, from 0 to 1.
    """
    for (near, high), (far, low) in itertools.pairwise(shares.items()):
        if high >= HALF > low:
            return near + (far - near) * (high - HALF) / (high - low)
    return None


def basins(lines: Sequence[Line]) -> list[Basin]:
    """The basin of each line whose searches start near another start, with several levels of noise.

    Args:
        lines: Lines of a study. Those without such starts give no basin.
    """
    found = []
    for line in lines:
        names = sorted((name for name in line.best.solved if noise_of(name)), key=noise_of)
        for start in dict.fromkeys(name.partition("+")[0] for name in names):
            shares = {noise_of(name): line.best.solved[name] for name in names if name.partition("+")[0] == start}
            if len(shares) >= MIN_NOISE_LEVELS:
                found.append(
                    Basin(group=line.group, site=line.site, schedule=line.schedule, start=start, shares=shares)
                )
    return found
