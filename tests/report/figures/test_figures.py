from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from made_runs import ONE_SIZE, STUDY, made_run, with_controls

from interlocus.controls.ground_truth.recipes import PLANTING_RECIPES
from interlocus.controls.power import PlantedResult
from interlocus.controls.probes import ProbeAccuracy
from interlocus.core.errors import RunFolderError
from interlocus.report.figures import figures, render, save_figures
from interlocus.report.figures._base import untrained_counterpart
from interlocus.report.figures.decodable import decodable_curve, probe_curves
from interlocus.report.figures.heat_map import heat_map
from interlocus.report.figures.restarts import restart_strips
from interlocus.report.figures.size_curve import size_curve
from interlocus.report.figures.stages import stage_curve, stage_scores
from interlocus.studies.plan import Trial
from interlocus.studies.results.planted import planted_name
from interlocus.studies.run import Run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return made_run(tmp_path_factory.mktemp("run"))


KIND = next(iter(PLANTING_RECIPES))
"""Some way of planting."""


def texts(svg: bytes) -> list[str]:
    """The texts of a drawing."""
    return re.findall(r"<(?:text|tspan)[^>]*>([^<]+)</", svg.decode())


def test_a_study_gets_a_heat_map_a_hypothesis_and_curves_where_there_are_sizes(run: Run) -> None:
    assert list(figures(run)) == ["heat_map_both", "heat_map_left", "size_curve_both", "restarts"]


@pytest.mark.parametrize("hypothesis", ["both", "left"])
def test_a_heat_map_holds_every_mean_as_text(run: Run, hypothesis: str) -> None:
    read = texts(render(heat_map(run, hypothesis), "svg"))
    lines = [line for line in run.lines if line.hypothesis == hypothesis]
    shown = [text for text in read if re.fullmatch(r"\d\.\d{3}", text)]
    assert sorted(shown) == sorted(f"{entry.iia.value:.3f}" for line in lines for entry in line.sizes)
    assert f"one-directional {lines[0].one_directional:.3f}" in read
    assert {"input", "layer1"} <= set(read)


def test_every_group_and_featurizer_has_its_panel(run: Run) -> None:
    titles = {f"{group.name} · {name}" for group in run.study.networks for name in ("rotation", "linear")}
    for figure in (heat_map(run, "both"), size_curve(run, "both")):
        assert {axes.get_title(loc="left") for axes in figure.axes} >= titles
    assert {group.name for group in run.study.networks} <= set(texts(render(heat_map(run, "left"), "svg")))


def test_curves_pass_through_the_means_and_name_the_levels(run: Run) -> None:
    figure = size_curve(run, "both")
    drawn = [tuple(np.round(line.get_ydata(), 9)) for axes in figure.axes for line in axes.lines]
    for line in run.lines:
        if line.hypothesis == "both":
            assert tuple(round(entry.iia.value, 9) for entry in line.sizes) in drawn
    read = texts(render(figure, "svg"))
    assert {"no effect", "one-directional", "one network", "untrained networks, mean", "0.708"} <= set(read)


def test_each_network_is_a_line(run: Run) -> None:
    panel = size_curve(run, "both").axes[0]
    faint = [line for line in panel.lines if line.get_linewidth() == 0.6 and len(line.get_xdata())]
    assert len(faint) == 2 * 2  # networks × sites


def test_every_search_is_a_dot(run: Run) -> None:
    panel = restart_strips(run).axes[0]
    own = [
        row for row in run.table if row.group == "relu" and row.hypothesis == "both" and row.featurizer == "rotation"
    ]
    networks = {(row.network, row.site) for row in own}
    dots = [line for line in panel.lines if line.get_linestyle() == "None"]
    assert sum(len(line.get_xdata()) for line in dots) == len(networks) * 2  # starts


def test_planted_networks_are_drawn_beside_the_others(tmp_path: Path) -> None:
    run = made_run(tmp_path, searches=[{"hypotheses": ["both"], "sizes": [1, 2]}])
    before = len(size_curve(run, "both").axes[0].lines)
    planted = PlantedResult(kind=KIND, planted=(1.0, 1.0), best=(0.75, 0.85), hits=(False, False), left_out=0)
    run.store.planted.add(planted_name(run.study.networks[0], "layer1", KIND), planted)
    figure = size_curve(Run.load(tmp_path), "both")
    assert len(figure.axes[0].lines) == before + 1
    assert any(np.allclose(line.get_ydata(), 0.8) for line in figure.axes[0].lines if len(line.get_ydata()) == 2)
    assert "planted networks, best" in texts(render(figure, "svg"))


