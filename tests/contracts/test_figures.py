"""Laws of every figure in the registry."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_runs import made_run, with_controls
from matplotlib.figure import Figure

from interlocus.core.plugins import FIGURES
from interlocus.report.figures import AbstractFigure, Section, figures, render, save_figures
from interlocus.report.page.page import write_report
from interlocus.studies.run import Run

NAMES = sorted(FIGURES)


def figure_of(name: str) -> AbstractFigure:
    return FIGURES.get(name)()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """A run with nothing in it, one with scores, and one with scores and controls."""
    empty = made_run(tmp_path_factory.mktemp("empty"), lambda trial: False)
    scores = made_run(tmp_path_factory.mktemp("scores"))
    return [empty, scores, with_controls(made_run(tmp_path_factory.mktemp("controls")))]


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_is_registered_under_its_name_and_describes_itself(name: str) -> None:
    figure = figure_of(name)
    assert isinstance(figure, AbstractFigure)
    assert figure.name == name
    assert figure.section is None or isinstance(figure.section, Section)
    assert figure.label
    assert not figure.label.endswith(".")
    assert figure.caption.endswith(".")
    for text in (figure.label, figure.caption):
        assert "{" not in text.format(subject="left {right}").replace("left {right}", "")


@pytest.mark.parametrize("name", NAMES)
def test_pictures_have_names_of_their_own_and_are_the_same_each_time(name: str, runs: list[Run]) -> None:
    figure = figure_of(name)
    for run in runs:
        if figure.available(run):
            pictures = figure.draw(run)
            assert pictures
            suffixes = [picture.suffix for picture in pictures]
            assert len(set(suffixes)) == len(suffixes)
            assert all(isinstance(picture.drawing, Figure) for picture in pictures)
            groups = {"", *(group.name for group in run.study.networks)}
            assert {picture.group for picture in pictures} <= groups
            again = [render(picture.drawing, "svg") for picture in figure.draw(run)]
            assert [render(picture.drawing, "svg") for picture in pictures] == again


def test_no_two_figures_write_the_same_file(runs: list[Run]) -> None:
    for run in runs:
        available = [figure for figure in map(figure_of, NAMES) if figure.available(run)]
        assert len(figures(run)) == sum(len(figure.draw(run)) for figure in available)


def test_sections_have_anchors_that_the_page_does_not_use_elsewhere(runs: list[Run]) -> None:
    sections = {figure.section.anchor: figure.section for figure in map(figure_of, NAMES) if figure.section}
    reserved = {"main", "verdicts", "maps", "side", "measured", "words", "methods", "missing", "settings", "sheet"}
    assert not reserved & set(sections)
    for figure in map(figure_of, NAMES):
        assert figure.section is None or figure.section == sections[figure.section.anchor]


def test_the_page_shows_every_picture_that_has_a_section(runs: list[Run], tmp_path: Path) -> None:
    run = runs[-1]
    shown = [picture for picture in save_figures(run) if picture.section is not None]
    assert {"size_curve_both", "stages", "restarts"} <= {picture.path.stem for picture in shown}
    page = write_report(run).read_text(encoding="utf-8")
    for picture in shown:
        assert f'id="{picture.path.stem}-figure_1"' in page
        assert picture.section is not None
        assert f'id="{picture.section.anchor}"' in page
