"""The plan of a study: which trials it has, and which of them are searched together."""

from __future__ import annotations

import itertools

import pytest

from interlocus.cli.list_plugins import shipped_studies
from interlocus.studies.plan import jobs
from interlocus.studies.spec.study import Study

MIXED = """
networks:
  - {name: relu, count: 3}
  - {name: wide, hidden: [32], count: 2}
sites: [input, layer1]
searches:
  - {hypotheses: [left, both, right, symmetric], sizes: [1, 2, 4], featurizers: [rotation, linear]}
  - {hypotheses: [both], sizes: [8], featurizers: [identity]}
starts: {random: 4, covariance: 1}
phases: [{steps: 100}, {loss: bounded, steps: 50}]
"""
STUDIES = {name: Study.load(name) for name in shipped_studies()} | {"mixed": Study.parse(MIXED, "mixed")}


@pytest.fixture(params=list(STUDIES))
def study(request) -> Study:
    return STUDIES[request.param]


def trials_of(study: Study) -> list[tuple[str, str, str, str, str, str, tuple[int, ...]]]:
    """Every trial of the study with its sizes, by the simplest loop."""
    return [
        (group.name, network, site, hypothesis, featurizer, search.schedule, search.sizes)
        for group, site, search in itertools.product(study.networks, study.sites, study.searches)
        if site in group.sites(study.task.build()) and search.at(site)
        for network, hypothesis, featurizer in itertools.product(group.networks, search.hypotheses, search.featurizers)
    ]


def test_jobs_cover_each_trial_exactly_once(study):
    planned = [
        (trial.group, trial.network, trial.site, trial.hypothesis, trial.featurizer, trial.schedule, job.sizes)
        for job in jobs(study)
        for trial in job.trials
    ]
    assert sorted(planned) == sorted(trials_of(study))


def test_names_of_trials_are_unique(study):
    names = [trial.name for job in jobs(study) for trial in job.trials]
    assert len(set(names)) == len(names)


def test_trials_of_a_job_differ_in_network_and_hypothesis_only(study):
    task = study.task.build()
    for job in jobs(study):
        assert {(trial.group, trial.site, trial.featurizer, trial.schedule) for trial in job.trials} == {
            (job.group.name, job.site, job.featurizer, job.schedule)
        }
        assert len({len(task.hypothesis(name).variables) for name in job.hypotheses}) == 1


def test_trials_stand_hypothesis_by_hypothesis_for_each_network(study):
    for job in jobs(study):
        order = [(trial.network, trial.hypothesis) for trial in job.trials]
        assert order == list(itertools.product(job.group.networks, job.hypotheses))


def test_each_trial_is_searched_for_each_size_and_start(study):
    expected = sum(len(sizes) * sum(study.starts_of(schedule).values()) for *_, schedule, sizes in trials_of(study))
    assert sum(job.searches(study) for job in jobs(study)) == expected


def test_hypotheses_with_different_numbers_of_variables_are_not_searched_together():
    together = {job.hypotheses for job in jobs(STUDIES["mixed"])}
    assert together == {("left", "right"), ("both", "symmetric"), ("both",)}


def test_a_plan_is_the_same_every_time(study):
    assert jobs(study) == jobs(study)


def test_more_work_costs_more(study):
    cost = sum(job.cost(study) for job in jobs(study))
    assert cost > 0
    own = [search.model_copy(update={"phases": search.phases * 2}) for search in study.searches]
    longer = study.model_copy(update={"phases": study.phases * 2, "searches": tuple(own)})
    assert sum(job.cost(longer) for job in jobs(longer)) == pytest.approx(2 * cost)
    own = [
        search.model_copy(update={"starts": {name: 2 * count for name, count in search.starts.items()}})
        for search in study.searches
    ]
    doubled = {name: 2 * count for name, count in study.starts.items()}
    twice = study.model_copy(update={"starts": doubled, "searches": tuple(own)})
    assert sum(job.cost(twice) for job in jobs(twice)) == pytest.approx(2 * cost)
    bigger = study.with_values([f"budget.batch={2 * study.budget.batch}"])
    assert sum(job.cost(bigger) for job in jobs(bigger)) == pytest.approx(2 * cost)
