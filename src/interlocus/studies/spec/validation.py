"""Check a study against its task and its networks before any work is done."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from interlocus.alignment.dimensions import check_size_fits, features_of
from interlocus.causal.interventions import check_sampling
from interlocus.controls.criteria import Thresholds
from interlocus.core.errors import SpecificationError, UnknownNameError
from interlocus.core.plugins import FEATURIZERS, LOSSES
from interlocus.featurizers import check_width
from interlocus.searches.budget import Phase, check_phases
from interlocus.searches.starts import AbstractStart, find_start
from interlocus.studies.spec.networks import NetworkGroup, TaskSpec
from interlocus.studies.spec.parsing import check_unique
from interlocus.studies.spec.reuse import ReuseSpec
from interlocus.studies.spec.searches import SearchSpec
from interlocus.tasks import AbstractTask


@runtime_checkable
class CheckableStudy(Protocol):
    """The parts of a study that are checked; see `Study` for what they mean."""

    @property
    def task(self) -> TaskSpec: ...
    @property
    def networks(self) -> tuple[NetworkGroup, ...]: ...
    @property
    def sites(self) -> tuple[str, ...]: ...
    @property
    def searches(self) -> tuple[SearchSpec, ...]: ...
    @property
    def rivals(self) -> tuple[str, ...]: ...
    @property
    def verdict(self) -> Thresholds: ...
    @property
    def reuse(self) -> ReuseSpec | None: ...
    @property
    def reused(self) -> str: ...
    @property
    def schedules(self) -> tuple[str, ...]: ...
    def starts_of(self, schedule: str) -> Mapping[str, int]: ...
    def phases_of(self, schedule: str) -> tuple[Phase, ...]: ...
    def sizes_of(self, hypothesis: str, site: str) -> tuple[int, ...]: ...
    def featurizers_of(self, hypothesis: str, site: str) -> tuple[str, ...]: ...


def check_study(study: CheckableStudy) -> None:
    """Check the names and sizes of a study against its task and its networks; see `Study.check`.

    Args:
        study: The study, whose keys were read already.
    """
    task = study.task.build()
    study.verdict.check()
    if study.reuse:
        sizes = study.sizes_of(study.reused, study.reuse.site)
        featurizers = study.featurizers_of(study.reused, study.reuse.site)
        study.reuse.check(task.hypothesis(study.reused), sizes, featurizers)
    for rival in study.rivals:
        task.hypothesis(rival)
    starts = {schedule: _check_schedule(study, schedule) for schedule in study.schedules}
    sites_of_groups = [group.sites(task) for group in study.networks]
    known = list(dict.fromkeys(site for sites in sites_of_groups for site in sites))
    for site in (*study.sites, *(site for search in study.searches for site in search.sites)):
        if site not in known:
            raise UnknownNameError("site", site, known, "the networks of this study")
        for sites in sites_of_groups:
            for search in study.searches:
                if site in sites and search.at(site):
                    _check_search(task, search, study.phases_of(search.schedule))
                    _check_sizes(task, search, site, sites[site], starts[search.schedule])


def _check_schedule(study: CheckableStudy, schedule: str) -> list[AbstractStart]:
    """Check the starts and phases of a schedule; returns the starts."""
    check_phases(study.phases_of(schedule))
    starts = [find_start(start) for start in study.starts_of(schedule)]
    check_unique("start", [start.name for start in starts])
    for phase in study.phases_of(schedule):
        LOSSES.get(phase.loss)
    return starts


def _check_search(task: AbstractTask, search: SearchSpec, phases: Sequence[Phase]) -> None:
    """Check that the task has the hypotheses of a search, and the examples that its phases need."""
    for name in search.hypotheses:
        hypothesis = task.hypothesis(name)
        for phase in phases:
            check_sampling(hypothesis, phase.sampling)
        needs_pairs = any(phase.sampling == "minimal_pairs" for phase in phases)
        if needs_pairs and not task.has_partners(hypothesis.variables):
            raise SpecificationError(
                f"A phase samples minimal pairs, and the task has none for {', '.join(hypothesis.variables)}.",
                "A minimal pair is two inputs that differ in one variable only.",
                f"Use another sampling, or leave the hypothesis {name!r} out.",
            )


def _check_sizes(
    task: AbstractTask, search: SearchSpec, site: str, width: int, starts: Sequence[AbstractStart]
) -> None:
    """Check that the sizes of a search fit a site."""
    featurizers = [FEATURIZERS.get(featurizer)() for featurizer in search.featurizers]
    for featurizer in featurizers:
        check_width(featurizer, site, width)
    for name in search.hypotheses:
        variables = task.hypothesis(name).variables
        sizes = search.sizes_for(task.hypothesis(name))
        check_unique("size", list(map(str, sizes)))
        for size, featurizer in itertools.product(sizes, featurizers):
            place = f"{name!r} at {site!r}"
            check_size_fits(size, variables, where=place, width=width, overlapping=featurizer.overlapping)
        for size, start in itertools.product(sizes, starts):
            start.check(width, features_of(size, len(variables)))