def test_stages_show_the_variables_and_the_output_inside_the_used_subspace(tmp_path: Path) -> None:
    run = with_controls(made_run(tmp_path, searches=[{"hypotheses": ["both"], "sizes": [1]}]))
    group = run.study.networks[0]
    found = stage_scores(run, group)
    assert {thing: dict(own["layer1"].iias) for thing, own in found.items()} == {
        "left": {"relu-00": 0.9},
        "right": {"relu-00": 0.9},
        "the output": {"relu-00": 0.5},
    }
    assert stage_scores(run, run.study.networks[1]) == {}
    assert {"left", "right", "the output", "relu"} <= set(texts(render(stage_curve(run), "svg")))


def test_what_is_decodable_is_drawn_where_it_was_measured(tmp_path: Path) -> None:
    run = made_run(tmp_path, lambda trial: False, searches=[{"hypotheses": ["both"], "sizes": [1]}])
    assert "decodable" not in figures(with_controls(run))
    probed = with_controls(
        run,
        probes={
            "left": ProbeAccuracy(linear=0.9, mlp=0.95, guess=0.5),
            "right": ProbeAccuracy(linear=0.8, mlp=0.9, guess=0.5),
        },
    )
    found = probe_curves(probed, probed.study.networks[0])
    assert found["decodable, linear"] == {"layer1": {"relu-00": pytest.approx(0.85)}}
    assert {"decodable, linear", "IIA, whole layer", "relu"} <= set(texts(render(decodable_curve(probed), "svg")))


def test_untrained_networks_are_the_counterpart_of_trained_ones_of_the_same_architecture(run: Run) -> None:
    relu, blank, tanh = run.study.networks
    assert untrained_counterpart(run.study, relu) == blank
    assert untrained_counterpart(run.study, blank) is None
    assert untrained_counterpart(run.study, tanh) is None


def test_equal_runs_give_equal_figures_whatever_the_user_has_set(tmp_path: Path) -> None:
    groups = [STUDY["networks"][0]]
    one, other = (made_run(tmp_path / name, networks=groups) for name in ("one", "other"))
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
def test_missing_scores_leave_empty_cells(tmp_path: Path, keep: Callable[[Trial], bool]) -> None:
    run = made_run(tmp_path, keep, searches=[{"hypotheses": ["both"], "sizes": [1, 2]}])
    read = {name: texts(render(figure, "svg")) for name, figure in figures(run).items()}
    shown = [text for text in read["heat_map_both"] if re.fullmatch(r"\d\.\d{3}", text)]
    assert len(shown) == sum(len(line.sizes) for line in run.lines)


def test_a_study_of_one_group_site_and_size_is_drawn(tmp_path: Path) -> None:
    searches = [{"hypotheses": ["right"], "sizes": [1]}]
    run = made_run(tmp_path, networks=[{"name": "a", "hidden": [8], "count": 1}], sites=["input"], searches=searches)
    drawn = figures(run)
    assert list(drawn) == ["heat_map_right", "restarts"]
    assert f"{run.lines[0].best.iia.value:.3f}" in texts(render(drawn["heat_map_right"], "svg"))


def test_figures_are_saved_as_svg_and_png(tmp_path: Path) -> None:
    run = made_run(tmp_path, searches=ONE_SIZE)
    (tmp_path / "figures").rmdir()  # as in a folder that was copied without it
    names = ("heat_map_left", "restarts")
    assert [picture.path for picture in save_figures(run)] == [tmp_path / f"figures/{name}.svg" for name in names]
    assert (tmp_path / "figures/heat_map_left.svg").read_bytes().startswith(b"<?xml")
    assert (tmp_path / "figures/heat_map_left.png").read_bytes().startswith(b"\x89PNG")


def test_a_folder_that_cannot_be_written_gives_an_error_with_a_hint(tmp_path: Path) -> None:
    run = made_run(tmp_path, searches=ONE_SIZE)
    (tmp_path / "figures").rmdir()
    (tmp_path / "figures").write_text("in the way")
    with pytest.raises(RunFolderError, match="another folder"):
        save_figures(run)
