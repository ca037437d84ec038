"""Re-use: a new question about variables that are located takes few labels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from networks_by_hand import mean_coded, mean_coded_directions
from tiny import TINY

import interlocus as il
from interlocus.core.errors import SpecificationError, UnknownNameError
from interlocus.featurizers import Frames
from interlocus.report.figures.reuse import reuse_figure
from interlocus.studies.reuse import classifiers, retraining
from interlocus.studies.reuse.learners import REUSE_TEST_ROWS, REUSE_WAYS
from interlocus.studies.reuse.measure import LabelDraws, Reuse, measure_reuse, new_question
from interlocus.studies.run import Run, run_study
from interlocus.studies.spec.study import Study
from interlocus.studies.store import Store

TASK = il.tasks.HierarchicalEquality()
EITHER = il.Variable(name="either", parents=("left", "right"), mechanism=torch.bitwise_or, values=(0, 1))


@pytest.fixture(scope="module")
def known() -> il.Alignment:
    """The directions that hold left and right in a network written by hand."""
    rows = mean_coded_directions().unsqueeze(1)
    return il.Alignment(
        site="layer3",
        hypothesis="both",
        variables=("left", "right"),
        featurizer="rotation",
        network=mean_coded().fingerprint(),
        task=TASK.name,
        frames=Frames(read=rows, write=rows),
    )


@pytest.fixture(scope="module")
def measured(known) -> Reuse:
    ways = ("read", "features", "layer", "probed")
    return measure_reuse(known, mean_coded(), TASK, EITHER, labels=LabelDraws(counts=(40,)), ways=ways, seed=5)


def test_where_variables_are_known_forty_labels_are_enough(measured):
    assert min(measured.accuracy["read"][0]) > 0.99
    assert min(measured.accuracy["probed"][0]) > 0.99
    assert min(measured.accuracy["features"][0]) > 0.99


def test_the_share_of_the_commonest_label_is_that_of_the_question(measured):
    assert measured.commonest == pytest.approx(0.75, abs=5 * np.sqrt(0.75 * 0.25 / REUSE_TEST_ROWS))


def test_directions_without_the_variables_answer_nothing(known):
    """Neurons that no variable reaches are what their bias says, to the bit, so the commonest label is the best answer.

    Of 200 labels with a share of ¾ one half or fewer are the commonest with probability 1e-14.
    """
    network = mean_coded(directions=torch.eye(8)[:2])
    rows = torch.eye(8)[2:4].unsqueeze(1)
    own = {"network": network.fingerprint(), "frames": Frames(read=rows, write=rows)}
    elsewhere = il.Alignment(**{**vars(known), **own})
    inputs, _ = TASK.labelled_inputs(100, split="test", generator=torch.Generator().manual_seed(0))
    assert all((features == 2).all() for features in elsewhere.features(network, inputs).values())
    found = measure_reuse(
        elsewhere, network, TASK, EITHER, labels=LabelDraws(counts=(200,), draws=1), ways=("features",)
    )
    assert found.accuracy["features"][0][0] == pytest.approx(found.commonest, abs=0.5 / REUSE_TEST_ROWS)


def test_equal_seeds_give_equal_numbers_which_survive_storage(known, measured):
    again = measure_reuse(known, mean_coded(), TASK, EITHER, labels=LabelDraws(counts=(40,)), ways=("layer",), seed=5)
    assert again.accuracy["layer"] == measured.accuracy["layer"]
    assert Reuse.from_json(measured.to_json()) == measured
    rows = measured.to_rows()
    assert len(rows) == 4 * 2
    assert rows[0]["accuracy"] == measured.accuracy["read"][0][0]


@pytest.mark.parametrize(("rule", "wanted"), [("any", [0, 1, 1]), ("all", [0, 0, 1]), ("odd", [0, 1, 0])])
def test_questions_about_truth_values(rule, wanted):
    question = new_question(rule, ("left", "right"))
    assert question.mechanism is not None
    assert question.mechanism(torch.tensor([0, 1, 1]), torch.tensor([0, 0, 1])).tolist() == wanted


def test_what_cannot_be_asked_is_refused(known, fails, unchecked):
    with fails(UnknownNameError, "some"):
        new_question("some", ("left",))
    strange = il.Variable(name="item", parents=("a",), mechanism=lambda a: a, values=(0, 1))
    with fails(SpecificationError, "item", "left, right"):
        measure_reuse(known, mean_coded(), TASK, strange)
    with fails(SpecificationError, "labels is 2"):
        measure_reuse(known, mean_coded(), TASK, EITHER, labels=LabelDraws(counts=(2,)))


STUDY = TINY + "reuse: {question: odd, site: layer1, size: 2, labels: [20], draws: 1}\n"


def test_a_study_measures_re_use_and_resumes(monkeypatch, tmp_path):
    monkeypatch.setattr(retraining, "RETRAINING_STEPS", 20)
    monkeypatch.setattr(classifiers, "STRENGTHS", (1.0,))
    monkeypatch.setattr(classifiers, "DEGREES", (1,))
    run = run_study(Study.parse(STUDY, "tiny"), tmp_path)
    assert not run.failures
    assert [(curve.group, curve.way) for curve in run.reuse] == [("relu", way) for way in REUSE_WAYS]
    assert all(curve.networks == 2 and len(curve.accuracy) == 1 for curve in run.reuse)
    assert len(run.to_rows("reuse")) == 2 * len(REUSE_WAYS)
    assert "odd of left, right" in " ".join(il.show(run).split())  # a narrow table breaks its title
    figure = reuse_figure(run.reuse)
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 1]
    assert [line.get_ydata()[0] for line in lines] == [curve.accuracy[0].value for curve in run.reuse]
    kept = {path: path.read_bytes() for path in (tmp_path / "reuse").iterdir()}
    next(iter(kept)).unlink()
    run_study(Study.parse(STUDY, "tiny"), tmp_path)
    assert {path: path.read_bytes() for path in (tmp_path / "reuse").iterdir()} == kept


def test_a_study_that_does_not_search_it_cannot_ask(fails):
    with fails(SpecificationError, "size 7"):
        Study.parse(STUDY.replace("size: 2, labels", "size: 7, labels"), "tiny")
    with fails(SpecificationError, "neither true nor false"):
        Study.parse(
            STUDY.replace("hypotheses: [left, right]", "hypotheses: [left, distance]").replace(
                "site: layer1, size", "hypothesis: distance, site: layer1, size"
            ),
            "tiny",
        )


def test_a_run_without_a_question_has_no_curves(tmp_path):
    Store(tmp_path).begin(Study.parse(TINY, "tiny"))
    assert not Run.load(tmp_path).reuse
