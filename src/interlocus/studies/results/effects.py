"""From the records of one network at one site to effects: what the searches found, in the full state and inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

from interlocus.controls.cell_means import CellMeansControl, read_as
from interlocus.controls.criteria import Effect, Thresholds
from interlocus.controls.nulls.random_directions import RandomDirections, level_at
from interlocus.controls.operand_leakage import OperandLeakageControl, with_leakage
from interlocus.controls.partial_cases import PartialCasesControl
from interlocus.controls.record import ControlRecord
from interlocus.controls.used.search import OUTPUT
from interlocus.controls.used_subspace import UsedSubspaceControl
from interlocus.core.statistics import clopper_pearson
from interlocus.searches.results import Restarts
from interlocus.verdicts.observation import UsedSubspaceEvidence


def searches_inside(control: ControlRecord | None) -> int:
    """Number of scores inside the used subspace of a site: of the hypothesis, its rivals and the output.

    Args:
        control: The controls of one network at the site; `None` if there are none.
    """
    used = control.result(UsedSubspaceControl) if control else None
    if used is None:
        return 0
    return sum(len(entries) for name in used.found for entries in used.restarts_of(name).values())


def used_evidence(
    control: ControlRecord | None, hypothesis: str, variable: str, comparisons: int
) -> UsedSubspaceEvidence | None:
    """What was measured inside the used subspace of a site; `None` if nothing was.

    Args:
        control: The controls of one network at the site; `None` if there are none.
        hypothesis: Name of the hypothesis that was searched there.
        variable: Name of one of its variables.
        comparisons: Number of scores among which one may be chosen, at least 1.
    """
    used = control.result(UsedSubspaceControl) if control else None
    if control is None or used is None:
        return None
    output = {
        restarts.size: clopper_pearson(restarts.best.score.hits, restarts.best.score.count, comparisons=comparisons)[0]
        for entries in used.restarts_of(OUTPUT).values()
        for restarts in entries
    }
    return UsedSubspaceEvidence(
        rank=used.rank,
        width=used.width,
        agreement=used.agreement,
        effects=effects_inside(control, hypothesis, variable, comparisons),
        output=output,
        changed=used.changed,
        natural=used.natural,
        natural_inside=used.natural_inside,
    )


class ByCellMeans(TypedDict, total=False):
    """Fields of a `SiteObservation` that come from cell means."""

    kept_by_values: float | None
    read_as: str | None


def by_cell_means(control: ControlRecord | None, thresholds: Thresholds) -> ByCellMeans:
    """What cell means say of a site.

    Args:
        control: The controls of one network at the site; `None` if there are none.
        thresholds: The study's thresholds, of which `values_suffice` is used.
    """
    result = control.result(CellMeansControl) if control else None
    if result is None:
        return ByCellMeans()
    coarsest = read_as(result, thresholds.values_suffice)
    return ByCellMeans(kept_by_values=result.kept_by_values, read_as=None if coarsest == result.joint else coarsest)


def cases_of(control: ControlRecord | None, variable: str) -> str:
    """In which cases an exchange of a variable works, as a sentence; empty where it was not measured.

    Args:
        control: The controls of one network at the site; `None` if there are none.
        variable: Name of the variable.
    """
    result = control.result(PartialCasesControl) if control else None
    return result[variable].text if result and variable in result else ""


def effects_inside(control: ControlRecord, hypothesis: str, variable: str, comparisons: int) -> tuple[Effect, ...]:
    """The effects of the searches inside the used subspace, with their operand leakage; empty if it was not searched.

    Args:
        control: The controls of one network at one site.
        hypothesis: Name of the hypothesis that was searched there.
        variable: Name of one of its variables.
        comparisons: Number of scores among which one may be chosen, at least 1.
    """
    used = control.result(UsedSubspaceControl)
    if used is None:
        return ()
    leakage = (control.result(OperandLeakageControl) or {}).get(variable, {})
    return tuple(
        with_leakage(effect, leakage.get(effect.featurizer, {}).get(effect.size))
        for effect in effects_of(used.restarts_of(hypothesis), variable, comparisons, control, used.width)
    )


def effects_of(
    maps: Mapping[str, Sequence[Restarts]],
    variable: str,
    comparisons: int,
    control: ControlRecord | None,
    width: int,
) -> tuple[Effect, ...]:
    """One effect for each featurizer and size, with the level of random directions of that size.

    Args:
        maps: For each featurizer the restarts of every size.
        variable: Name of the variable that the effects are about.
        comparisons: Number of scores among which one may be chosen, at least 1.
        control: The controls of the network at the site; `None` if there are none.
        width: Width of the site, also for effects inside the used subspace.
    """
    levels = control.result(RandomDirections) if control else None
    return tuple(
        Effect.from_score(
            entry.best.score,
            variable,
            featurizer=name,
            size=entry.size,
            comparisons=comparisons,
            width=width,
            random_directions=level_at(levels, entry.size),
        )
        for name, entries in maps.items()
        for entry in entries
    )
