"""From a study to the work that it takes: which trials there are, and which are searched together."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from interlocus.family import Family
from interlocus.registry import FEATURIZERS
from interlocus.search_spec import SearchSpec
from interlocus.size import Size, features_of
from interlocus.study import Study

WARPED = 70.0
"""So much dearer than a rotation is a step of a map that is not linear (six blocks of 64 units; docs/adr/0004)."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One network, site, hypothesis, featurizer and schedule: the unit that is recorded.

    A schedule is named where searches do not begin and go on as in the rest of the study.
    """

    family: str
    network: str
    site: str
    hypothesis: str
    featurizer: str
    schedule: str = ""

    @property
    def name(self) -> str:
        """The name of its record."""
        end = f".{self.schedule}" if self.schedule else ""
        return f"{self.network}.{self.site}.{self.hypothesis}.{self.featurizer}{end}"


@dataclass(frozen=True, kw_only=True)
class Job:
    """Trials that are searched together: all networks of a family at a site, for hypotheses of equally many variables.

    A job depends on the study alone. If one of its trials is missing from a run folder, all are searched again, so a
    resumed run computes what an undisturbed one does.
    """

    family: Family
    site: str
    hypotheses: tuple[str, ...]
    sizes: tuple[Size, ...]
    featurizer: str
    schedule: str = ""

    @property
    def trials(self) -> tuple[Trial, ...]:
        """Its trials: hypotheses of the first network, then of the second, and so on."""
        return tuple(
            Trial(
                family=self.family.name,
                network=network,
                site=self.site,
                hypothesis=hypothesis,
                featurizer=self.featurizer,
                schedule=self.schedule,
            )
            for network in self.family.networks
            for hypothesis in self.hypotheses
        )

    def searches(self, study: Study) -> int:
        """How many searches these are."""
        return len(self.trials) * len(self.sizes) * sum(study.starts_of(self.schedule).values())

    def cost(self, study: Study) -> float:
        """Floating-point operations if no search retires early; a rough measure for planning."""
        task, kind = study.task.build(), self.family.kind
        width = kind.sites(task)[self.site]
        variables = len(task.hypothesis(self.hypotheses[0]).variables)
        most = max(max(features_of(size, variables)) for size in self.sizes)
        exchange = 4 * variables * most * width
        steps = sum(phase.steps for phase in study.phases_of(self.schedule))
        behind = kind.flops_behind(task, self.site)
        dearer = 1.0 if FEATURIZERS.get(self.featurizer)().linear else WARPED
        return 3.0 * dearer * self.searches(study) * steps * study.budget.batch * (exchange + behind)


def jobs(study: Study) -> tuple[Job, ...]:
    """All work of a study, in the order of its tables."""
    task = study.task.build()

    def variables(name: str) -> int:
        return len(task.hypothesis(name).variables)

    def parts(search: SearchSpec) -> list[tuple[tuple[str, ...], tuple[Size, ...]]]:
        ordered = sorted(search.hypotheses, key=variables)
        if all(isinstance(size, int) for size in search.sizes):
            together = [tuple(group) for _, group in groupby(ordered, key=variables)]
        else:  # an unequal size is in the order of a hypothesis' own variables
            together = [(name,) for name in ordered]
        return [(names, search.sizes_for(task.hypothesis(names[0]))) for names in together]

    return tuple(
        Job(
            family=family,
            site=site,
            hypotheses=hypotheses,
            sizes=sizes,
            featurizer=featurizer,
            schedule=search.schedule,
        )
        for family in study.families
        for site in study.sites
        if site in family.sites(task)
        for search in study.searches
        if search.at(site)
        for featurizer in search.featurizers
        for hypotheses, sizes in parts(search)
    )
