"""Answers of this library and of what is often done instead, from the records of a run of the battery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from interlocus.alignment.dimensions import mean_size
from interlocus.controls.probes import ProbesControl
from interlocus.searches.results import Restart, Restarts
from interlocus.studies.calibration.scoring import ToolAnswer
from interlocus.studies.records import Record
from interlocus.studies.run import Run
from interlocus.verdicts.verdict import Verdict
from interlocus.verdicts.words import EXCHANGEABLE

CLAIMED_IIA, LEAST_PROBE = 0.9, 0.95
"""From what IIA, or accuracy of a probe, a variable is often said to be there."""
AnswersOfRun = dict[tuple[str, str], dict[str, ToolAnswer]]
BASELINES = {
    "rotation": "IIA ≥ .9 with a rotation, best of three seeds",
    "rotation_untrained": "the same, and above every untrained network",
    "probe": "linear probe ≥ .95",
}
"""What is often done instead, by name."""


def our_answers(run: Run) -> AnswersOfRun:
    """The verdicts of a run as answers.

    Args:
        run: A run of one study of the battery.
    """
    return {
        (network.network, row[0].observation.site): {verdict.observation.variable: _answer(verdict) for verdict in row}
        for network in run.verdicts
        for row in network.sites
        if row
    }


def _answer(verdict: Verdict) -> ToolAnswer:
    effect = verdict.effect
    size = float(mean_size(effect.size)) if verdict.word in EXCHANGEABLE else None
    return ToolAnswer(word=verdict.word, iia=effect.iia, low=effect.low, high=effect.high, size=size)


def baseline_answers(run: Run) -> dict[str, AnswersOfRun]:
    """The answers that the ways of `BASELINES` give on the same networks. They say `computed` or `absent`.

    Args:
        run: A run of one study of the battery, whose searches start from random directions too.
    """
    nulls = _nulls(run)
    groups = {network: group for group in run.study.networks for network in group.networks}
    variables = run.study.task.build().hypothesis(run.study.asked).variables
    answers: dict[str, AnswersOfRun] = {name: {} for name in BASELINES}
    for record in run.records:
        trial = record.trial
        if trial.featurizer != "rotation":
            continue
        iia, size = _best_of_random(record)
        null = nulls.get((groups[trial.network].source.architecture, trial.site), 0.0)
        key = trial.network, trial.site
        answers["rotation"][key] = _same(variables, iia >= CLAIMED_IIA, iia, size)
        answers["rotation_untrained"][key] = _same(variables, iia >= CLAIMED_IIA and iia > null, iia, size)
        control = run.controls.get(key)
        probes = control.result(ProbesControl) if control else None
        if probes is not None:
            answers["probe"][key] = {
                name: ToolAnswer(word="computed" if one.linear >= LEAST_PROBE else "absent")
                for name, one in probes.items()
            }
    return answers


def _same(variables: Sequence[str], is_found: bool, iia: float, size: float) -> dict[str, ToolAnswer]:
    """The same answer for all variables, which one search exchanges together."""
    answer = ToolAnswer(word="computed" if is_found else "absent", iia=iia, size=size if is_found else None)
    return dict.fromkeys(variables, answer)


def _nulls(run: Run) -> Mapping[tuple[str, str], float]:
    """The best IIA of rotations from random directions in untrained networks, by architecture and site."""
    best: dict[tuple[str, str], float] = {}
    groups = {network: group for group in run.study.networks for network in group.networks}
    for record in run.records:
        group = groups[record.trial.network]
        if not group.trained and record.trial.featurizer == "rotation":
            key = group.source.architecture, record.trial.site
            best[key] = max(best.get(key, 0.0), _best_of_random(record)[0])
    return best


def _best_of_random(record: Record) -> tuple[float, float]:
    """Test IIA of the best restart from random directions, over all sizes, and the smallest size that comes near it."""
    by_size = [(_best_random(entry).score.iia, float(mean_size(entry.size))) for entry in record.sizes]
    best = max(iia for iia, _ in by_size)
    return best, min(size for iia, size in by_size if iia >= best - 0.01)


def _best_random(entry: Restarts) -> Restart:
    return max((one for one in entry.restarts if one.start == "random"), key=lambda one: one.validation)
