"""From the table to what it says: scores over networks, and the answer in words."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from interlocus.alignment.dimensions import Size
from interlocus.core.statistics import CONFIDENCE, RESAMPLES, Interval, bootstrap_over_networks, wilson
from interlocus.networks.site import INPUT_SITE
from interlocus.studies.results.scores import Row
from interlocus.studies.spec.study import Study

SUFFICIENT_WITHIN = 0.01
"""A size is enough if its mean IIA is so near to the best."""


@dataclass(frozen=True, kw_only=True)
class Solved:
    """How many attempts reach an IIA of .99.

    Args:
        hits: so many.
        count: of how many.
        share: hits / count with Wilson's 95 % interval, which takes attempts for independent. They are not: those in
            one network are alike, and all attempts of a run see the same examples, which can decide (docs/LOG.md).
            Other seeds may fall outside of it.
    """

    hits: int
    count: int
    share: Interval

    @classmethod
    def of(cls, hits: int, count: int) -> Solved:
        """Counts with their interval."""
        return cls(hits=hits, count=count, share=Interval(hits / count, *wilson(hits, count)))


@dataclass(frozen=True, kw_only=True)
class SizeLine:
    """One size over the networks of a family.

    Args:
        size: features a variable; unequal ones stand among the others by their mean.
        iia: mean over networks with its bootstrap interval.
        lowest: the worst network.
        highest: the best network.
        worst_transition: mean over networks of the smallest cell.
        by_start: for each start the mean over networks of its best attempt.
        solved: for each start the share of its attempts in all networks that reach .99.
    """

    size: Size
    iia: Interval
    lowest: float
    highest: float
    worst_transition: float
    by_start: dict[str, float]
    solved: dict[str, Solved]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One family at one site, for one hypothesis, featurizer and schedule.

    Args:
        schedule: empty where searches begin and go on as the study says.
        sizes: in rising order.
        networks: how many.
        no_effect: IIA where an interchange changes nothing.
        one_directional: IIA of a one-directional map; `None` where a variable is continuous.
        enough_range: 95 % bootstrap interval over networks of the smallest sufficient size.
    """

    group: str
    site: str
    hypothesis: str
    featurizer: str
    sizes: tuple[SizeLine, ...]
    networks: int
    no_effect: float
    one_directional: float | None
    enough_range: tuple[Size, Size]
    schedule: str = ""

    @property
    def solved(self) -> Solved:
        """How many attempts at the best size reach an IIA of .99, from whatever start."""
        parts = self.best.solved.values()
        return Solved.of(sum(part.hits for part in parts), sum(part.count for part in parts))

    @property
    def map(self) -> str:
        """The class of maps, with the schedule where it has a name."""
        return f"{self.featurizer}, {self.schedule}" if self.schedule else self.featurizer

    @property
    def bar(self) -> float:
        """What a score has to pass to say anything: the one-way trick, or else doing nothing."""
        return self.no_effect if self.one_directional is None else self.one_directional

    @property
    def best(self) -> SizeLine:
        """The size with the highest mean IIA."""
        return max(self.sizes, key=lambda entry: entry.iia.value)

    @property
    def enough(self) -> Size:
        """The smallest size whose mean IIA is within .01 of the best."""
        return next(entry.size for entry in self.sizes if entry.iia.value >= self.best.iia.value - SUFFICIENT_WITHIN)

    @property
    def enough_text(self) -> str:
        """The same with its interval, where other sizes were searched."""
        if len(self.sizes) < 2:
            return "–"
        low, high = self.enough_range
        return str(self.enough) if low == high == self.enough else f"{self.enough} [{low}, {high}]"


def summarise(study: Study, table: Sequence[Row]) -> list[Line]:
    """One line a family, site, hypothesis, featurizer and schedule, in the order of the study."""
    asked = dict.fromkeys(
        (hypothesis, featurizer, search.schedule)
        for search in study.searches
        for featurizer in search.featurizers
        for hypothesis in search.hypotheses
    )
    lines = []
    for group, site, own in itertools.product(study.networks, study.sites, asked):
        key = (group.name, site, *own)
        here = [row for row in table if (row.group, row.site, row.hypothesis, row.featurizer, row.schedule) == key]
        if here:
            lines.append(_line(study, here))
    return lines


