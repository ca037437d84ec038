"""What workers do: each job takes values and returns values."""

from __future__ import annotations

import pickle

import pytest
import torch
from tiny import TINY

import interlocus as il
from interlocus.controls.nulls.random_directions import RandomDirections
from interlocus.controls.probes import ProbesControl, probe_accuracies
from interlocus.core.tensor_files import TensorFile
from interlocus.networks import MLP
from interlocus.studies.jobs import control_job, projection_job, search_job, train_networks
from interlocus.studies.plan import jobs
from interlocus.studies.records import StoredAlignment
from interlocus.studies.spec.study import Study

STUDY = Study.parse(TINY, "tiny")


@pytest.fixture
def shares() -> list[float]:
    return []


def networks_of(run: il.Run, group: str) -> tuple[TensorFile, ...]:
    (found,) = [entry for entry in run.study.networks if entry.name == group]
    return run.store.networks(found.networks)


def test_training_gives_the_content_of_a_file_for_each_network(shares, tiny_run, tmp_path):
    group = STUDY.networks[0]
    files = train_networks(STUDY, group, shares.append)
    assert len(files) == group.count
    for name, content in zip(group.networks, files, strict=True):
        assert content == tiny_run.store.network_path(name).read_bytes()
        (tmp_path / name).write_bytes(content)
        assert MLP.load(tmp_path / name).width("layer1") == 8
    assert shares == sorted(shares)


def test_a_search_gives_records_and_alignments_in_the_order_of_the_trials(shares, tiny_run):
    job = next(job for job in jobs(STUDY) if job.site == "layer1" and len(job.hypotheses) == 2)
    results = search_job(STUDY, job, networks_of(tiny_run, job.group.name), "cpu", None, shares.append)
    assert [result.record.trial for result in results] == list(job.trials)
    for result in results:
        stored = tiny_run.store.records.get(result.record.trial.name)
        assert result.record.sizes == stored.sizes
        assert result.alignments == tiny_run.store.alignment_path(result.record.trial.name).read_bytes()
    assert shares == sorted(shares)
    assert all(0 <= share <= 1 + 1e-9 for share in shares)


def test_results_can_be_pickled(tiny_run):
    job = jobs(STUDY)[0]
    results = search_job(STUDY, job, networks_of(tiny_run, job.group.name), "cpu", None, lambda share: None)
    assert pickle.loads(pickle.dumps(results)) == results


def test_validations_are_reported_with_the_names_of_networks(tiny_run):
    job, seen = jobs(STUDY)[0], []
    search_job(STUDY, job, networks_of(tiny_run, job.group.name), "cpu", seen.append, lambda share: None)
    assert {name for validation in seen for name in validation.networks} == set(job.group.networks)


def test_a_stored_alignment_is_loaded_without_its_file(tiny_run, tmp_path):
    path = tiny_run.store.alignment_path("relu-01.layer1.both.linear")
    copy = tmp_path / "alignments.safetensors"
    copy.write_bytes(path.read_bytes())
    stored = pickle.loads(pickle.dumps(StoredAlignment(file=TensorFile.at(copy), size=2)))
    copy.unlink()
    loaded, expected = stored.load(), il.Alignment.load(path, size=2)
    assert (loaded.site, loaded.size, loaded.network) == ("layer1", 2, expected.network)
    assert torch.equal(loaded.frames.read, expected.frames.read)


def test_controls_are_measured_with_the_searches_of_the_study(tiny_run):
    study, group = STUDY.with_values(["controls=[probes]"]), STUDY.networks[0]
    files = networks_of(tiny_run, group.name)
    competent = [True] * group.count
    results = control_job(study, group, "layer1", files, [None] * group.count, competent, "cpu", lambda share: None)
    records = [result.record for result in results]
    assert [(record.network, record.group, record.site) for record in records] == [
        (name, group.name, "layer1") for name in group.networks
    ]
    networks = MLP.stacked([MLP.load(tiny_run.store.network_path(name)) for name in group.networks])
    probes = probe_accuracies(networks, study.task.build(), hypothesis="both", site="layer1", seed=study.seed)
    assert [record.result(ProbesControl) for record in records] == probes
    assert all(record.result(RandomDirections) is not None for record in records)


def test_nothing_is_measured_in_a_network_that_does_not_solve_the_task(tiny_run):
    study, group = STUDY.with_values(["controls=[probes]"]), STUDY.networks[0]
    files, competent = networks_of(tiny_run, group.name), [number == 0 for number in range(group.count)]
    results = control_job(study, group, "layer1", files, [None] * group.count, competent, "cpu", lambda share: None)
    assert [result.record.network for result in results] == list(group.networks)
    assert [bool(result.record.results) for result in results] == competent


def test_a_projection_is_that_of_the_run(tiny_run):
    (stored,) = tiny_run.store.projections.all().values()
    projection = stored.variables[0]
    record = next(
        record
        for record in tiny_run.records
        if record.trial.name == f"{projection.network}.{projection.site}.both.{projection.map}"
    )
    alignment = StoredAlignment(
        file=TensorFile.at(tiny_run.store.alignment_path(record.trial.name)), size=projection.size
    )
    (network,) = tiny_run.store.networks((projection.network,))
    assert projection_job(STUDY, STUDY.networks[0], network, record, alignment, lambda share: None) == stored
