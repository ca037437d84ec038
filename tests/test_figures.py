from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from interlocus.errors import RunFolderError
from interlocus.figures import figures, heat_map, render, save_figures, size_curve, untrained_twin
from interlocus.metrics import Cell, Score
from interlocus.plan import Trial, jobs
from interlocus.results import Attempt, Attempts
from interlocus.run import Run
from interlocus.store import Record, Store
from interlocus.study import Study

STUDY = {
    "name": "small",
    "title": "Is it there?",
    "task": {"name": "hierarchical_equality", "item_width": 2},
    "families": [
        {"name": "relu", "hidden": [8], "count": 2},
        {"name": "blank", "hidden": [8], "count": 2, "trained": False},
        {"name": "tanh", "hidden": [8], "count": 1, "activation": "tanh"},
    ],
    "sites": ["input", "layer1"],
    "searches": [
        {"hypotheses": ["both"], "sizes": [1, 2], "featurizers": ["rotation", "linear"]},
        {"hypotheses": ["left"], "sizes": [2], "featurizers": ["rotation"]},
    ],
    "starts": {"random": 1, "covariance": 1},
}


ONE_SIZE = [{"hypotheses": ["left"], "sizes": [2]}]
"""Searches that are drawn as one heat map, which is quick."""


def _attempt(start: str, hits: int) -> Attempt:
    cells = tuple(Cell(kind="left", change=change, hits=hits, count=500) for change in ("0→1", "1→0"))
    values = {"restart": 0, "begin": 0.5, "validation": hits / 500, "last": hits / 500, "steps": 10}
    return Attempt(start=start, **values, outcome="plateau", score=Score(cells=cells, live=0.5))


def _attempts(size: int, hits: int) -> Attempts:
    return Attempts(size=size, attempts=(_attempt("random", 0), _attempt("covariance", hits)), chosen=1)


def made_run(folder: Path, keep: Callable[[Trial], bool] = lambda trial: True, **changes: object) -> Run:
    """A run whose scores are made up, with a record for each trial that is kept."""
    study, store = Study.model_validate(STUDY | changes), Store(folder)
    store.begin(study)
    trials = [(trial, job.sizes) for job in jobs(study) for trial in job.trials]
    for index, (trial, sizes) in enumerate(trials):
        if keep(trial):
            found = tuple(_attempts(size, (37 * index + 110 * size) % 501) for size in sizes)
            record = Record(trial=trial, study=study.fingerprint, accuracy=1.0, seconds=1.0, sizes=found)
            (folder / "records" / f"{trial.name}.json").write_text(json.dumps(record.to_json()))
    return Run.load(folder)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return made_run(tmp_path_factory.mktemp("run"))


def texts(svg: bytes) -> list[str]:
    """What can be read and selected in a drawing."""
    return re.findall(r"<(?:text|tspan)[^>]*>([^<]+)</", svg.decode())


def test_a_study_gets_a_heat_map_a_hypothesis_and_curves_where_there_are_sizes(run: Run) -> None:
    assert list(figures(run)) == ["heat_map_both", "size_curve_both", "heat_map_left"]


@pytest.mark.parametrize("hypothesis", ["both", "left"])
def test_a_heat_map_holds_every_mean_as_text(run: Run, hypothesis: str) -> None:
    read = texts(render(heat_map(run, hypothesis), "svg"))
    lines = [line for line in run.lines if line.hypothesis == hypothesis]
    shown = [text for text in read if re.fullmatch(r"\d\.\d{3}", text)]
    assert sorted(shown) == sorted(f"{entry.iia.value:.3f}" for line in lines for entry in line.sizes)
    assert f"one-sided {lines[0].one_sided:.3f}" in read
    assert {"input", "layer1"} <= set(read)


def test_every_family_and_featurizer_has_its_panel(run: Run) -> None:
    titles = {f"{family.name} · {name}" for family in run.study.families for name in ("rotation", "linear")}
    for figure in (heat_map(run, "both"), size_curve(run, "both")):
        assert {axes.get_title(loc="left") for axes in figure.axes} >= titles
    assert {family.name for family in run.study.families} <= set(texts(render(heat_map(run, "left"), "svg")))


