"""Published scores, and ours beside them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from matplotlib.figure import Figure

from interlocus.core.statistics import Interval
from interlocus.report.figures.published import PublishedFigure
from interlocus.studies.results.published import compare_with_published, published, published_sentences
from interlocus.studies.results.summary import Line, SizeLine, SolveRate
from interlocus.studies.run import Run
from interlocus.studies.spec.study import Study
from interlocus.studies.store import Store

STUDY = Study.load("published")


def line(start: str = "random", count: int = 10, **about) -> Line:
    entry = SizeLine(
        size=8,
        iia=Interval(0.9, 0.8, 0.95),
        lowest=0.8,
        highest=0.95,
        worst_transition=0.7,
        by_start={start: 0.9},
        solved={start: SolveRate.of(0, count)},
    )
    usual = Line(
        group="relu",
        site="layer1",
        hypothesis="both",
        featurizer="rotation",
        sizes=(entry,),
        networks=10,
        no_effect=0.5,
        one_directional=0.708,
        enough_range=(8, 8),
    )
    return replace(usual, **about)


def test_the_reference_holds_the_scores_that_are_known():
    """The values of science's table: Sutter's means, and the best of DAS."""
    known = {
        (p.method, p.site): p
        for p in published()
        if (p.networks, p.hypothesis, p.size) == ("trained", "both", 8)
        and p.task == "hierarchical_equality"
        and p.mean is not None
    }
    assert known["rotation", "layer1"].mean == 0.842
    assert known["rotation", "layer2"].mean == 0.614
    assert known["greedy neurons", "layer3"].highest == 0.575
    best = [p.value for p in published() if p.mean is None and (p.hypothesis, p.method) == ("both", "rotation")]
    assert best == [1.0, 0.57, 0.5]
    assert all(0 <= p.value <= 1 for p in published() if p.value is not None)


def test_a_single_start_stands_beside_means_and_several_beside_the_best_too():
    assert [one.published.mean for one in compare_with_published(STUDY, [line()])] == [0.842]
    assert {one.published.value for one in compare_with_published(STUDY, [line(count=30)])} == {0.842, 1.0}


def test_neurons_stand_beside_neurons_found_in_the_same_way():
    found = compare_with_published(STUDY, [line("neurons_greedy", featurizer="identity")])
    assert [one.published.method for one in found] == ["greedy neurons"]
    assert not compare_with_published(STUDY, [line("random", featurizer="identity")])


@pytest.mark.parametrize(
    "change", ["task.items=gaussian", "networks.0.activation=tanh", "networks.0.hidden=[32]", "networks.0.until=100"]
)
def test_networks_that_are_not_alike_stand_beside_nothing(change):
    entries = [f"searches.{i}.sites=[layer1]" for i in range(5)] if "hidden" in change else []
    study = STUDY.with_values([*entries, "sites=[layer1]", change])
    assert not compare_with_published(study, [line()])


def test_a_site_is_a_sentence_with_both_figures():
    (said,) = published_sentences(compare_with_published(STUDY, [line()]))
    assert said.startswith("layer1: rotation at size 8 0.900 [0.800, 0.950], published 0.842")


def test_it_is_drawn_where_there_is_something(tmp_path):
    run = Run(store=Store(tmp_path), study=STUDY, table=(), lines=(line(), line(site="layer2")))
    assert PublishedFigure().available(run)
    (picture,) = PublishedFigure().draw(run)
    figure = picture.drawing
    assert isinstance(figure, Figure)
    (axes,) = figure.axes
    drawn = [float(mark.get_ydata()[0]) for mark in axes.lines if mark.get_marker() in ("o", "D")]
    assert drawn == [0.9, 0.842, 0.9, 0.614]
    assert not PublishedFigure().available(replace(run, lines=()))
