"""The methods paragraph."""

from __future__ import annotations

from pathlib import Path

from made_runs import made_run

from interlocus.report.page.methods_paragraph import methods_text


def test_it_holds_the_numbers_of_the_run(tmp_path: Path) -> None:
    run = made_run(tmp_path)
    text = " ".join(methods_text(run))
    line = next(line for line in run.lines if line.hypothesis == "both")
    for part in (
        "2 of 2 solve the task",
        "both (left and right) at input and layer1 with rotation and linear featurizers of 1 and 2 features a variable",
        "1 random and 1 covariance start",
        "10,000 test interventions",
        f"For both an interchange without effect scores {line.no_effect:.3f}",
        f"at most {line.one_directional:.3f}",
        "99.9% of its own answers",
        run.answer.direct,
        run.study.fingerprint,
    ):
        assert part in text


def test_it_says_that_no_controls_were_measured(tmp_path: Path) -> None:
    text = " ".join(methods_text(made_run(tmp_path, lambda trial: False, controls=[])))
    assert "No controls were measured." in text
    assert "solve the task;" not in text
