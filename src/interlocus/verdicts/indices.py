"""One number a network: how far it goes through the middle, and where; with its interval over networks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from interlocus.alignment.dimensions import Size, features_of, mean_size
from interlocus.causal.hypothesis import Hypothesis
from interlocus.controls.restricted_search import OUTPUT
from interlocus.controls.used_subspace import UsedSubspaceResult
from interlocus.core.json_record import JsonObject
from interlocus.core.statistics import CONFIDENCE, RESAMPLES, Interval
from interlocus.searches.results import Restart, Restarts
from interlocus.tasks import AbstractTask
from interlocus.tasks.chance_levels import carried_ceiling, chance_levels

REACHED = 0.8
"""What counts as there, for the stages: of the output, and of the variables' best."""
REDRAWN = 100
"""Draws of each network's scores; networks are drawn with one of them each time."""


@dataclass(frozen=True, kw_only=True)
class Levels:
    """IIAs that are worth nothing.

    Args:
        variables: for each variable what a rival that does not hold it reaches, or the nulls where they are higher.
        output: of doing nothing, for the output, or the nulls.
    """

    variables: Mapping[str, float]
    output: float


@dataclass(frozen=True, kw_only=True)
class Measured:
    """IIAs at one site of one network, inside what the rest of the network needs.

    Args:
        site: where.
        variables: of each variable, exchanged alone.
        output: of the output, at a size smaller than all variables together, which determine it; `None` where that was
            not asked.
        count: from how many interventions each.
    """

    site: str
    variables: Mapping[str, float]
    output: float | None
    count: int


@dataclass(frozen=True, kw_only=True)
class SiteIndices:
    """The indices at one site.

    Args:
        site: where.
        middle: Ê, geometric mean over variables of Â = (IIA − floor) / (1 − floor), clipped to [0, 1].
        output: Ô, the same for the output.
        hierarchy: Ê (1 − Ô): the variables can be exchanged, and the output cannot yet.
    """

    site: str
    middle: float
    output: float
    hierarchy: float


