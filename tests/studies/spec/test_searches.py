"""Schedules: searches of the same networks with several starts and phases, in one study."""

from __future__ import annotations

import json

import pytest
from tiny import TINY
from typer.testing import CliRunner

from interlocus.cli.main import app
from interlocus.core.errors import SpecificationError
from interlocus.report.terminal.tables import out
from interlocus.studies import plan as forecasts
from interlocus.studies.compare_runs import compare_runs
from interlocus.studies.plan import forecast, jobs
from interlocus.studies.results.basins import basins
from interlocus.studies.run import Run, run_study
from interlocus.studies.spec.study import Study

HEAD, TAIL = TINY.split("searches:")[0], "starts:" + TINY.split("starts:")[1]
ENTRY = "{hypotheses: [left], sizes: [2]"
PAIRS = (
    ENTRY + ", schedule: pairs, starts: {random: 3}, phases: [{sampling: minimal_pairs, steps: 20}, {steps: 20}], "
    "sites: [input]}"
)
NEAR = ENTRY + ", schedule: near, starts: {covariance+0.01: 2, covariance+5: 2}, sites: [input]}"


def text(*entries: str) -> str:
    return HEAD + "searches:\n" + "".join(f"  - {entry}\n" for entry in entries) + TAIL


STUDY = Study.parse(text(ENTRY + "}", PAIRS, NEAR), "x")


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    return run_study(STUDY, tmp_path_factory.mktemp("schedules"))


def test_a_schedule_has_starts_and_phases_of_its_own():
    assert STUDY.starts_of("pairs") == {"random": 3}
    assert [phase.sampling for phase in STUDY.phases_of("pairs")] == ["minimal_pairs", "natural"]
    assert STUDY.phases_of("near") == STUDY.phases
    assert STUDY.starts_of("") == STUDY.starts
    assert [job.schedule for job in jobs(STUDY) if job.site == "input"][:3] == ["", "pairs", "near"]


def test_the_name_of_a_record_ends_with_that_of_its_schedule():
    names = {trial.name for job in jobs(STUDY) for trial in job.trials}
    assert {"relu-00.input.left.rotation", "relu-00.input.left.rotation.pairs"} <= names


def test_schedules_are_kept_apart_in_every_table(run):
    here = [row for row in run.table if (row.network, row.site) == ("relu-00", "input")]
    assert [row.schedule for row in here] == ["", "pairs", "near"]
    assert [row.restarts for row in here] == [2, 3, 4]
    lines = [line for line in run.lines if (line.group, line.site) == ("relu", "input")]
    assert [(line.schedule, line.networks) for line in lines] == [("", 2), ("pairs", 2), ("near", 2)]
    assert [line.solved.count for line in lines] == [4, 6, 8]
    keys = [one.key for one in compare_runs([run, run]).differences]
    assert len(set(keys)) == len(keys) == len(run.lines)


def test_verdicts_and_answers_rest_on_the_unnamed_schedule(run):
    assert STUDY.schedule == ""
    assert STUDY.sizes_of("left", "input") == (2,)
    left = STUDY.task.build().hypothesis("left")
    request = STUDY.portfolio("input").request("input", (left,), sizes=(2,), featurizer="rotation")
    assert [(start.name, count) for start, count in request.starts] == [("random", 1), ("covariance", 1)]
    entries = [row.observation.effects for one in run.verdicts for row in one.sites[0]]
    assert all(len(own) == 1 for own in entries)


def test_without_an_unnamed_schedule_they_rest_on_the_first():
    study = Study.parse(text(PAIRS, NEAR), "x")
    assert study.schedule == "pairs"


def test_the_share_of_restarts_is_counted_on_test(run):
    for record in run.records:
        for entry in record.sizes:
            near = [restart for restart in entry.restarts if restart.score.iia >= 0.99]
            assert sum(hits for hits, _ in entry.solved().values()) == len(near)
    (line,) = [one for one in run.lines if (one.group, one.site, one.schedule) == ("relu", "input", "near")]
    for solved in line.best.solved.values():
        assert solved.count == 4
        assert solved.share.low <= solved.share.value <= solved.share.high


def test_searches_near_a_start_give_a_basin(run):
    (basin,) = [one for one in basins(run.lines) if one.group == "relu"]
    assert (basin.start, basin.schedule, list(basin.shares)) == ("covariance", "near", [0.01, 5.0])


def test_the_command_show_names_the_schedules(run, monkeypatch):
    monkeypatch.setattr(out, "width", 160)  # a console reads the width of its terminal once
    shown = CliRunner().invoke(app, ["show", str(run.store.folder)])
    assert shown.exit_code == 0, shown.output
    assert {"pairs", "near", "covariance+0.01"} <= set(shown.output.replace(",", " ").split())
    found = json.loads(CliRunner().invoke(app, ["show", str(run.store.folder), "--json"]).output)
    assert {line["schedule"] for line in found["lines"]} == {"", "pairs", "near"}
    assert all(line["solved"]["count"] for line in found["lines"])


WRONG = {
    "no name": (ENTRY + ", starts: {random: 2}}", ["no name", "schedule"]),
    "two meanings": (ENTRY.replace("left", "right") + ", schedule: pairs, starts: {random: 2}}", ["'pairs'", "two"]),
    "twice": (PAIRS, ["left.rotation.pairs"]),
    "no such start": (ENTRY + ", schedule: x, starts: {covarianc: 2}}", ["'covariance'"]),
    "no noise": (ENTRY + ", schedule: x, starts: {covariance+much: 2}}", ["'much'", "number"]),
    "no such noise": (ENTRY + ", schedule: x, starts: {covariance+-1: 2}}", ["-1", "positive"]),
    "one start twice": (ENTRY + ", schedule: x, starts: {covariance+.1: 2, covariance+0.10: 2}}", ["covariance+0.1"]),
    "one way only": (ENTRY + ", schedule: x, phases: [{sampling: restoring}]}", ["restoring"]),
    "an unknown key": (ENTRY + ", schedle: x}", ["schedule"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_schedules_that_are_not_allowed_are_refused(case):
    entry, words = WRONG[case]
    with pytest.raises(SpecificationError) as caught:
        Study.parse(text(PAIRS, entry), "x")
    assert all(word in str(caught.value) for word in words)


def test_a_nonlinear_featurizer_is_forecast_to_cost_more(monkeypatch):
    """On one machine, whose speed is not measured here."""
    monkeypatch.setattr(forecasts, "_rate", lambda: 1e9)
    cheap, dear = (
        forecast(Study.parse(text(ENTRY + f", featurizers: [{name}]}}"), "x"), workers=1)
        for name in ("rotation", "coupling")
    )
    assert dear.searching_seconds > 20 * cheap.searching_seconds
