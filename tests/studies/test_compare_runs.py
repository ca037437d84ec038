"""Runs side by side."""

from __future__ import annotations

import json

import pytest
from tiny import TINY
from typer.testing import CliRunner

from interlocus.cli.main import app
from interlocus.core.errors import RunFolderError, SpecificationError
from interlocus.report.page.comparison import write_comparison
from interlocus.studies.compare_runs import compare_runs
from interlocus.studies.run import Run, run_study
from interlocus.studies.spec.study import Study

SMALL = TINY.replace("searches:", "searches:  # fewer").replace(
    "  - {hypotheses: [left, right], sizes: [2], featurizers: [rotation]}\n", ""
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[str, Run]:
    """The same study, one with more steps in its searches, and one with other networks."""
    made = {}
    for name, changes in {"one": [], "longer": ["phases.0.steps=60"], "other": ["seed=5"]}.items():
        study = Study.parse(SMALL, "small").with_values(changes)
        made[name] = run_study(study, tmp_path_factory.mktemp(name))
    return made


def test_a_run_does_not_differ_from_itself(runs):
    found = compare_runs([runs["one"], runs["one"]])
    assert len(found.differences) == len({(r.group, r.site, r.featurizer, r.size) for r in runs["one"].table})
    for one in found.differences:
        assert one.difference == (0, 0, 0)
        assert one.paired
        assert not one.clear
    assert found.only == (0, 0)


def test_the_same_networks_are_compared_one_by_one(runs):
    assert all(one.paired for one in compare_runs([runs["one"], runs["longer"]]).differences)
    assert not any(one.paired for one in compare_runs([runs["one"], runs["other"]]).differences)


def test_a_difference_is_that_of_the_means_and_changes_sign_with_the_order(runs):
    there, back = (compare_runs([runs[a], runs[b]]).differences for a, b in (("one", "other"), ("other", "one")))
    for one, other in zip(there, back, strict=True):
        assert one.difference.value == pytest.approx(one.other - one.first)
        assert one.difference.value == pytest.approx(-other.difference.value)
        assert one.difference.low <= one.difference.value <= one.difference.high


def test_several_runs_are_held_against_the_first(runs):
    found = compare_runs(list(runs.values()))
    assert {one.run for one in found.differences} == {1, 2}


def test_what_cannot_be_compared_is_said(runs, tmp_path, fails):
    with fails(SpecificationError, "run folders is 1"):
        compare_runs([runs["one"]])
    study = Study.parse(SMALL.replace("name: relu,", "name: strange,").replace("name: blank,", "name: odd,"), "x")
    with fails(SpecificationError, "in common"):
        compare_runs([runs["one"], run_study(study, tmp_path / "strange")])


def test_the_command_shows_it(runs):
    folders = [str(run.store.folder) for run in (runs["one"], runs["longer"])]
    shown = CliRunner().invoke(app, ["compare", *folders])
    assert shown.exit_code == 0, shown.output
    assert "network by network" in " ".join(shown.output.split())
    listed = json.loads(CliRunner().invoke(app, ["compare", *folders, "--json"]).output)
    assert listed["runs"] == folders
    assert listed["differences"][0]["key"]["site"] == "input"


def test_a_page_shows_every_difference_with_its_interval(runs, tmp_path):
    found, page = compare_runs([runs["one"], runs["other"]]), tmp_path / "compare.html"
    text = write_comparison(found, page).read_text()
    for one in found.differences:
        value, low, high = one.difference
        assert f"{value:+.3f} [{low:+.3f}, {high:+.3f}]" in text
    assert "<script" not in text
    folders = [str(run.store.folder) for run in found.runs]
    shown = CliRunner().invoke(app, ["compare", *folders, "--out", str(page)])
    assert shown.exit_code == 0
    assert page.read_text() == text


def test_a_page_that_cannot_be_written_is_told(runs, tmp_path, fails):
    with fails(RunFolderError, "--out"):
        write_comparison(compare_runs([runs["one"], runs["one"]]), tmp_path / "none" / "compare.html")