@dataclass(frozen=True, kw_only=True)
class Indices:
    """The indices of one network.

    Args:
        sites: of each hidden site, in order.
        hierarchy: the largest over sites.
        stage_gap: (first site whose Ô is .8 − first whose Ê is .8 of its maximum) / depth; `None` where one of them is
            never reached. It is positive where the variables come first.
    """

    sites: tuple[SiteIndices, ...]
    hierarchy: float
    stage_gap: float | None

    def to_json(self) -> JsonObject:
        """Plain values."""
        return {**vars(self), "sites": [vars(one) for one in self.sites]}


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Means over networks with bootstrap intervals: networks are drawn first, then interventions within each.

    Args:
        hierarchy: of the networks' hierarchy indices.
        stage_gap: of the networks that have one; `None` if there is none.
        gaps: how many have one.
        networks: how many there are.
    """

    hierarchy: Interval
    stage_gap: Interval | None
    gaps: int
    networks: int

    def to_json(self) -> JsonObject:
        """Plain values."""
        gap = self.stage_gap._asdict() if self.stage_gap else None
        return {**vars(self), "hierarchy": self.hierarchy._asdict(), "stage_gap": gap}


def levels_of(task: AbstractTask, hypothesis: str, *, rivals: Sequence[str] = (), null: float = 0.0) -> Levels:
    """The floors of the indices.

    Args:
        task: whose hypotheses they are.
        hypothesis: what is asked, by name.
        rivals: other hypotheses, by name; one that holds the variable itself is none.
        null: the highest score of networks in which nothing can be.

    Raises:
        UnknownNameError: no such hypothesis.
    """
    sought = task.hypothesis(hypothesis)
    output = Hypothesis(name=OUTPUT, model=sought.model, variables=(sought.model.output,))
    levels = {}
    for variable in sought.variables:
        alone = replace(sought, variables=(variable,))
        least = chance_levels(task, alone)
        reached = [carried_ceiling(task, alone, task.hypothesis(rival).variables) for rival in rivals]
        known = [level for level in (*reached, least.output_only) if level is not None and level < 1]
        levels[variable] = max(least.no_effect, null, *known)
    return Levels(variables=levels, output=max(chance_levels(task, output).no_effect, null))


def adjusted(iia: float, no_effect: float) -> float:
    """Â = (IIA − floor) / (1 − floor), clipped to [0, 1].

    >>> adjusted(0.8125, 0.625), adjusted(0.5, 0.625), adjusted(1.0, 0.625)
    (0.5, 0.0, 1.0)
    """
    return min(1.0, max(0.0, (iia - no_effect) / (1 - no_effect))) if no_effect < 1 else 0.0


def indices(measured: Sequence[Measured], levels: Levels) -> Indices:
    """The indices of one network.

    Args:
        measured: its hidden sites, in order.
        levels: IIAs that are worth nothing.
    """
    sites = []
    for one in measured:
        each = [adjusted(iia, levels.variables[name]) for name, iia in one.variables.items()]
        middle = math.prod(each) ** (1 / len(each))
        output = 0.0 if one.output is None else adjusted(one.output, levels.output)
        sites.append(SiteIndices(site=one.site, middle=middle, output=output, hierarchy=middle * (1 - output)))
    best = max((one.middle for one in sites), default=0.0)
    through = _first([best > 0 and one.middle >= REACHED * best for one in sites])
    answered = _first([one.output >= REACHED for one in sites])
    return Indices(
        sites=tuple(sites),
        hierarchy=max((one.hierarchy for one in sites), default=0.0),
        stage_gap=None if through is None or answered is None else (answered - through) / len(sites),
    )


def _first(flags: Sequence[bool]) -> int | None:
    return next((place for place, flag in enumerate(flags) if flag), None)


def index_interval(networks: Sequence[Sequence[Measured]], levels: Levels, *, seed: int = 0) -> Summary:
    """The indices of several networks.

    Args:
        networks: for each its hidden sites, in order.
        levels: IIAs that are worth nothing.
        seed: of the resampling.
    """
    generator = np.random.default_rng(seed)
    own = [indices(sites, levels) for sites in networks]
    again = [[indices([_again(one, generator) for one in sites], levels) for _ in range(REDRAWN)] for sites in networks]
    gaps: list[float] = []
    redrawn: list[list[float]] = []
    for one, draws in zip(own, again, strict=True):
        if one.stage_gap is not None:  # where a draw has none, it keeps the network's
            gaps.append(one.stage_gap)
            redrawn.append([one.stage_gap if draw.stage_gap is None else draw.stage_gap for draw in draws])
    return Summary(
        hierarchy=_interval(
            [one.hierarchy for one in own], [[draw.hierarchy for draw in draws] for draws in again], generator
        ),
        stage_gap=_interval(gaps, redrawn, generator) if gaps else None,
        gaps=len(gaps),
        networks=len(own),
    )


def _interval(values: Sequence[float], redrawn: Sequence[Sequence[float]], generator: np.random.Generator) -> Interval:
    """A mean over networks with its interval: in each resample some networks, each with one of its draws."""
    table = np.array(redrawn)
    rows = generator.integers(len(table), size=(RESAMPLES, len(table)))
    means = table[rows, generator.integers(REDRAWN, size=rows.shape)].mean(1)
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float(np.mean(values)), float(low), float(high))


def _again(one: Measured, generator: np.random.Generator) -> Measured:
    """The same with interventions drawn again."""

    def share(iia: float) -> float:
        return float(generator.binomial(one.count, iia) / one.count)

    output = None if one.output is None else share(one.output)
    return replace(one, variables={name: share(iia) for name, iia in one.variables.items()}, output=output)


def measured_in(site: str, used: UsedSubspaceResult, hypothesis: Hypothesis, levels: Levels) -> Measured:
    """What the indices look at, from the controls of one network at one site.

    Of all maps and sizes the ones that are best by validation. Where the variables have no room in what is needed, they
    score their chance levels.

    Args:
        site: Name of the site.
        used: What was found inside the used subspace.
        hypothesis: that is asked for.
        levels: of its variables.
    """
    best = _best([entry for entries in used.restarts_of(hypothesis.name).values() for entry in entries])
    several = len(hypothesis.variables)
    together = sum(features_of(best[0], several)) if best else several
    outputs = [entry for entries in used.restarts_of(OUTPUT).values() for entry in entries]
    output = _best([entry for entry in outputs if mean_size(entry.size) < max(together, 2)])
    scores = [one[1].score for one in (best, output) if one]
    kinds = best[1].score.kinds if best else levels.variables
    return Measured(
        site=site,
        variables={name: kinds[name] for name in hypothesis.variables},
        output=output[1].score.iia if output else None,
        count=max((score.count // max(len(score.kinds), 1) for score in scores), default=1),
    )


def _best(entries: Sequence[Restarts]) -> tuple[Size, Restart] | None:
    """Size and attempt that are best by validation; of equals the smallest."""
    pairs = [(entry.size, entry.best) for entry in entries]
    return max(pairs, key=lambda pair: (pair[1].validation, -mean_size(pair[0])), default=None)
