"""The hierarchy index and the stage gap: whether and where a network holds the variables before the output.

Both are computed from IIAs inside the used subspaces of its sites. Intervals are over networks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from interlocus.alignment.dimensions import Size, features_of, mean_size
from interlocus.causal.hypothesis import Hypothesis
from interlocus.controls.used.search import OUTPUT
from interlocus.controls.used_subspace import UsedSubspaceResult
from interlocus.core.json_record import JsonObject
from interlocus.core.statistics import Interval, mean_interval
from interlocus.searches.results import Restart, Restarts
from interlocus.tasks import AbstractTask
from interlocus.tasks.chance_levels import carried_ceiling, chance_levels

REACHED = 0.8
"""Threshold of the stage gap, for Ô, and for Ê relative to its maximum over sites."""
REDRAWN = 100
"""Parametric resamples of each network's scores, which show how uncertain its own indices are."""


@dataclass(frozen=True, kw_only=True)
class Levels:
    """Chance levels of the indices: IIAs that are reached without the variables or without the output.

    Args:
        variables: For each variable the highest of the IIA without any effect, the null, the ceiling of the output
            alone, and those of rival hypotheses without the variable.
        output: The IIA of the output without any effect, or the null if it is higher.
    """

    variables: Mapping[str, float]
    output: float


@dataclass(frozen=True, kw_only=True)
class Measured:
    """IIAs inside the used subspace of one site of one network.

    Args:
        site: Name of the site.
        variables: IIA of each variable, exchanged alone.
        output: IIA of the output, with fewer features than all variables have together, since these determine it;
            `None` if the output was not searched.
        count: Number of interventions behind each IIA.
    """

    site: str
    variables: Mapping[str, float]
    output: float | None
    count: int


@dataclass(frozen=True, kw_only=True)
class SiteIndices:
    """The indices at one site.

    Args:
        site: Name of the site.
        middle: Ê, the geometric mean over variables of Â = (IIA − chance) / (1 − chance), clipped to [0, 1].
        output: Ô, the Â of the output.
        hierarchy: Ê (1 − Ô), which is high if the variables can be exchanged here and the output cannot yet.
    """

    site: str
    middle: float
    output: float
    hierarchy: float


@dataclass(frozen=True, kw_only=True)
class Indices:
    """The indices of one network.

    Args:
        sites: The indices of each hidden site, in order.
        hierarchy: The largest hierarchy index over sites.
        stage_gap: (Index of the first site with Ô ≥ .8 − index of the first site with Ê ≥ .8 max Ê) / number of sites.
            It is positive if the variables come first, and `None` if one of the two sites does not exist.
    """

    sites: tuple[SiteIndices, ...]
    hierarchy: float
    stage_gap: float | None

    def to_json(self) -> JsonObject:
        """Plain values."""
        return {**vars(self), "sites": [vars(one) for one in self.sites]}


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Means over networks with Student's intervals.

    Args:
        hierarchy: Mean hierarchy index, from 0 to 1, with its interval over networks.
        stage_gap: Mean stage gap of the networks that have one; `None` if none has.
        gaps: Number of networks with a stage gap.
        networks: Number of networks in the mean hierarchy index.
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
    """The chance levels of the indices.

    Args:
        task: The task with the hypotheses.
        hypothesis: Name of the hypothesis whose variables are measured.
        rivals: Names of rival hypotheses. A rival that contains a variable is no rival for this variable.
        null: The highest score in untrained networks or with shuffled labels.

    Raises:
        UnknownNameError: The task has no such hypothesis.
    """
    target = task.hypothesis(hypothesis)
    output = Hypothesis(name=OUTPUT, model=target.model, variables=(target.model.output,))
    levels = {}
    for variable in target.variables:
        alone = replace(target, variables=(variable,))
        least = chance_levels(task, alone)
        reached = [carried_ceiling(task, alone, task.hypothesis(rival).variables) for rival in rivals]
        known = [level for level in (*reached, least.output_only) if level is not None and level < 1]
        levels[variable] = max(least.no_effect, null, *known)
    return Levels(variables=levels, output=max(chance_levels(task, output).no_effect, null))


def adjusted(iia: float, chance: float) -> float:
    """An IIA relative to its chance level: Â = (IIA − chance) / (1 − chance), clipped to [0, 1].

    >>> adjusted(0.8125, 0.625), adjusted(0.5, 0.625), adjusted(1.0, 0.625)
    (0.5, 0.0, 1.0)
    """
    return min(1.0, max(0.0, (iia - chance) / (1 - chance))) if chance < 1 else 0.0


def indices(measured: Sequence[Measured], levels: Levels) -> Indices:
    """The indices of one network.

    Args:
        measured: The IIAs at its hidden sites, in order.
        levels: The chance levels, from `levels_of`.
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
    """The means of the indices over several networks, with intervals.

    Args:
        networks: For each network the IIAs at its hidden sites, in order.
        levels: The chance levels, from `levels_of`.
        seed: Seed of the resampling.
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
    hierarchy = _interval([one.hierarchy for one in own], [[draw.hierarchy for draw in draws] for draws in again])
    return Summary(
        hierarchy=Interval(hierarchy.value, max(hierarchy.low, 0.0), min(hierarchy.high, 1.0)),
        stage_gap=_interval(gaps, redrawn) if gaps else None,
        gaps=len(gaps),
        networks=len(own),
    )


def _interval(values: Sequence[float], redrawn: Sequence[Sequence[float]]) -> Interval:
    """A mean over networks with its interval; the draws of each network show how uncertain its value is."""
    return mean_interval(values, np.var(np.array(redrawn), axis=1, ddof=1).tolist())


def _again(one: Measured, generator: np.random.Generator) -> Measured:
    """The same site with resampled interventions (parametric bootstrap)."""

    def share(iia: float) -> float:
        return float(generator.binomial(one.count, iia) / one.count)

    output = None if one.output is None else share(one.output)
    return replace(one, variables={name: share(iia) for name, iia in one.variables.items()}, output=output)


def measured_in(site: str, used: UsedSubspaceResult, hypothesis: Hypothesis, levels: Levels) -> Measured:
    """The IIAs that the indices use, from the used subspace of one network at one site.

    They are those of the featurizer and size with the best validation IIA. If the used subspace has fewer directions
    than there are variables, the IIAs are the chance levels.

    Args:
        site: Name of the site.
        used: The used subspace, with the searches inside it.
        hypothesis: The hypothesis whose variables are measured.
        levels: The chance levels of its variables.
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
    """The size and the restart with the best validation IIA; the smallest size of several equal ones."""
    pairs = [(entry.size, entry.best) for entry in entries]
    return max(pairs, key=lambda pair: (pair[1].validation, -mean_size(pair[0])), default=None)
