"""Re-use: what is known of the variables decides how many labels a new question takes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from networks_by_hand import mean_coded, mean_coded_directions
from tiny import TINY

import interlocus as il
from interlocus.core.errors import NetworkError, SpecificationError, UnknownNameError
from interlocus.featurizers import Frames
from interlocus.report.figures.reuse import reuse_figure
from interlocus.studies.reuse import measure as reuse
from interlocus.studies.reuse import retraining
from interlocus.studies.reuse.measure import REUSE_WAYS, Reuse, measure_reuse, new_question
from interlocus.studies.run import Run, run_study
from interlocus.studies.spec.study import Study

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
    return measure_reuse(known, mean_coded(), TASK, EITHER, labels=(40,), draws=2, ways=ways, seed=5)


def test_where_variables_are_known_forty_labels_are_enough(measured):
    assert min(measured.accuracy["read"][0]) > 0.99
    assert min(measured.accuracy["probed"][0]) > 0.99
    assert min(measured.accuracy["features"][0]) > 0.99


def test_the_commonest_label_is_what_the_question_says(measured):
    assert measured.commonest == pytest.approx(0.75, abs=5 * np.sqrt(0.75 * 0.25 / reuse.REUSE_TEST_ROWS))


def test_directions_that_hold_nothing_answer_nothing(known):
    """Neurons that no variable reaches are what their bias says, to the bit, so the commonest label is all one can say.

    Of 200 labels with a share of ¾ one half or fewer are the commonest with probability 1e-14.
    """
    network = mean_coded(directions=torch.eye(8)[:2])
    rows = torch.eye(8)[2:4].unsqueeze(1)
    own = {"network": network.fingerprint(), "frames": Frames(read=rows, write=rows)}
    elsewhere = il.Alignment(**{**vars(known), **own})
    inputs, _ = TASK.labelled_inputs(100, split="test", generator=torch.Generator().manual_seed(0))
    assert all((features == 2).all() for features in elsewhere.features(network, inputs).values())
    found = measure_reuse(elsewhere, network, TASK, EITHER, labels=(200,), draws=1, ways=("features",))
    assert found.accuracy["features"][0][0] == pytest.approx(found.commonest, abs=0.5 / reuse.REUSE_TEST_ROWS)


def test_equal_seeds_give_equal_numbers_and_survive_being_kept(known, measured):
    again = measure_reuse(known, mean_coded(), TASK, EITHER, labels=(40,), draws=2, ways=("layer",), seed=5)
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


def test_what_cannot_be_asked_is_said_first(known, fails, unchecked):
    with fails(UnknownNameError, "some"):
        new_question("some", ("left",))
    strange = il.Variable(name="item", parents=("a",), mechanism=lambda a: a, values=(0, 1))
    with fails(SpecificationError, "item", "left, right"):
        measure_reuse(known, mean_coded(), TASK, strange)
    with fails(SpecificationError, "2 labels"):
        measure_reuse(known, mean_coded(), TASK, EITHER, labels=(2,))


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(retraining, "RETRAINING_STEPS", 150)


def forgetful() -> il.networks.MLP:
    """A network that has all it needs, and whose output layer is gone."""
    network = mean_coded()
    weights, biases = ([*part[:-1], torch.zeros_like(part[-1])] for part in (network.weights, network.biases))
    return il.networks.MLP(weights, biases, activation="relu")


def learned(network, count: int) -> float:
    inputs, labels = TASK.labelled_inputs(count, split="train", generator=torch.Generator().manual_seed(1))
    test, wanted = TASK.labelled_inputs(1000, split="test", generator=torch.Generator().manual_seed(2))
    answers = retraining.retrain(network, "layer3", inputs[None], labels[None], test, seed=0)
    return float((answers[0] == wanted).float().mean())


def test_a_network_learns_and_stays_as_it_was(short):
    network = forgetful()
    before = network.fingerprint()
    assert learned(network, 400) > 0.99
    assert network.fingerprint() == before


def as_module() -> il.networks.Module:
    network, layers = forgetful(), []
    for weight, bias in zip(network.weights, network.biases, strict=True):
        linear = torch.nn.Linear(weight.shape[2], weight.shape[1])
        linear.load_state_dict({"weight": weight[0], "bias": bias[0]})
        layers += [linear, torch.nn.ReLU()]
    module = il.networks.Module(torch.nn.Sequential(*layers[:-1]), sites={"layer3": "5"})
    module.prepare(torch.randn(8, 16))
    return module


def test_a_module_is_trained_as_a_perceptron_is(monkeypatch):
    monkeypatch.setattr(retraining, "RETRAINING_STEPS", 50)
    module = as_module()
    before = module.fingerprint()
    assert learned(module, 60) == pytest.approx(learned(forgetful(), 60), abs=0.02)
    assert module.fingerprint() == before
    assert all(parameter.grad is None for parameter in module.module.parameters())


@pytest.mark.parametrize("network", [forgetful(), as_module()])
def test_what_is_before_a_site_stays_as_it_is(network):
    inputs = torch.randn(2, 6, network.input_width)
    for site, moved in ((None, 10), ("layer3", 4)):
        copies = retraining.trainable(network, 2, site)
        gradients = torch.autograd.grad(copies.logits(inputs).sum(), copies.parameters, allow_unused=True)
        each = sum(g is not None for g in gradients) // (2 if isinstance(network, il.networks.Module) else 1)
        assert each == moved


def test_more_labels_than_classes_cannot_be_retrained(fails):
    inputs = torch.randn(1, 6, 16)
    with fails(NetworkError, "2 classes"):
        retraining.retrain(mean_coded(), "layer3", inputs, torch.tensor([[0, 1, 2, 0, 1, 2]]), inputs[0], seed=0)


STUDY = TINY + "reuse: {question: odd, site: layer1, size: 2, labels: [20], draws: 1}\n"


def test_a_study_asks_anew_and_keeps_draws_and_resumes(monkeypatch, tmp_path):
    monkeypatch.setattr(retraining, "RETRAINING_STEPS", 20)
    monkeypatch.setattr(reuse, "STRENGTHS", (1.0,))
    monkeypatch.setattr(reuse, "DEGREES", (1,))
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


def test_labels_that_are_needed_stay_enough():
    from interlocus.studies.reuse.curves import ReuseCurve

    from interlocus.core.statistics import Interval

    def curve(*accuracy: float) -> ReuseCurve:
        return ReuseCurve(
            group="f", question="q", way="read", labels=(10, 30, 100), commonest=0.5, networks=1,
            accuracy=tuple(Interval(value, value, value) for value in accuracy),
        )  # fmt: skip

    assert curve(0.9, 0.96, 0.99).needed(0.95) == 30
    assert curve(0.96, 0.9, 0.99).needed(0.95) == 100
    assert curve(0.9, 0.9, 0.9).needed(0.95) is None


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


def test_a_run_without_a_question_has_no_figure(tmp_path):
    study = Study.parse(TINY, "tiny")
    from interlocus.studies.store import Store

    Store(tmp_path).begin(study)
    assert reuse_figure(Run.load(tmp_path)) is None
