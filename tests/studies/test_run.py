import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny import TINY

from interlocus.alignment.alignment import Alignment
from interlocus.core.errors import RunFolderError
from interlocus.networks import MLP
from interlocus.studies.executors import Local
from interlocus.studies.plan import jobs
from interlocus.studies.run import Run, run_study
from interlocus.studies.spec.study import Study

STUDY = Study.parse(TINY, "tiny")


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Run:
    return run_study(STUDY, tmp_path_factory.mktemp("runs") / "tiny")


def test_every_trial_has_a_record_an_alignment_and_a_row_a_size(finished):
    trials = [trial for job in jobs(STUDY) for trial in job.trials]
    assert not finished.missing
    assert len({trial.name for trial in trials}) == len(trials) == len(list(finished.store.records()))
    assert len(finished.table) == sum(len(job.trials) * len(job.sizes) for job in jobs(STUDY))
    for trial in trials:
        assert (finished.store.folder / "alignments" / f"{trial.name}.safetensors").is_file()


def test_a_stored_alignment_belongs_to_a_stored_network(finished):
    network = MLP.load(finished.store.network_path("relu-01"))
    found = Alignment.load(finished.store.folder / "alignments" / "relu-01.layer1.both.linear.safetensors", size=2)
    inputs = STUDY.task.build().encode(
        STUDY.task.build().sample(6, split="test", generator=__import__("torch").Generator().manual_seed(0))
    )
    assert found.intervene(network, inputs[:3], left=inputs[3:]).shape == (3, 2)


def test_an_untrained_family_is_not_trained(finished):
    task = STUDY.task.build()
    wanted = MLP.untrained(task, hidden=(8, 8), activation="tanh", count=2, seed=STUDY.seed)[1]
    assert MLP.load(finished.store.network_path("blank-01")).fingerprint() == wanted.fingerprint()


def test_a_finished_run_is_read_again_without_work(finished):
    before = {path: path.stat().st_mtime_ns for path in finished.store.folder.rglob("*.json")}
    again = run_study(STUDY, finished.store.folder)
    assert again.table == finished.table
    assert {path: path.stat().st_mtime_ns for path in finished.store.folder.rglob("*.json")} == before


def test_what_is_missing_is_searched_again_to_the_same_byte(finished, tmp_path):
    run_study(STUDY, tmp_path)
    whole = (tmp_path / "scores.csv").read_bytes()
    assert whole == finished.store.scores.read_bytes()
    lost = sorted((tmp_path / "records").glob("*.json"))[3::4]
    for path in lost:
        path.unlink()
    (tmp_path / "networks" / "relu-00.safetensors").unlink()
    assert len(Run.load(tmp_path).missing) == len(lost)
    run_study(STUDY, tmp_path)
    assert (tmp_path / "scores.csv").read_bytes() == whole


def test_another_study_is_kept_out(finished):
    with pytest.raises(RunFolderError, match="seed is 0 there and 1 here"):
        run_study(STUDY.with_values(["seed=1"]), finished.store.folder)


def test_a_truncated_record_is_named(finished, tmp_path):
    run_study(STUDY, tmp_path)
    path = sorted((tmp_path / "records").glob("*.json"))[0]
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(RunFolderError, match=r"damaged.*Delete it and run the study again"):
        Run.load(tmp_path)


def test_a_folder_that_is_none_is_named(tmp_path):
    with pytest.raises(RunFolderError, match="no run folder"):
        Run.load(tmp_path)


def test_a_full_disk_is_one_message_and_loses_nothing(tmp_path, monkeypatch):
    real, written = os.fsync, []

    def full(handle: int) -> None:
        written.append(handle)
        if len(written) > 12:
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunFolderError, match=r"No space left on device.*what is finished is kept"):
        run_study(STUDY, tmp_path)
    monkeypatch.undo()
    assert not list(tmp_path.rglob("*.partial"))
    assert list((tmp_path / "records").glob("*.json"))
    assert not run_study(STUDY, tmp_path).missing


def test_a_family_that_fails_is_listed_and_the_others_go_on(tmp_path):
    study = STUDY.with_values(["networks.0.learning_rate=1e30"])
    run = run_study(study, tmp_path)
    assert len(run.failures) == 1
    assert "learning rate" in str(run.failures[0].error)
    assert all(name.startswith("relu-") for name in run.failures[0].trials)
    assert {row.group for row in run.table} == {"blank"}


def test_a_network_with_activations_that_are_no_numbers_fails_its_trials_only(finished, tmp_path):
    run_study(STUDY, tmp_path)
    for path in (tmp_path / "records").glob("relu-*.json"):
        path.unlink()
    network = MLP.load(tmp_path / "networks" / "relu-01.safetensors")
    network.weights[0][:] = float("nan")
    network.save(tmp_path / "networks" / "relu-01.safetensors")
    run = run_study(STUDY, tmp_path)
    assert run.failures
    assert {failure.error.found.split()[1] for failure in run.failures} == {"1"}
    assert {row.group for row in run.table} >= {"blank"}


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on_to_the_same_scores(finished, tmp_path):
    """SIGKILL half-way, with two workers; then the same line again, with one."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    line = [sys.executable, "-m", "interlocus", "study", str(tmp_path / "tiny.yaml"), "--out", str(tmp_path / "run")]
    records = tmp_path / "run" / "records"
    process = subprocess.Popen([*line, "--workers", "2"], start_new_session=True, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(list(records.glob("*.json"))) < 4 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert 0 < len(list(records.glob("*.json"))) < len([t for job in jobs(STUDY) for t in job.trials])
    subprocess.run([*line, "--workers", "1"], check=True, capture_output=True)
    assert (tmp_path / "run" / "scores.csv").read_bytes() == finished.store.scores.read_bytes()


@pytest.mark.slow
def test_two_workers_give_the_same_bytes_as_one(finished, tmp_path):
    run = run_study(STUDY, tmp_path, executor=Local(workers=2))
    assert run.store.scores.read_bytes() == finished.store.scores.read_bytes()


def test_records_are_plain_json(finished):
    for path in (finished.store.folder / "records").glob("*.json"):
        data = json.loads(path.read_text())
        assert data["schema"] == 1
        assert data["study"] == STUDY.fingerprint


def test_the_run_folder_holds_what_the_contract_says(finished):
    held = {path.name for path in Path(finished.store.folder).iterdir()}
    assert {"study.yaml", "records", "alignments", "networks", "scores.csv"} <= held