def test_curves_pass_through_the_means_and_name_the_levels(run: Run) -> None:
    figure = size_curve(run, "both")
    drawn = [tuple(np.round(line.get_ydata(), 9)) for axes in figure.axes for line in axes.lines]
    for line in run.lines:
        if line.hypothesis == "both":
            assert tuple(round(entry.iia.value, 9) for entry in line.sizes) in drawn
    read = texts(render(figure, "svg"))
    assert {"do nothing", "one-sided", "one network", "untrained networks, mean", "0.708"} <= set(read)


def test_each_network_is_a_line(run: Run) -> None:
    panel = size_curve(run, "both").axes[0]
    faint = [line for line in panel.lines if line.get_linewidth() == 0.6 and len(line.get_xdata())]
    assert len(faint) == 2 * 2  # networks × sites


def test_untrained_networks_are_the_twin_of_trained_ones_that_are_built_alike(run: Run) -> None:
    relu, blank, tanh = run.study.families
    assert untrained_twin(run.study, relu) == blank
    assert untrained_twin(run.study, blank) is None
    assert untrained_twin(run.study, tanh) is None


def test_equal_runs_give_equal_figures_whatever_the_user_has_set(tmp_path: Path) -> None:
    families = [STUDY["families"][0]]
    one, other = (made_run(tmp_path / name, families=families) for name in ("one", "other"))
    with mpl.rc_context({"font.size": 30, "svg.fonttype": "path", "image.cmap": "jet"}):
        before = dict(mpl.rcParams)
        drawn = {name: render(figure, "svg") for name, figure in figures(other).items()}
        assert dict(mpl.rcParams) == before
    assert drawn == {name: render(figure, "svg") for name, figure in figures(one).items()}


@pytest.mark.parametrize(
    "keep",
    [lambda trial: False, lambda trial: trial.site == "input", lambda trial: trial.network.endswith("-01")],
    ids=["nothing", "one site", "one network"],
)
def test_what_is_not_there_stays_empty(tmp_path: Path, keep: Callable[[Trial], bool]) -> None:
    run = made_run(tmp_path, keep, searches=[{"hypotheses": ["both"], "sizes": [1, 2]}])
    read = [texts(render(figure, "svg")) for figure in figures(run).values()]
    shown = [text for text in read[0] if re.fullmatch(r"\d\.\d{3}", text)]
    assert len(shown) == sum(len(line.sizes) for line in run.lines)


def test_a_study_of_one_family_site_and_size_is_drawn(tmp_path: Path) -> None:
    searches = [{"hypotheses": ["right"], "sizes": [1]}]
    run = made_run(tmp_path, families=[{"name": "a", "hidden": [8], "count": 1}], sites=["input"], searches=searches)
    drawn = figures(run)
    assert list(drawn) == ["heat_map_right"]
    assert f"{run.lines[0].best.iia.value:.3f}" in texts(render(drawn["heat_map_right"], "svg"))


def test_figures_are_saved_as_svg_and_png(tmp_path: Path) -> None:
    run = made_run(tmp_path, searches=ONE_SIZE)
    (tmp_path / "figures").rmdir()  # as in a folder that was copied without it
    assert save_figures(run) == {"heat_map_left": tmp_path / "figures/heat_map_left.svg"}
    assert (tmp_path / "figures/heat_map_left.svg").read_bytes().startswith(b"<?xml")
    assert (tmp_path / "figures/heat_map_left.png").read_bytes().startswith(b"\x89PNG")


def test_a_folder_that_cannot_be_written_is_told_with_a_mend(tmp_path: Path) -> None:
    run = made_run(tmp_path, searches=ONE_SIZE)
    (tmp_path / "figures").rmdir()
    (tmp_path / "figures").write_text("in the way")
    with pytest.raises(RunFolderError, match="--out"):
        save_figures(run)
