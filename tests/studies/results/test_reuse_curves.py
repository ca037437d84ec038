"""Results of re-use, over networks."""

from __future__ import annotations

from interlocus.core.statistics import Interval
from interlocus.studies.results.reuse_curves import ReuseCurve, reuse_curves, reuse_rows
from interlocus.studies.reuse.measure import Reuse
from interlocus.studies.spec.study import Study

STUDY = Study.parse(
    """
networks: [{name: relu, count: 3}, {name: tanh, count: 1}]
sites: [layer1]
searches: [{hypotheses: [both], sizes: [2]}]
reuse: {site: layer1, size: 2, labels: [10, 30], draws: 2}
""",
    "x",
)


def reuse(accuracy: float) -> Reuse:
    draws = ((accuracy, accuracy), (accuracy + 0.1, accuracy + 0.1))
    return Reuse(question="q", commonest=0.75, labels=(10, 30), accuracy={"read": draws})


def test_a_curve_is_the_mean_over_the_networks_that_were_measured():
    measured = {"relu-00": reuse(0.5), "relu-02": reuse(0.7)}
    (curve,) = reuse_curves(STUDY, measured)
    assert (curve.group, curve.way, curve.networks) == ("relu", "read", 2)
    assert [round(interval.value, 6) for interval in curve.accuracy] == [0.6, 0.7]
    rows = reuse_rows(STUDY, measured)
    assert len(rows) == 2 * 2 * 2
    assert rows[0] == {
        "group": "relu", "network": "relu-00", "question": "q", "way": "read", "labels": 10, "draw": 0, "accuracy": 0.5,
    }  # fmt: skip


def test_the_needed_labels_keep_the_accuracy_from_there_on():
    def curve(*accuracy: float) -> ReuseCurve:
        return ReuseCurve(
            group="f", question="q", way="read", labels=(10, 30, 100), commonest=0.5, networks=1,
            accuracy=tuple(Interval(value, value, value) for value in accuracy),
        )  # fmt: skip

    assert curve(0.9, 0.96, 0.99).needed(0.95) == 30
    assert curve(0.96, 0.9, 0.99).needed(0.95) == 100
    assert curve(0.9, 0.9, 0.9).needed(0.95) is None
