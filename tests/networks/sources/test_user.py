"""Networks that a user's function makes, in a study."""

from __future__ import annotations

from pathlib import Path

import pytest

from interlocus.core.errors import NetworkError, SpecificationError, UnknownNameError
from interlocus.core.tensor_files import TensorFile
from interlocus.networks import Module
from interlocus.studies.run import run_study
from interlocus.studies.spec.networks import NetworkGroup
from interlocus.studies.spec.study import Study
from interlocus.tasks import HierarchicalEquality

HERE = Path(__file__).parents[2]
TASK = HierarchicalEquality(item_width=2)
OWN = f"""
task: {{name: hierarchical_equality, item_width: 2}}
networks:
  - {{name: mine, network: "{HERE}/own.py:build", options: {{scale: 0.5}}, count: 2}}
  - {{name: blank, network: "{HERE}/own.py:build", trained: false, count: 1}}
  - {{name: ours, hidden: [6], count: 1, steps: 20}}
searches: [{{hypotheses: [left, both], sizes: [1, 2], featurizers: [rotation]}}]
starts: {{random: 1}}
phases: [{{steps: 10}}]
budget: {{pool: 512, held_out: 256, partners: 16, batch: 32, check_every: 5, validation: 64, test: 96}}
"""


def group(function: str, **changes) -> NetworkGroup:
    return NetworkGroup(name="mine", network=f"{HERE}/own.py:{function}", **({"count": 1} | changes))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return run_study(Study.parse(OWN, "own.yaml"), tmp_path_factory.mktemp("own"))


def test_every_site_of_every_group_is_searched(finished):
    assert not finished.failures
    assert not finished.missing
    there = {(row.group, row.site) for row in finished.table}
    mine = {("mine", site) for site in (":input", "first", "second")}
    assert mine <= there
    assert {("ours", "input"), ("ours", "layer1")} <= there
    assert ("ours", "first") not in there


def test_networks_of_a_group_differ_and_load_as_they_were_made(finished):
    study = finished.study
    source = study.networks[0].source
    made = source.make(TASK, count=2, trained=True, seed=study.seed, on_progress=lambda share: None)
    files = [TensorFile.at(finished.store.network_path(name)) for name in study.networks[0].networks]
    loaded = source.load(TASK, files, seed=study.seed)
    assert [one.fingerprint() for one in loaded] == [one.fingerprint() for one in made]
    assert made[0].fingerprint() != made[1].fingerprint()


def test_options_and_training_reach_the_function():
    trained = group("build", options={"scale": 0.25}).source.make(
        TASK, count=1, trained=True, seed=0, on_progress=print
    )[0]
    (blank,) = group("build").source.make(TASK, count=1, trained=False, seed=0, on_progress=print)
    assert isinstance(trained, Module)
    assert isinstance(blank, Module)
    assert float(trained.module.first.bias.detach()[0]) == 0.25
    assert float(blank.module.first.bias.detach()[0]) == 0.0


def test_a_resumed_run_gives_equal_scores(finished, tmp_path):
    study = Study.parse(OWN, "own.yaml")
    run_study(study, tmp_path / "again")
    first, again = (folder / "scores.csv" for folder in (finished.store.folder, tmp_path / "again"))
    assert first.read_bytes() == again.read_bytes()
    next((tmp_path / "again" / "records").glob("mine-01.first.*")).unlink()
    run_study(study, tmp_path / "again")
    assert first.read_bytes() == again.read_bytes()


def test_paths_are_relative_to_the_study_file(tmp_path):
    (tmp_path / "net.py").write_text((HERE / "own.py").read_text())
    (tmp_path / "mine.yaml").write_text(OWN.replace(f"{HERE}/own.py", "net.py"))
    study = Study.load(tmp_path / "mine.yaml")
    assert study.code == (str(tmp_path / "net.py"),)


def test_reading_a_stored_study_runs_no_code(finished, monkeypatch):
    def refuse(text: str):
        raise AssertionError(f"{text} was run")

    monkeypatch.setattr("interlocus.networks.sources.user.load_code", refuse)
    assert finished.store.study() == finished.study


@pytest.mark.parametrize(
    ("asked", "kind", "word"),
    [
        (lambda: group("bild"), UnknownNameError, "'build'"),
        (lambda: group("no_network"), NetworkError, "str"),
        (lambda: group("build", options={"scael": 1.0}), UnknownNameError, "'scale'"),
        (lambda: group("build", hidden=(3,)), SpecificationError, "hidden"),
        (lambda: NetworkGroup(name="mine", network="mpl"), UnknownNameError, "'mlp'"),
        (lambda: NetworkGroup(name="mine", options={"a": 1}), SpecificationError, "options"),
        (lambda: NetworkGroup(name="mine", network=f"{HERE}/none.py:build"), SpecificationError, "none.py"),
        (lambda: group("only_one", count=2), SpecificationError, "seed"),
        (lambda: group("only_one", trained=False), SpecificationError, "trained"),
        (lambda: group("fails"), NetworkError, "RuntimeError"),
    ],
)
def test_networks_that_cannot_be_made_are_an_error(asked, kind, word, fails):
    def make() -> None:
        one = asked()
        one.source.sites(TASK)
        one.source.make(TASK, count=one.count, trained=one.trained, seed=0, on_progress=lambda share: None)

    with fails(kind, word):
        make()
