"""What a verdict looks at: scores and controls of one variable at one site, as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from interlocus.alignment.dimensions import Size
from interlocus.controls.criteria import Effect, Thresholds
from interlocus.controls.power import Power


@dataclass(frozen=True, kw_only=True)
class UsedSubspaceEvidence:
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
    entries: tuple[Effect, ...]
    output: dict[Size, float]

    @property
    def reach(self) -> float:
        """The highest upper end inside; nothing where the variables have no room."""
        return max((entry.high for entry in self.entries), default=0.0)


@dataclass(frozen=True, kw_only=True)
class SiteObservation:
    """All that is known of a variable at a site of one network.

    Args:
        site: where.
        variable: which.
        hidden: whether it is behind the input; the input holds everything and computes nothing.
        entries: what was found in the full state.
        no_effect: IIA of doing nothing.
        one_directional: IIA that a one-way trick reaches; `None` where there is none.
        null: the best score of the whole portfolio in networks in which nothing can be; `None` without that control.
        random: 95th percentile of the IIA of random directions in this network; `None` where it was not measured. What
            is found lies above it. It says nothing of an absence, since random directions catch a large variable.
        structural: a ceiling that follows from how the rest of the network is built; `None` where there is none.
        used: the search inside the used subspace; `None` without that control.
        power: of the search; `None` without that control.
        results: For each control that was measured its result, for the evidence; the fields above decide.
    """

    site: str
    variable: str
    hidden: bool
    entries: tuple[Effect, ...]
    no_effect: float
    one_directional: float | None
    null: float | None
    random: float | None = None
    structural: float | None = None
    used: UsedSubspaceEvidence | None = None
    power: Power | None = None
    results: Mapping[str, object] = field(default_factory=dict)

    @property
    def ceiling(self) -> float:
        """The highest of what can be scored without the variable."""
        return max(
            level for level in (self.no_effect, self.one_directional, self.null, self.structural) if level is not None
        )

    @property
    def bar(self) -> float:
        """The highest of what can be scored by luck or capacity."""
        return max(self.null or 0.0, self.random or 0.0)

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


def is_partial(entry: Effect, seen: SiteObservation, bars: Thresholds) -> bool:
    """Above all that can be had without the variable, in both directions of change."""
    return (
        entry.low > max(seen.ceiling, seen.random or 0.0)
        and entry.ways >= bars.ways
        and entry.answer_change_rate >= bars.answer_change_rate
    )
