"""A study held against what there is, before anything is spent."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from interlocus.alignment.dimensions import check_size_fits, features_of
from interlocus.causal.interventions import check_sampling
from interlocus.core.errors import SpecificationError, UnknownNameError
from interlocus.core.plugins import FEATURIZERS, LOSSES
from interlocus.featurizers import check_width
from interlocus.searches.budget import check_phases
from interlocus.searches.starts import AbstractStart, find_start
from interlocus.studies.spec.parsing import no_twins
from interlocus.studies.spec.searches import SearchSpec
from interlocus.tasks import AbstractTask

if TYPE_CHECKING:
    from interlocus.studies.spec.study import Study


def check_study(study: Study) -> None:
    """Hold names and sizes of a study against its task and its networks; see `Study.check`."""
    task = study.task.build()
    study.verdict.check()
    if study.reuse:
        places = study.reused, study.reuse.site
        study.reuse.check(task.hypothesis(study.reused), study.sizes_of(*places), study.featurizers_of(*places))
    for rival in study.rivals:
        task.hypothesis(rival)
    begin: dict[str, list[AbstractStart]] = {}
    for schedule in study.schedules:
        check_phases(study.phases_of(schedule))
        starts = [find_start(start) for start in study.starts_of(schedule)]
        begin[schedule] = starts
        no_twins("start", [start.name for start in starts])
        for phase in study.phases_of(schedule):
            LOSSES.get(phase.loss)
    there = {group.name: group.sites(task) for group in study.networks}
    known = list(dict.fromkeys(site for sites in there.values() for site in sites))
    for site in (*study.sites, *(site for search in study.searches for site in search.sites)):
        if site not in known:
            raise UnknownNameError("site", site, known, "the networks of this study")
        for sites in there.values():
            for search in study.searches:
                if site in sites and search.at(site):
                    _check_search(study, search, task, site, sites[site], begin[search.schedule])


def _check_search(
    study: Study, search: SearchSpec, task: AbstractTask, site: str, width: int, starts: Sequence[AbstractStart]
) -> None:
    featurizers = [FEATURIZERS.get(featurizer)() for featurizer in search.featurizers]
    for featurizer in featurizers:
        check_width(featurizer, site, width)
    for name in search.hypotheses:
        sought = task.hypothesis(name).variables
        phases = study.phases_of(search.schedule)
        for phase in phases:
            check_sampling(task.hypothesis(name), phase.sampling)
        if any(phase.sampling == "minimal_pairs" for phase in phases) and not task.has_partners(sought):
            raise SpecificationError(
                f"Minimal pairs are asked for, and the task has none for {', '.join(sought)}.",
                "They need inputs in which only one variable differs.",
                f"Leave {name!r} out, or use another sampling.",
            )
        sizes = search.sizes_for(task.hypothesis(name))
        no_twins("size", list(map(str, sizes)))
        for size, featurizer in itertools.product(sizes, featurizers):
            about = f"{name!r} at {site!r}"
            check_size_fits(size, sought, where=about, width=width, overlapping=featurizer.overlapping)
        for size, start in itertools.product(sizes, starts):
            start.check(width, features_of(size, len(sought)))
