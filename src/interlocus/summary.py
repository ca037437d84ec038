"""From the table to what it says: scores over networks, and the answer in words."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from interlocus.metrics import Interval, over_networks
from interlocus.study import Study
from interlocus.table import Row

NEAR = 0.01
"""A size is enough if its mean IIA is so near to the best."""


@dataclass(frozen=True, kw_only=True)
class SizeLine:
    """One size over the networks of a family.

    Args:
        size: features a variable.
        iia: mean over networks with its bootstrap interval.
        lowest: the worst network.
        highest: the best network.
        min_cell: mean over networks of the smallest cell.
        by_start: for each start the mean over networks of its best attempt.
    """

    size: int
    iia: Interval
    lowest: float
    highest: float
    min_cell: float
    by_start: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One family at one site, for one hypothesis and featurizer.

    Args:
        sizes: in rising order.
        networks: how many.
        floor: IIA where an interchange changes nothing.
        one_sided: IIA that a one-way trick can reach.
    """

    family: str
    site: str
    hypothesis: str
    featurizer: str
    sizes: tuple[SizeLine, ...]
    networks: int
    floor: float
    one_sided: float

    @property
    def best(self) -> SizeLine:
        """The size with the highest mean IIA."""
        return max(self.sizes, key=lambda entry: entry.iia.value)

    @property
    def enough(self) -> int:
        """The smallest size whose mean IIA is within .01 of the best."""
        return next(entry.size for entry in self.sizes if entry.iia.value >= self.best.iia.value - NEAR)


def summarise(study: Study, table: Sequence[Row]) -> list[Line]:
    """One line a family, site, hypothesis and featurizer, in the order of the study."""
    asked = [(h, f) for search in study.searches for f in search.featurizers for h in search.hypotheses]
    lines = []
    for family, site, (hypothesis, featurizer) in itertools.product(study.families, study.sites, asked):
        key = (family.name, site, hypothesis, featurizer)
        here = [row for row in table if (row.family, row.site, row.hypothesis, row.featurizer) == key]
        if here:
            lines.append(_line(study, here))
    return lines


def _line(study: Study, here: Sequence[Row]) -> Line:
    one = here[0]
    sizes = [
        _size_line(study, [row for row in here if row.size == size]) for size in sorted({row.size for row in here})
    ]
    return Line(
        family=one.family,
        site=one.site,
        hypothesis=one.hypothesis,
        featurizer=one.featurizer,
        sizes=tuple(sizes),
        networks=len({row.network for row in here}),
        floor=one.floor,
        one_sided=one.one_sided,
    )


def _size_line(study: Study, here: Sequence[Row]) -> SizeLine:
    iias = [row.iia for row in here]
    starts = [dict(pair.split("=") for pair in row.by_start.split(";")) for row in here]
    return SizeLine(
        size=here[0].size,
        iia=over_networks(iias, [row.interventions for row in here], seed=study.seed),
        lowest=min(iias),
        highest=max(iias),
        min_cell=float(np.mean([row.min_cell for row in here])),
        by_start={name: float(np.mean([float(values[name]) for values in starts])) for name in starts[0]},
    )


def answers(study: Study, table: Sequence[Row], lines: Sequence[Line]) -> dict[str, str]:
    """For each family one sentence on *through the middle, or straight to the end?*, worded as what was measured."""
    return {
        family.name: _answer(study, family.name, table, lines) for family in study.families if _of(lines, family.name)
    }


def _of(lines: Sequence[Line], family: str) -> list[Line]:
    return [line for line in lines if line.family == family]


def _answer(study: Study, family: str, table: Sequence[Row], lines: Sequence[Line]) -> str:
    """What the joint hypothesis scored, site by site, and how that compares with what needs no variable."""
    first = next((line.hypothesis, line.featurizer) for line in lines)
    own = [line for line in _of(lines, family) if (line.hypothesis, line.featurizer) == first]
    variables = study.task.build().hypothesis(first[0]).variables
    networks = {row.network: row.accuracy for row in table if row.family == family}
    competent = sum(accuracy >= study.competence for accuracy in networks.values())
    hidden = [line for line in own if line.site != "input"] or own
    sites = "; ".join(f"{line.site} {line.best.iia} at size {line.best.size}" for line in hidden)
    verb = "solve the task" if competent == len(networks) else f"of which {competent} solve the task"
    above = [line.site for line in hidden if line.best.iia.low > line.one_sided]
    place = f"above it at {_and(above)}" if above else "above it nowhere"
    return (
        f"{len(networks)} networks, {verb}. Exchanging {' and '.join(variables)} ({first[1]}) moves the output as the "
        f"causal model says in this share of cases: {sites}. Doing nothing scores {own[0].floor:.3f}, a one-way trick "
        f"up to {own[0].one_sided:.3f}: the intervals over networks lie {place}."
    )


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
