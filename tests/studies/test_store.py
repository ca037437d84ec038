"""The run folder: files are written whole or not at all, and each record is parsed at most once."""

from __future__ import annotations

import os
import shutil

from run_watching import counted_parses
from tiny import TINY

from interlocus.core.errors import RunFolderError
from interlocus.report.page.page import write_report
from interlocus.studies.run import Run, run_study
from interlocus.studies.spec.study import SCHEMA, Study
from interlocus.studies.store import Store, control_name

STUDY = Study.parse(TINY, "tiny")


def use(run: Run) -> None:
    """Everything that a page or a table takes from a run."""
    assert run.verdicts
    assert run.controls
    assert run.projections
    assert run.reuse
    assert run.answer
    assert run.methods
    assert not run.missing
    run.to_rows("verdicts")
    run.to_rows("reuse")
    write_report(run)


def test_a_run_parses_no_record_that_it_wrote(controlled):
    with counted_parses() as parsed:
        use(controlled.run)
    assert not controlled.parsed
    assert not parsed


def test_a_run_that_is_resumed_parses_each_record_at_most_once(controlled_run, tmp_path):
    folder = shutil.copytree(controlled_run.store.folder, tmp_path / "run")
    lost = [*sorted((folder / "records").glob("*.json"))[1::2], folder / "controls" / "relu-00.layer1.json"]
    for path in lost:
        path.unlink()
    with counted_parses() as parsed:
        run = run_study(controlled_run.study, folder)
        use(run)
    assert set(parsed.values()) == {1}
    assert not set(parsed) & set(lost)
    assert run.table == controlled_run.table
    assert run.controls == controlled_run.controls


def test_a_folder_that_is_loaded_parses_each_record_once(controlled_run):
    with counted_parses() as parsed:
        run = Run.load(controlled_run.store.folder)
        assert run.measurements == controlled_run.measurements
        assert run.projections == controlled_run.projections
        assert run.reuse == controlled_run.reuse
    assert set(parsed.values()) == {1}
    assert len(parsed) == sum(
        len(folder.names())
        for folder in (run.store.records, run.store.controls, run.store.projections, run.store.reuse)
    )


def test_controls_are_found_by_network_and_site(controlled_run):
    for (network, site), control in controlled_run.controls.items():
        assert (control.network, control.site) == (network, site)
        assert control_name(network, site) in controlled_run.store.controls


def test_the_folder_holds_its_study(tmp_path):
    store = Store(tmp_path / "run")
    assert not store.has_study()
    store.begin(STUDY)
    store.begin(STUDY)
    assert store.has_study()
    assert store.study() == STUDY


def test_another_study_is_kept_out(tmp_path, fails):
    Store(tmp_path).begin(STUDY)
    with fails(RunFolderError, "seed is 0 there and 1 here"):
        Store(tmp_path).begin(STUDY.with_values(["seed=1"]))
    with fails(RunFolderError, "phases"):
        Store(tmp_path).begin(STUDY.with_values(["phases.0.steps=41"]))


def test_a_folder_without_a_study_is_named(tmp_path, fails):
    with fails(RunFolderError, "no run folder", "study.yaml"):
        Store(tmp_path).study()


def test_a_folder_of_another_schema_is_refused_before_its_study_is_read(tmp_path, fails):
    Store(tmp_path).begin(STUDY)
    header, _, _ = (tmp_path / "study.yaml").read_text().partition("\n")
    (tmp_path / "study.yaml").write_text(f"{header.replace(f'schema {SCHEMA}', 'schema 1')}\nfamilies: []\n")
    with fails(RunFolderError, "schema 1", f"schema {SCHEMA}", "another folder"):
        Run.load(tmp_path)
    with fails(RunFolderError, "schema 1"):
        Store(tmp_path).begin(STUDY)


def test_what_a_killed_run_left_unfinished_is_removed(tmp_path):
    store = Store(tmp_path)
    store.begin(STUDY)
    partial = tmp_path / "records" / "a.json123.partial"
    partial.write_text("{")
    store.begin(STUDY)
    assert not partial.exists()


def test_a_file_that_holds_the_content_already_is_not_written(tmp_path):
    store, path = Store(tmp_path), tmp_path / "scores.csv"
    store.renew(path, b"one")
    before = path.stat().st_mtime_ns, path.stat().st_ino
    store.renew(path, b"one")
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before
    store.renew(path, b"two")
    assert path.read_bytes() == b"two"


def test_a_file_that_cannot_be_written_stays_as_it_was(tmp_path, monkeypatch, fails):
    store, path = Store(tmp_path), tmp_path / "scores.csv"
    store.write(path, b"one")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with fails(RunFolderError, "No space left on device", "what is finished is kept"):
        store.write(path, b"two")
    assert path.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [path]


def test_others_may_read_what_is_written(tmp_path):
    Store(tmp_path).write(tmp_path / "a", b"")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644


def test_a_record_is_written_after_its_alignments(tiny_run, tmp_path, monkeypatch):
    """So that where a record is, its alignments are."""
    record = tiny_run.records[0]
    store, written = Store(tmp_path), []
    store.begin(tiny_run.study)
    monkeypatch.setattr(store.records, "_write", lambda path, content: written.append(path.parent.name))
    monkeypatch.setattr(store, "write", lambda path, content: written.append(path.parent.name))
    store.add(record, b"")
    assert written == ["alignments", "records"]
