"""The null level: the IIA that searches reach in untrained networks, where nothing was learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from interlocus.core.statistics import upper_prediction_limit


@dataclass(frozen=True, kw_only=True)
class NullLevel:
    """What searches reach in untrained networks of one architecture.

    Two levels are needed, since an error in either direction makes a wrong word. A variable is found, even in part,
    only above what a *new* untrained network would exceed with probability .05 (`limit`). A score counts as absent only
    below what was *observed* in an untrained network (`highest`): where copies are few, the limit may be far above it.

    Args:
        highest: The best IIA in any of the networks.
        limit: 95 % upper prediction limit of the best IIA in a further network.
        count: Number of networks, 2 or more. Of one network the spread is unknown, so it gives no level.
    """

    highest: float
    limit: float
    count: int

    @classmethod
    def of(cls, best: Sequence[float]) -> NullLevel | None:
        """The null level of some networks; `None` of fewer than two.

        Args:
            best: For each untrained network the best IIA of all searches in it, over sites, sizes and featurizers.
        """
        if len(best) < 2:
            return None
        return cls(highest=max(best), limit=min(upper_prediction_limit(best), 1.0), count=len(best))
