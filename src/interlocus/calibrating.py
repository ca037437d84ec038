"""The battery, run whole and once more with a search that is meant to fail."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from interlocus.battery import SEED, Scale, battery
from interlocus.calibration import Calibration, calibrate
from interlocus.executors import AbstractExecutor
from interlocus.phases import Observe
from interlocus.run import Run, run_study
from interlocus.store import Store
from interlocus.verdicts import verdicts

SEARCHES: Mapping[str, bool] = {"usual": False, "crippled": True}
"""How the battery is searched: as always, and with one random restart of few steps."""


@dataclass(frozen=True, kw_only=True)
class Calibrated:
    """Both confusion tables.

    Args:
        tables: by search, `usual` and `crippled`.
        runs: from which they are.
    """

    tables: dict[str, Calibration]
    runs: dict[str, Run]


def run_calibration(
    folder: str | Path,
    *,
    scale: Scale = "whole",
    seed: int = SEED,
    executor: Callable[[], AbstractExecutor],
    observe: Callable[[str], Observe],
) -> Calibrated:
    """Do what a folder does not hold yet, and hold the verdicts against the truth.

    Args:
        folder: where results are kept; `calibration.json` is written there.
        scale: all of the battery, or a small part.
        seed: decides on everything that is drawn; the sealed one by default.
        executor: makes what does the work, for each search.
        observe: makes what is told how far it is, for each search.

    Raises:
        RunFolderError: the folder holds something else, or cannot be written.
    """
    tables: dict[str, Calibration] = {}
    runs: dict[str, Run] = {}
    for name, crippled in SEARCHES.items():
        study = battery(scale=scale, crippled=crippled, seed=seed)
        own = Path(folder) / name
        if crippled:  # the same networks, made once
            shutil.copytree(Path(folder) / "usual" / "networks", own / "networks", dirs_exist_ok=True)
        run = run_study(study, own, executor=executor(), observe=observe(name))
        ungated = verdicts(study.model_copy(update={"competence": 0.0}), run.store, run.records)
        tables[name], runs[name] = calibrate(study, run.verdicts, ungated), run
    plain = {name: table.to_json() for name, table in tables.items()}
    Store(folder).renew(Path(folder) / "calibration.json", (json.dumps(plain, indent=1) + "\n").encode())
    return Calibrated(tables=tables, runs=runs)
