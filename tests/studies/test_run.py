"""Runs of a study: what a folder holds afterwards, and what becomes of work that fails or is interrupted."""

import json
import os
import signal
import subprocess
import sys

import pytest
from tiny import TINY

from interlocus.alignment.alignment import Alignment
from interlocus.core.errors import RunFolderError
from interlocus.core.random import derived_generator
from interlocus.networks import MLP
from interlocus.studies.executors import Local
from interlocus.studies.plan import jobs
from interlocus.studies.run import Run, run_study
from interlocus.studies.spec.study import SCHEMA, Study

STUDY = Study.parse(TINY, "tiny")
TRIALS = [trial for job in jobs(STUDY) for trial in job.trials]


def test_every_trial_has_a_record_an_alignment_and_a_row_for_each_size(tiny_run):
    assert not tiny_run.missing
    assert not tiny_run.failures
    assert sorted(trial.name for trial in TRIALS) == tiny_run.store.records.names()
    assert len(tiny_run.table) == sum(len(job.trials) * len(job.sizes) for job in jobs(STUDY))
    assert all(tiny_run.store.alignment_path(trial.name).is_file() for trial in TRIALS)


def test_a_stored_alignment_belongs_to_a_stored_network(tiny_run):
    network = MLP.load(tiny_run.store.network_path("relu-01"))
    alignment = Alignment.load(tiny_run.store.alignment_path("relu-01.layer1.both.linear"), size=2)
    inputs, _ = STUDY.task.build().labelled_inputs(6, split="test", generator=derived_generator(0))
    assert alignment.intervene(network, inputs[:3], left=inputs[3:]).shape == (3, 2)


def test_an_untrained_group_is_not_trained(tiny_run):
    expected = MLP.untrained(STUDY.task.build(), hidden=(8, 8), activation="tanh", count=2, seed=STUDY.seed)[1]
    assert MLP.load(tiny_run.store.network_path("blank-01")).fingerprint() == expected.fingerprint()


def test_a_finished_run_is_read_again_without_work(tiny_run):
    before = {path: path.stat().st_mtime_ns for path in tiny_run.store.folder.rglob("*.json")}
    again = run_study(STUDY, tiny_run.store.folder)
    assert again.table == tiny_run.table
    assert {path: path.stat().st_mtime_ns for path in tiny_run.store.folder.rglob("*.json")} == before


def test_what_is_missing_is_searched_again_to_the_same_byte(tiny_run, tiny_folder):
    """Also with a network that has to be trained again."""
    scores = (tiny_folder / "scores.csv").read_bytes()
    lost = sorted((tiny_folder / "records").glob("*.json"))[3::4]
    for path in (*lost, tiny_folder / "networks" / "relu-00.safetensors", tiny_folder / "scores.csv"):
        path.unlink()
    assert len(Run.load(tiny_folder).missing) == len(lost)
    run_study(STUDY, tiny_folder)
    assert (tiny_folder / "scores.csv").read_bytes() == scores


def test_the_same_study_in_another_folder_gives_the_same_bytes(tiny_run, tmp_path):
    run = run_study(STUDY, tmp_path)
    assert run.store.scores.read_bytes() == tiny_run.store.scores.read_bytes()
    assert run.store.verdict.read_bytes() == tiny_run.store.verdict.read_bytes()


def test_a_record_that_was_cut_short_is_named(tiny_folder):
    path = min((tiny_folder / "records").glob("*.json"))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(RunFolderError, match=rf"{path.name}.*damaged.*Delete it and run the study again"):
        Run.load(tiny_folder)


def test_a_full_disk_gives_one_message_and_loses_nothing(tmp_path, monkeypatch):
    fsync, written = os.fsync, []

    def full(handle: int) -> None:
        written.append(handle)
        if len(written) > 12:
            raise OSError(28, "No space left on device")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunFolderError, match=r"No space left on device.*what is finished is kept"):
        run_study(STUDY, tmp_path)
    monkeypatch.undo()
    assert not list(tmp_path.rglob("*.partial"))
    assert list((tmp_path / "records").glob("*.json"))
    assert not run_study(STUDY, tmp_path).missing


def test_a_group_that_cannot_be_trained_is_listed_and_the_others_are_searched(tmp_path):
    run = run_study(STUDY.with_values(["networks.0.learning_rate=1e30"]), tmp_path)
    (failure,) = run.failures
    assert "learning rate" in str(failure.error)
    assert {name.split("-")[0] for name in failure.trials} == {"relu"}
    assert {row.group for row in run.table} == {"blank"}


def test_a_network_whose_activations_are_not_finite_fails_its_own_trials_only(tiny_folder):
    for path in (tiny_folder / "records").glob("relu-*.json"):
        path.unlink()
    path = tiny_folder / "networks" / "relu-01.safetensors"
    network = MLP.load(path)
    network.weights[0][:] = float("nan")
    network.save(path)
    run = run_study(STUDY, tiny_folder)
    assert run.failures
    assert {failure.error.found.split()[1] for failure in run.failures} == {"1"}
    assert {row.group for row in run.table} >= {"blank"}


KILLS = """
import os, signal
from pathlib import Path

replace = Path.replace

def kill_at_four(self, target):
    made, records = replace(self, target), Path(target).parent
    if records.name == "records" and len(list(records.glob("*.json"))) >= 4:
        os.killpg(0, signal.SIGKILL)
    return made

Path.replace = kill_at_four
"""
"""What Python runs first in every process of the run that will be killed."""


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on_to_the_same_scores(tiny_run, tmp_path):
    """Both of two workers get SIGKILL as soon as there are four records; then one worker finishes the run."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    (tmp_path / "sitecustomize.py").write_text(KILLS)
    command = [sys.executable, "-m", "interlocus", "study", str(tmp_path / "tiny.yaml"), "--out", str(tmp_path / "run")]
    records = tmp_path / "run" / "records"
    paths = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]
    killed = subprocess.run(
        [*command, "--workers", "2"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        start_new_session=True,
        check=False,
        stderr=subprocess.DEVNULL,
    )
    assert killed.returncode == -signal.SIGKILL
    assert 4 <= len(list(records.glob("*.json"))) < len(TRIALS)
    subprocess.run([*command, "--workers", "1"], check=True, capture_output=True)
    assert (tmp_path / "run" / "scores.csv").read_bytes() == tiny_run.store.scores.read_bytes()


@pytest.mark.slow
def test_two_workers_give_the_same_bytes_as_one(tiny_run, tmp_path):
    run = run_study(STUDY, tmp_path, executor=Local(workers=2))
    assert run.store.scores.read_bytes() == tiny_run.store.scores.read_bytes()


def test_records_are_plain_json(tiny_run):
    for path in (tiny_run.store.folder / "records").glob("*.json"):
        data = json.loads(path.read_text())
        assert data["schema"] == SCHEMA
        assert data["study"] == STUDY.fingerprint


def test_the_run_folder_holds_what_the_contract_says(tiny_run):
    held = {path.name for path in tiny_run.store.folder.iterdir()}
    assert {"study.yaml", "records", "alignments", "networks", "scores.csv", "verdict.json"} <= held
