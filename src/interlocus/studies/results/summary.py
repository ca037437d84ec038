"""Scores over the networks of each group, and what they say in one sentence."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from interlocus.alignment.dimensions import Size
from interlocus.core.statistics import Interval, clopper_pearson, mean_interval, mean_over_networks
from interlocus.networks.site import INPUT_SITE
from interlocus.studies.results.scores import Row, featurizer_label
from interlocus.studies.spec.study import Study

SUFFICIENT_WITHIN = 0.01
"""A size suffices if its mean IIA is at most this much below the best."""


@dataclass(frozen=True, kw_only=True)
class SolveRate:
    """How many restarts reach a test IIA of .99.

    Args:
        hits: Number of restarts that reach it.
        count: Number of restarts in all.
        share: hits / count with its exact 95 % interval, which treats restarts as independent. They are not: restarts
            in one network are alike, and all restarts of a run see the same examples, which can matter (docs/LOG.md).
            So other seeds may fall outside of the interval.
    """

    hits: int
    count: int
    share: Interval

    @classmethod
    def of(cls, hits: int, count: int) -> SolveRate:
        """Counts with their interval.

        Args:
            hits: Number of restarts that reach .99.
            count: Number of restarts in all, 1 or more.
        """
        return cls(hits=hits, count=count, share=Interval(hits / count, *clopper_pearson(hits, count)))


@dataclass(frozen=True, kw_only=True)
class SizeLine:
    """One size, over the networks of a group.

    Args:
        size: Features per variable. A size that differs between variables stands among the others by its mean.
        iia: Mean IIA over networks, with Student's interval.
        lowest: Smallest IIA of a network.
        highest: Largest IIA of a network.
        worst_transition: Mean over networks of the smallest IIA of a transition.
        by_start: For each start the mean over networks of the IIA of its best restart.
        solved: For each start the share of its restarts, in all networks, that reach .99.
    """

    size: Size
    iia: Interval
    lowest: float
    highest: float
    worst_transition: float
    by_start: dict[str, float]
    solved: dict[str, SolveRate]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One network group at one site, for one hypothesis, featurizer and schedule.

    Args:
        group: Name of the network group.
        site: Name of the site.
        hypothesis: Name of the hypothesis.
        featurizer: Name of the featurizer.
        sizes: The sizes, from small to large.
        networks: Number of networks in the mean.
        no_effect: Chance level of an interchange that changes nothing.
        one_directional: Chance level of an interchange that can leave a value and not return to it; `None` where a
            variable is continuous.
        enough_range: 95 % interval over networks of the smallest sufficient size.
        schedule: Name of the schedule; empty for that of the study.
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
    def solved(self) -> SolveRate:
        """How many restarts at the best size reach an IIA of .99, over all starts."""
        parts = self.best.solved.values()
        return SolveRate.of(sum(part.hits for part in parts), sum(part.count for part in parts))

    @property
    def map(self) -> str:
        """The featurizer, with the schedule if it has a name."""
        return featurizer_label(self.featurizer, self.schedule)

    @property
    def chance_level(self) -> float:
        """The chance level that a score has to exceed: the one-directional one, or without it that of no effect."""
        return self.no_effect if self.one_directional is None else self.one_directional

    @property
    def best(self) -> SizeLine:
        """The size with the highest mean IIA."""
        return max(self.sizes, key=lambda line: line.iia.value)

    @property
    def enough(self) -> Size:
        """The smallest size whose mean IIA is within .01 of the best."""
        return next(line.size for line in self.sizes if line.iia.value >= self.best.iia.value - SUFFICIENT_WITHIN)

    @property
    def enough_text(self) -> str:
        """The smallest sufficient size with its interval; a dash where only one size was searched."""
        if len(self.sizes) < 2:
            return "–"
        low, high = self.enough_range
        return str(self.enough) if low == high == self.enough else f"{self.enough} [{low}, {high}]"


def summarise(study: Study, table: Sequence[Row]) -> list[Line]:
    """One line for each group, site, hypothesis, featurizer and schedule, in the order of the study.

    Args:
        study: The study that the table belongs to.
        table: The rows of finished trials.
    """
    searched = dict.fromkeys(
        (hypothesis, featurizer, search.schedule)
        for search in study.searches
        for featurizer in search.featurizers
        for hypothesis in search.hypotheses
    )
    lines = []
    for group, site, search in itertools.product(study.networks, study.sites, searched):
        key = (group.name, site, *search)
        rows = [row for row in table if (row.group, row.site, row.hypothesis, row.featurizer, row.schedule) == key]
        if rows:
            lines.append(_line(rows))
    return lines


def _line(rows: Sequence[Row]) -> Line:
    first = rows[0]
    sizes = sorted({row.size for row in rows})
    return Line(
        group=first.group,
        site=first.site,
        hypothesis=first.hypothesis,
        featurizer=first.featurizer,
        schedule=first.schedule,
        sizes=tuple(_size_line([row for row in rows if row.size == size]) for size in sizes),
        networks=len({row.network for row in rows}),
        no_effect=first.no_effect,
        one_directional=first.one_directional,
        enough_range=_enough_range(rows),
    )


def _enough_range(rows: Sequence[Row]) -> tuple[Size, Size]:
    """The smallest sufficient size that other networks like these could have.

    The ends are the smallest size that may suffice and the smallest that certainly does, by Student's interval of how
    much worse a size is than the best one in the same network. Of one network this is its own smallest sufficient size.
    """
    sizes = sorted({row.size for row in rows})
    iia_of = {(row.network, row.size): row.iia for row in rows}
    networks = sorted({row.network for row in rows})
    if len(iia_of) < len(networks) * len(sizes):  # some trials are not finished
        return sizes[0], sizes[-1]
    iias = np.array([[iia_of[network, size] for size in sizes] for network in networks])
    lost = iias[:, [int(iias.mean(0).argmax())]] - iias
    intervals = [mean_interval(column, [0.0] * len(networks)) for column in lost.T.tolist()]
    may = next(size for size, interval in zip(sizes, intervals, strict=True) if interval.low <= SUFFICIENT_WITHIN)
    does = next(size for size, interval in zip(sizes, intervals, strict=True) if interval.high <= SUFFICIENT_WITHIN)
    return may, does


def _size_line(rows: Sequence[Row]) -> SizeLine:
    iias = [row.iia for row in rows]
    starts = list(rows[0].by_start)
    return SizeLine(
        size=rows[0].size,
        iia=mean_over_networks(iias, [row.interventions for row in rows]),
        lowest=min(iias),
        highest=max(iias),
        worst_transition=float(np.mean([row.worst_transition for row in rows])),
        by_start={start: float(np.mean([row.by_start[start] for row in rows])) for start in starts},
        solved={start: _solve_rate([row.solved[start] for row in rows]) for start in starts},
    )


def _solve_rate(counts: Sequence[tuple[int, int]]) -> SolveRate:
    """The restarts of a start in all networks."""
    return SolveRate.of(sum(hits for hits, _ in counts), sum(count for _, count in counts))


def group_sentences(study: Study, table: Sequence[Row], lines: Sequence[Line]) -> dict[str, str]:
    """For each group one sentence on the scores of the study's hypothesis, site by site.

    Args:
        study: The study that the lines belong to.
        table: The rows of finished trials.
        lines: What `summarise` gives for them. A group without a line gets no sentence.
    """
    if not lines:
        return {}
    preferred = study.asked, study.schedule
    measured = [(line.hypothesis, line.schedule) for line in lines]
    chosen = preferred if preferred in measured else measured[0]
    joint = [line for line, key in zip(lines, measured, strict=True) if key == chosen]
    groups = [group.name for group in study.networks if any(line.group == group.name for line in joint)]
    return {name: _group_sentence(study, table, [line for line in joint if line.group == name]) for name in groups}


def _group_sentence(study: Study, table: Sequence[Row], lines: Sequence[Line]) -> str:
    """What the hypothesis scored in one group, by featurizer and site."""
    first = lines[0]
    variables = study.task.build().hypothesis(first.hypothesis).variables
    accuracy = {row.network: row.accuracy for row in table if row.group == first.group}
    competent = sum(value >= study.competence for value in accuracy.values())
    featurizers = dict.fromkeys(line.featurizer for line in lines)
    scores = " ".join(_featurizer_sentence([line for line in lines if line.featurizer == name]) for name in featurizers)
    one_directional = (
        "" if first.one_directional is None else f", a one-directional interchange up to {first.one_directional:.3f}"
    )
    return (
        f"{competent} of {len(accuracy)} networks solve the task. Exchanging {_and(variables)} changes the output as "
        f"the causal model says in these shares of interventions. {scores} An interchange without effect scores "
        f"{first.no_effect:.3f}{one_directional}."
    )


def _featurizer_sentence(lines: Sequence[Line]) -> str:
    """The scores of one featurizer at the hidden sites, and the sites at which they exceed the chance level."""
    hidden = [line for line in lines if line.site != INPUT_SITE] or lines
    sites = "; ".join(f"{line.site} {line.best.iia} at size {line.best.size}{_fewer(line)}" for line in hidden)
    above = [line.site for line in hidden if line.best.iia.low > line.chance_level]
    level = "no-effect" if lines[0].one_directional is None else "one-directional"
    place = f"at {_and(above)}" if above else "at no site"
    return f"With {lines[0].featurizer} maps: {sites}; the interval lies above the {level} chance level {place}."


def _fewer(line: Line) -> str:
    """Whether fewer features suffice, in words."""
    return f" ({line.enough_text} would do)" if line.enough < line.best.size else ""


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