def _line(study: Study, here: Sequence[Row]) -> Line:
    one = here[0]
    sizes = [
        _size_line(study, [row for row in here if row.size == size]) for size in sorted({row.size for row in here})
    ]
    return Line(
        group=one.group,
        site=one.site,
        hypothesis=one.hypothesis,
        featurizer=one.featurizer,
        schedule=one.schedule,
        sizes=tuple(sizes),
        networks=len({row.network for row in here}),
        no_effect=one.no_effect,
        one_directional=one.one_directional,
        enough_range=_enough_range(study, here),
    )


def _enough_range(study: Study, here: Sequence[Row]) -> tuple[Size, Size]:
    """What the smallest sufficient size could have been with other networks like these."""
    sizes = sorted({row.size for row in here})
    found = {(row.network, row.size): row.iia for row in here}
    networks = sorted({row.network for row in here})
    if len(found) < len(networks) * len(sizes):  # not finished
        return sizes[0], sizes[-1]
    iias = np.array([[found[network, size] for size in sizes] for network in networks])
    drawn = np.random.default_rng(study.seed).integers(len(networks), size=(RESAMPLES, len(networks)))
    means = iias[drawn].mean(1)
    enough = (means >= means.max(1, keepdims=True) - SUFFICIENT_WITHIN).argmax(1)
    low, high = np.quantile(enough, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], method="nearest")
    return sizes[int(low)], sizes[int(high)]


def _size_line(study: Study, here: Sequence[Row]) -> SizeLine:
    iias = [row.iia for row in here]
    starts = [dict(pair.split("=") for pair in row.by_start.split(";")) for row in here]
    return SizeLine(
        size=here[0].size,
        iia=bootstrap_over_networks(iias, [row.interventions for row in here], seed=study.seed),
        lowest=min(iias),
        highest=max(iias),
        worst_transition=float(np.mean([row.worst_transition for row in here])),
        by_start={name: float(np.mean([float(values[name]) for values in starts])) for name in starts[0]},
        solved={name: _solved(here, name) for name in starts[0]},
    )


def _solved(here: Sequence[Row], start: str) -> Solved:
    """The attempts of a start in all networks."""
    counts = [dict(pair.split("=") for pair in row.solved.split(";"))[start].split("/") for row in here]
    return Solved.of(sum(int(hits) for hits, _ in counts), sum(int(count) for _, count in counts))


def group_sentences(study: Study, table: Sequence[Row], lines: Sequence[Line]) -> dict[str, str]:
    """For each family one sentence on *through the middle, or straight to the end?*, worded as what was measured.

    Families of which nothing is measured yet are left out.
    """
    if not lines:
        return {}
    first = study.asked, study.schedule  # what the study asks in the first place
    there = [(line.hypothesis, line.schedule) for line in lines]
    asked = first if first in there else there[0]
    joint = [line for line, about in zip(lines, there, strict=True) if about == asked]
    measured = [group.name for group in study.networks if any(line.group == group.name for line in joint)]
    return {name: _answer(study, table, [line for line in joint if line.group == name]) for name in measured}


def _answer(study: Study, table: Sequence[Row], own: Sequence[Line]) -> str:
    """What the first hypothesis scored in one family, by map and site."""
    one = own[0]
    variables = study.task.build().hypothesis(one.hypothesis).variables
    accuracy = {row.network: row.accuracy for row in table if row.group == one.group}
    competent = sum(value >= study.competence for value in accuracy.values())
    maps = dict.fromkeys(line.featurizer for line in own)
    scored = " ".join(_of_map([line for line in own if line.featurizer == name]) for name in maps)
    trick = "" if one.one_directional is None else f", a one-sided trick up to {one.one_directional:.3f}"
    return (
        f"{competent} of {len(accuracy)} networks solve the task. Exchanging {_and(variables)} moves the output as the "
        f"causal model says in this share of cases. {scored} Doing nothing scores {one.no_effect:.3f}{trick}."
    )


def _of_map(own: Sequence[Line]) -> str:
    """The hidden sites of one featurizer, and where the interval over networks lies above every trick."""
    hidden = [line for line in own if line.site != INPUT_SITE] or own
    sites = "; ".join(f"{line.site} {line.best.iia} at size {line.best.size}{_would_do(line)}" for line in hidden)
    above = [line.site for line in hidden if line.best.iia.low > line.bar]
    place = f"at {_and(above)}" if above else "nowhere"
    level = "doing nothing" if own[0].one_directional is None else "the trick"
    return f"With {own[0].featurizer} maps: {sites}; the interval lies above {level} {place}."


def _would_do(line: Line) -> str:
    """Whether fewer features are as good, in words."""
    return f" ({line.enough_text} would do)" if line.enough < line.best.size else ""


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
