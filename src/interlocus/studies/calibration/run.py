"""Run the battery, or what a folder lacks of it, and compare the verdicts with the truth."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from interlocus.core.json_record import JsonObject
from interlocus.studies.calibration.answers import BASELINES, AnswersOfRun, baseline_answers, our_answers
from interlocus.studies.calibration.battery import BATTERY_VERSION, SEALED_SEED, Battery, Scale, battery
from interlocus.studies.calibration.scoring import ScoreCard, score_answers
from interlocus.studies.executors import AbstractExecutor
from interlocus.studies.run import Run, run_study
from interlocus.studies.spec.study import SCHEMA
from interlocus.studies.stages import OnStageProgress
from interlocus.studies.store import Store

SEARCH_KINDS: Mapping[str, bool] = {"usual": False, "weakened": True}
"""The two ways in which the battery is searched, and whether the search is weakened."""
RESULTS = "battery.json"
"""Name of the file with all score cards."""


@dataclass(frozen=True, kw_only=True)
class BatteryResult:
    """How often verdicts are wrong, and how often what is done instead is wrong, on the same networks.

    Args:
        cards: Score cards: `usual`, `weakened`, and the ways of `BASELINES` on the records of the usual search.
        runs: The runs, by the path of their folders.
    """

    cards: dict[str, ScoreCard]
    runs: dict[str, Run]

    def to_json(self) -> JsonObject:
        """Plain values."""
        return {
            "schema": SCHEMA,
            "battery": BATTERY_VERSION,
            "cards": {name: card.to_json() for name, card in self.cards.items()},
            "seconds": {name: run.seconds for name, run in self.runs.items()},
        }


def run_battery(
    folder: str | Path,
    *,
    scale: Scale = "whole",
    seed: int = SEALED_SEED,
    executor: Callable[[], AbstractExecutor],
    on_progress: Callable[[str, str], OnStageProgress],
) -> BatteryResult:
    """Run the battery, or what a folder lacks of it.

    Args:
        folder: Folder for the results; `battery.json` is written into it.
        scale: `whole`, or `small` for a first look.
        seed: Seed of everything that is drawn; by default that of the sealed battery.
        executor: Makes the executor of one study.
        on_progress: Makes, from the names of a search and a study, the function that is told its progress.

    Raises:
        RunFolderError: The folder holds another run, or cannot be written.
    """
    cards: dict[str, ScoreCard] = {}
    runs: dict[str, Run] = {}
    for search, weakened in SEARCH_KINDS.items():
        planned = battery(scale=scale, weakened=weakened, seed=seed)
        answers: AnswersOfRun = {}
        baselines: dict[str, AnswersOfRun] = {name: {} for name in BASELINES}
        for name, study in planned.studies.items():
            target = Path(folder) / search / name
            if weakened:
                _share_networks(planned, name, Path(folder) / "usual" / name, target)
            run = run_study(study, target, executor=executor(), on_progress=on_progress(search, name))
            runs[f"{search}/{name}"] = run
            answers |= our_answers(run)
            for way, of_run in baseline_answers(run).items():
                baselines[way] |= of_run
        cards[search] = score_answers(search, planned.truths, answers)
        if not weakened:
            for way, of_way in baselines.items():
                cards[way] = score_answers(BASELINES[way], planned.truths, of_way)
    result = BatteryResult(cards=cards, runs=runs)
    Store(folder).renew(Path(folder) / RESULTS, (json.dumps(result.to_json(), indent=1) + "\n").encode())
    return result


def _share_networks(planned: Battery, name: str, source: Path, target: Path) -> None:
    """Copy the networks of the usual search that the weakened search needs. A group that is smaller is made anew."""
    (target / "networks").mkdir(parents=True, exist_ok=True)
    for group in planned.studies[name].networks:
        for network in group.networks:
            file = source / "networks" / f"{network}.safetensors"
            if file.is_file() and not (target / "networks" / file.name).exists():
                shutil.copy(file, target / "networks" / file.name)
