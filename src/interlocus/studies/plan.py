"""From a study to its work: the trials, the jobs that search some of them together, and a forecast of the cost."""

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
"""Cost of one step of a non-linear map, relative to a rotation (six blocks of 64 units; docs/adr/0004)."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One network, site, hypothesis, featurizer and schedule: the unit that is recorded.

    Args:
        group: Name of the network group.
        network: Name of the network.
        site: Name of the site.
        hypothesis: Name of the hypothesis.
        featurizer: Name of the featurizer.
        schedule: Name of the schedule; empty for the starts and phases of the study itself.
    """

    group: str
    network: str
    site: str
    hypothesis: str
    featurizer: str
    schedule: str = ""

    @property
    def name(self) -> str:
        """Name of the trial's record and alignments in a run folder."""
        end = f".{self.schedule}" if self.schedule else ""
        return f"{self.network}.{self.site}.{self.hypothesis}.{self.featurizer}{end}"


@dataclass(frozen=True, kw_only=True)
class Job:
    """Trials that are searched together: all networks of a group at a site, for hypotheses with as many variables.

    A job depends on the study alone. If one of its trials is missing from a run folder, all are searched again, so a
    resumed run gives the same records as a run without a stop.

    Args:
        group: The network group that is searched.
        site: Name of the site.
        hypotheses: Names of hypotheses with the same number of variables.
        sizes: Numbers of features per variable, from small to large.
        featurizer: Name of the featurizer.
        schedule: Name of the schedule; empty for the starts and phases of the study itself.
    """

    group: NetworkGroup
    site: str
    hypotheses: tuple[str, ...]
    sizes: tuple[Size, ...]
    featurizer: str
    schedule: str = ""

    @property
    def trials(self) -> tuple[Trial, ...]:
        """The trials: all hypotheses of the first network, then of the second, and so on."""
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
        """The number of searches: trials × sizes × restarts.

        Args:
            study: The study, for the restarts of the schedule.
        """
        return len(self.trials) * len(self.sizes) * sum(study.starts_of(self.schedule).values())

    def cost(self, study: Study) -> float:
        """Rough number of floating-point operations if no search retires early.

        Args:
            study: The study, for its task, phases and budget.
        """
        task, source = study.task.build(), self.group.source
        width = source.sites(task)[self.site]
        variables = len(task.hypothesis(self.hypotheses[0]).variables)
        largest = max(max(features_of(size, variables)) for size in self.sizes)
        exchange = 4 * variables * largest * width
        steps = sum(phase.steps for phase in study.phases_of(self.schedule))
        after_site = source.flops_after(task, self.site)
        factor = 1.0 if FEATURIZERS.get(self.featurizer)().linear else NONLINEAR_COST_FACTOR
        return 3.0 * factor * self.searches(study) * steps * study.budget.batch * (exchange + after_site)


def jobs(study: Study) -> tuple[Job, ...]:
    """All jobs of a study, in the order of its tables.

    Args:
        study: A study that passed its checks.
    """
    task = study.task.build()

    def variables(name: str) -> int:
        return len(task.hypothesis(name).variables)

    def parts(search: SearchSpec) -> list[tuple[tuple[str, ...], tuple[Size, ...]]]:
        ordered = sorted(search.hypotheses, key=variables)
        if all(isinstance(size, int) for size in search.sizes):
            together = [tuple(group) for _, group in groupby(ordered, key=variables)]
        else:  # a size that differs between variables belongs to the variables of one hypothesis
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
    """The trial whose alignment is re-used to answer a study's new question, for one network.

    Args:
        study: A study with `reuse`.
        group: The group of the network.
        network: Name of the network.
    """
    assert study.reuse is not None
    return Trial(
        group=group.name,
        network=network,
        site=study.reuse.site,
        hypothesis=study.reused,
        featurizer=study.reuse.featurizer,
    )


SEARCH_SHARE = 0.35
"""Operations per second of a search, as a share of those of a matrix product alone (measured; docs/LOG.md)."""

TRAIN_SHARE = 0.35
"""The same share for the training of networks."""

RETIRED = 0.6
"""Share of all steps that are made, since searches retire early (measured on the default study)."""

START_SECONDS = 4.0
"""Seconds until the first job runs."""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """The expected cost of a study, without its controls.

    Args:
        networks: Number of networks, trained and untrained.
        trials: Number of trials, one record each.
        searches: Number of searches: trials × sizes × restarts.
        training_seconds: Expected seconds to train the networks.
        searching_seconds: Expected seconds of all searches.
    """

    networks: int
    trials: int
    searches: int
    training_seconds: float
    searching_seconds: float

    @property
    def seconds(self) -> float:
        """Expected seconds in all, with the time to start."""
        return START_SECONDS + self.training_seconds + self.searching_seconds


def forecast(study: Study, *, workers: int) -> Forecast:
    """Count the work of a study, and divide it by the speed of this machine, which is measured for 0.1 s.

    Args:
        study: A study that passed its checks.
        workers: Number of processes that share the work, 1 or more.
    """
    work, rate = jobs(study), _rate()
    task = study.task.build()
    train = [group.count * group.source.flops_of_training(task) for group in study.networks if group.trained]
    spread = max(sum(train) / workers, max(train, default=0.0))
    return Forecast(
        networks=sum(group.count for group in study.networks),
        trials=sum(len(job.trials) for job in work),
        searches=sum(job.searches(study) for job in work),
        training_seconds=spread / (rate * TRAIN_SHARE),
        searching_seconds=RETIRED * sum(job.cost(study) for job in work) / (rate * SEARCH_SHARE * workers),
    )


def _rate(seconds: float = 0.1) -> float:
    """Floating-point operations per second of batched matrix products of the size of a search, on one core."""
    left, right, out = torch.ones(60, 16, 16), torch.ones(60, 16, 512), torch.empty(60, 16, 512)
    with one_thread():
        torch.bmm(left, right, out=out)
        begun, rounds = time.perf_counter(), 0
        while time.perf_counter() - begun < seconds:
            torch.bmm(left, right, out=out)
            rounds += 1
    return rounds * 2.0 * 60 * 16 * 16 * 512 / (time.perf_counter() - begun)
