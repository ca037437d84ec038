"""From a study to the work that it takes: which trials there are, and which are searched together."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import groupby

import torch

from interlocus.alignment.dimensions import Size, features_of
from interlocus.core.plugins import FEATURIZERS
from interlocus.core.threads import one_thread
from interlocus.studies.spec.networks import NetworkGroup
from interlocus.studies.spec.searches import SearchSpec
from interlocus.studies.spec.study import Study

NONLINEAR_COST_FACTOR = 70.0
"""So much dearer than a rotation is a step of a map that is not linear (six blocks of 64 units; docs/adr/0004)."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One network, site, hypothesis, featurizer and schedule: the unit that is recorded.

    A schedule is named where searches do not begin and go on as in the rest of the study.
    """

    group: str
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

    group: NetworkGroup
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
                group=self.group.name,
                network=network,
                site=self.site,
                hypothesis=hypothesis,
                featurizer=self.featurizer,
                schedule=self.schedule,
            )
            for network in self.group.networks
            for hypothesis in self.hypotheses
        )

    def searches(self, study: Study) -> int:
        """How many searches these are."""
        return len(self.trials) * len(self.sizes) * sum(study.starts_of(self.schedule).values())

    def cost(self, study: Study) -> float:
        """Floating-point operations if no search retires early; a rough measure for planning."""
        task, kind = study.task.build(), self.group.source
        width = kind.sites(task)[self.site]
        variables = len(task.hypothesis(self.hypotheses[0]).variables)
        most = max(max(features_of(size, variables)) for size in self.sizes)
        exchange = 4 * variables * most * width
        steps = sum(phase.steps for phase in study.phases_of(self.schedule))
        behind = kind.flops_after(task, self.site)
        dearer = 1.0 if FEATURIZERS.get(self.featurizer)().linear else NONLINEAR_COST_FACTOR
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
            group=group,
            site=site,
            hypotheses=hypotheses,
            sizes=sizes,
            featurizer=featurizer,
            schedule=search.schedule,
        )
        for group in study.networks
        for site in study.sites
        if site in group.sites(task)
        for search in study.searches
        if search.at(site)
        for featurizer in search.featurizers
        for hypotheses, sizes in parts(search)
    )


def reused_trial(study: Study, group: NetworkGroup, network: str) -> Trial:
    """The trial whose alignment a study asks a new question about, for one network."""
    assert study.reuse is not None
    return Trial(
        group=group.name,
        network=network,
        site=study.reuse.site,
        hypothesis=study.reused,
        featurizer=study.reuse.featurizer,
    )


SEARCH_SHARE = 0.35
"""Of the rate of a bare product, what a search reaches in all (measured; see docs/LOG.md)."""

TRAIN_SHARE = 0.35

RETIRED = 0.6
"""The share of the steps that is made before searches retire (measured on the default study)."""

START_SECONDS = 4.0


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What a study will cost.

    Args:
        networks: how many are made.
        trials: how many records there will be.
        searches: how many searches.
        training_seconds: for the networks.
        searching_seconds: for the searches.
    """

    networks: int
    trials: int
    searches: int
    training_seconds: float
    searching_seconds: float

    @property
    def seconds(self) -> float:
        """All in all."""
        return START_SECONDS + self.training_seconds + self.searching_seconds


def forecast(study: Study, *, workers: int) -> Forecast:
    """Count the work of a study, and measure for a moment how fast this machine is."""
    work, rate = jobs(study), _rate()
    task = study.task.build()
    train = [f.count * f.source.flops_of_training(task) for f in study.networks if f.trained]
    spread = max(sum(train) / workers, max(train, default=0.0))
    return Forecast(
        networks=sum(group.count for group in study.networks),
        trials=sum(len(job.trials) for job in work),
        searches=sum(job.searches(study) for job in work),
        training_seconds=spread / (rate * TRAIN_SHARE),
        searching_seconds=RETIRED * sum(job.cost(study) for job in work) / (rate * SEARCH_SHARE * workers),
    )


def _rate(seconds: float = 0.1) -> float:
    """Floating-point operations a second of batched products of the size that searches need, on one core."""
    left, right, out = torch.ones(60, 16, 16), torch.ones(60, 16, 512), torch.empty(60, 16, 512)
    with one_thread():
        torch.bmm(left, right, out=out)
        begun, rounds = time.perf_counter(), 0
        while time.perf_counter() - begun < seconds:
            torch.bmm(left, right, out=out)
            rounds += 1
    return rounds * 2.0 * 60 * 16 * 16 * 512 / (time.perf_counter() - begun)
