"""What a verdict looks at: scores and controls of one variable at one site, as numbers."""

from __future__ import annotations

from dataclasses import dataclass

from interlocus.asides import Aside
from interlocus.decoyed import Decoy
from interlocus.metrics import wilson
from interlocus.size import Size
from interlocus.thresholds import Thresholds


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What maps of one class and size score for a variable, in one network, on untouched items.

    Args:
        map: the class of maps.
        size: features a variable.
        iia: of the alignment; `low` and `high` are its ends, corrected for how many entries were looked at.
        cell: lower end of the smallest cell of this variable.
        ways: lower end of its worse direction of change.
        single: IIA of interventions on one variable.
        joint: IIA of interventions on several at once, from different sources; `None` for a hypothesis of one variable.
        live: share of swaps that change the answer.
        pure: R² of the variable's features on its operands at equal value; `None` where it was not measured.
    """

    map: str
    size: Size
    iia: float
    low: float
    high: float
    cell: float
    ways: float
    single: float
    joint: float | None
    live: float
    pure: float | None = None


@dataclass(frozen=True, kw_only=True)
class Used:
    """A site confined to what the rest of the network needs.

    Args:
        rank: of the subspace.
        width: of the site.
        agreement: share of its own answers that the network keeps.
        entries: what was found inside; none where there is no room for the variables.
        output: IIA's lower end for the output inside, by size.
    """

    rank: int
    width: int
    agreement: float
    entries: tuple[Entry, ...]
    output: dict[Size, float]

    @property
    def reach(self) -> float:
        """The highest upper end inside; nothing where the variables have no room."""
        return max((entry.high for entry in self.entries), default=0.0)


@dataclass(frozen=True, kw_only=True)
class Power:
    """In how many networks with a planted variable the same search finds it, for the hardest kind of planting.

    Args:
        kind: of planting.
        found: in how many.
        of: of how many.
    """

    kind: str
    found: int
    of: int

    @property
    def low(self) -> float:
        """Lower end of Wilson's interval of the share."""
        return wilson(self.found, self.of)[0]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """All that is known of a variable at a site of one network.

    Args:
        site: where.
        variable: which.
        hidden: whether it is behind the input; the input holds everything and computes nothing.
        entries: what was found in the full state.
        floor: IIA of doing nothing.
        one_sided: IIA that a one-way trick reaches; `None` where there is none.
        null: the best score of the whole portfolio in networks in which nothing can be; `None` without that control.
        random: 95th percentile of directions drawn at random in this network. What is there is above it; what is not
            may not be measured by it, for random directions catch a variable that is large.
        structural: a ceiling that follows from how the rest of the network is built; `None` where there is none.
        used: the search inside the used subspace; `None` without that control.
        power: of the search; `None` without that control.
        aside: further figures, which decide nothing.
        decoy: what the searches make of networks in which the variables can be decoded and nobody reads them.
    """

    site: str
    variable: str
    hidden: bool
    entries: tuple[Entry, ...]
    floor: float
    one_sided: float | None
    null: float | None
    random: float = 0.0
    structural: float | None = None
    used: Used | None = None
    power: Power | None = None
    aside: Aside | None = None
    decoy: Decoy | None = None

    @property
    def ceiling(self) -> float:
        """The highest of what can be scored without the variable."""
        return max(level for level in (self.floor, self.one_sided, self.null, self.structural) if level is not None)

    @property
    def bar(self) -> float:
        """The highest of what can be scored by luck or capacity."""
        return max(self.null or 0.0, self.random)

    @property
    def impossible(self) -> str | None:
        """Why no search could find the variable here, however good it is; `None` where one could."""
        if self.structural is not None:
            return "behind this site everything is linear, so no linear map exceeds that ceiling"
        if self.used is not None and not self.used.entries:
            return (
                f"what the rest of the network needs has {self.used.rank} direction{'s'[: self.used.rank > 1]}, fewer "
                "than there are variables"
            )
        return None


def is_found(entry: Entry, bars: Thresholds, bar: float = 0.0) -> bool:
    """Whether a score passes for a variable that is there, whatever becomes of it behind the site."""
    return (
        entry.low >= bars.found
        and entry.cell >= bars.cell
        and entry.low > bar
        and (entry.joint is None or abs(entry.joint - entry.single) <= bars.gap)
        and entry.live >= bars.live
    )


def is_partly(entry: Entry, seen: Seen, bars: Thresholds) -> bool:
    """Above all that can be had without the variable, in both directions of change."""
    return entry.low > max(seen.ceiling, seen.random) and entry.ways >= bars.ways and entry.live >= bars.live
