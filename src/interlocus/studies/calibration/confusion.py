"""How often verdicts are wrong, on networks of known truth."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from scipy.stats import beta

from interlocus.alignment.dimensions import equal_size
from interlocus.controls.ground_truth.source import GroundTruthNetworks
from interlocus.core.statistics import CONFIDENCE
from interlocus.studies.calibration.battery import BATTERY_VERSION, SEALED_SEED, Scale, battery
from interlocus.studies.executors import AbstractExecutor
from interlocus.studies.pipeline import OnStageProgress
from interlocus.studies.results.verdicts import collect_verdicts
from interlocus.studies.run import Run, run_study
from interlocus.studies.spec.networks import NetworkGroup
from interlocus.studies.spec.study import SCHEMA, Study
from interlocus.studies.store import Store
from interlocus.verdicts.network import NetworkVerdict
from interlocus.verdicts.rules import FOUND, MISSING, Verdict
from interlocus.verdicts.words import VERDICT_WORDS, Word, least_known

ExpectedFinding = Literal["there", "not there", "not-learned"]


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One network of the battery, at the site where its truth is known.

    Args:
        network: its name.
        kind: how it was made.
        architecture: how it is built.
        truth: whether the variables are there.
        words: the verdict on each variable.
        size: the smallest size at which they were found; `None` where they were not.
        planted: directions a variable in which they were planted, where that was a number.
        ungated: the verdict if nobody asked whether the network can do its task.
    """

    network: str
    kind: str
    architecture: str
    truth: ExpectedFinding
    words: tuple[Word, ...]
    size: int | None
    planted: int | None
    ungated: tuple[Word, ...]

    @property
    def found(self) -> bool:
        """Whether any variable is said to be there."""
        return any(word in FOUND for word in self.words)

    @property
    def missing(self) -> bool:
        """Whether any variable is said not to be there, or not to be needed."""
        return any(word in (*MISSING, "unused") for word in self.words)


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How often something happened, in networks that are no independent draws.

    Args:
        count: in how many networks.
        of: of how many.
        low: lower end of the one-sided 95 % interval (Clopper–Pearson) of the share, networks taken as independent.
        high: upper end of the same; with none of n it is about 3/n.
        architectures: in how many architectures it happened at all.
        of_architectures: of how many.
        high_clustered: upper end of the same interval over architectures: what can be said of another one.
    """

    count: int
    of: int
    low: float
    high: float
    architectures: int
    of_architectures: int
    high_clustered: float


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The confusion table of verdicts.

    Args:
        tried: every network.
        table: for each kind how often each word was said (the word of which least is known, of several variables).
        false_found: said to be computed or relayed where it is not there.
        false_missing: said to be absent, consumed, bypassed or unused where it is there and read on.
        undecided: of all networks that can do their task.
        size_right: the smallest size within one of the true one, where it is one direction.
        size_within: found with no more directions than it was planted in.
        ungated: untrained and unlearned networks in which something would be found without the gate of competence.
    """

    tried: tuple[Tried, ...]
    table: dict[str, dict[str, int]]
    false_found: Rate
    false_missing: Rate
    undecided: Rate
    size_right: Rate
    size_within: Rate
    ungated: Rate

    @property
    def wrong(self) -> dict[str, Rate]:
        """What should be rare, in words for people."""
        return {
            "said to be there, and is not": self.false_found,
            "said not to be there, and is": self.false_missing,
            "undecided, and solves the task": self.undecided,
            "found without the gate, unlearned": self.ungated,
        }

    @property
    def right(self) -> dict[str, Rate]:
        """What should be frequent."""
        return {"size within one, of one": self.size_right, "size as planted or smaller": self.size_within}

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"schema": SCHEMA, "battery": BATTERY_VERSION} | asdict(self)


def calibrate(study: Study, verdicts: Sequence[NetworkVerdict], ungated: Sequence[NetworkVerdict]) -> Calibration:
    """Hold verdicts against the truth.

    Args:
        study: a battery.
        verdicts: on its networks.
        ungated: the same for a competence of zero.
    """
    groups = {group.name: group for group in study.networks}
    tried = tuple(
        _tried(groups[one.group], row, free, one)
        for one, other in zip(verdicts, ungated, strict=True)
        for row, free in zip(one.sites, other.sites, strict=True)
    )
    there = [one for one in tried if one.truth == "there"]
    nothing = [one for one in tried if one.truth != "there"]
    able = [one for one in tried if one.truth != "not-learned"]
    found = [one for one in there if one.size is not None and one.planted is not None]
    return Calibration(
        tried=tried,
        table=_table(tried),
        false_found=_rate([one for one in nothing if one.found], nothing),
        false_missing=_rate([one for one in there if one.missing], there),
        undecided=_rate([one for one in able if "undecided" in one.words], able),
        size_right=_rate(
            [one for one in found if one.planted == 1 and (one.size or 0) <= 2], [o for o in found if o.planted == 1]
        ),
        size_within=_rate([one for one in found if (one.size or 0) <= (one.planted or 0)], found),
        ungated=_rate(
            [o for o in tried if o.truth == "not-learned" and any(word in FOUND for word in o.ungated)],
            [o for o in tried if o.truth == "not-learned"],
        ),
    )


def _tried(group: NetworkGroup, row: Sequence[Verdict], free: Sequence[Verdict], one: NetworkVerdict) -> Tried:
    kind = group.source
    words: tuple[Word, ...] = tuple(verdict.word for verdict in row)
    known = isinstance(kind, GroundTruthNetworks)
    sized = known and kind.what in {"mean_coded", "fine_tuned"}
    if isinstance(kind, GroundTruthNetworks):
        truth: ExpectedFinding = kind.truth
    else:  # behind the only hidden layer everything is linear, so it cannot be there
        truth = "not there" if group.trained and group.steps is None else "not-learned"
    return Tried(
        network=one.network,
        kind=_name(group),
        architecture=kind.architecture,
        truth=truth,
        words=words,
        size=equal_size(row[0].effect.size) if all(word in FOUND for word in words) else None,
        planted=kind.size if isinstance(kind, GroundTruthNetworks) and sized else None,
        ungated=tuple(verdict.word for verdict in free),
    )


def _name(group: NetworkGroup) -> str:
    kind = group.source
    if isinstance(kind, GroundTruthNetworks):
        return f"{kind.what} {kind.size}" if kind.what == "mean_coded" else kind.what
    return "untrained" if not group.trained else "not-learned" if group.steps is not None else "trained, one layer"


def _table(tried: Sequence[Tried]) -> dict[str, dict[str, int]]:
    table: dict[str, dict[str, int]] = {}
    for one in tried:
        row = table.setdefault(f"{one.kind}: {one.truth}", dict.fromkeys(VERDICT_WORDS, 0))
        row[least_known(one.words)] += 1
    return table


def _rate(happened: Sequence[Tried], among: Sequence[Tried]) -> Rate:
    architectures = {one.architecture for one in among}
    where = {one.architecture for one in happened}
    return Rate(
        count=len(happened),
        of=len(among),
        low=_low(len(happened), len(among)),
        high=_high(len(happened), len(among)),
        architectures=len(where),
        of_architectures=len(architectures),
        high_clustered=_high(len(where), len(architectures)),
    )


def _low(count: int, of: int) -> float:
    """Lower end of Clopper and Pearson's one-sided interval."""
    return 0.0 if count == 0 else float(beta.ppf(1 - CONFIDENCE, count, of - count + 1))


def _high(count: int, of: int) -> float:
    """Upper end of Clopper and Pearson's one-sided interval."""
    return 1.0 if count >= of else float(beta.ppf(CONFIDENCE, count + 1, of - count))


SEARCH_KINDS: Mapping[str, bool] = {"usual": False, "crippled": True}
"""How the battery is searched: as always, and with one random restart of few steps."""


@dataclass(frozen=True, kw_only=True)
class BatteryResult:
    """Both confusion tables.

    Args:
        tables: by search, `usual` and `crippled`.
        runs: from which they are.
    """

    tables: dict[str, Calibration]
    runs: dict[str, Run]


def run_battery(
    folder: str | Path,
    *,
    scale: Scale = "whole",
    seed: int = SEALED_SEED,
    executor: Callable[[], AbstractExecutor],
    on_progress: Callable[[str], OnStageProgress],
) -> BatteryResult:
    """Do what a folder does not hold yet, and hold the verdicts against the truth.

    Args:
        folder: where results are kept; `calibration.json` is written there.
        scale: all of the battery, or a small part.
        seed: decides on everything that is drawn; the sealed one by default.
        executor: makes what does the work, for each search.
        on_progress: makes what is told how far it is, for each search.

    Raises:
        RunFolderError: the folder holds something else, or cannot be written.
    """
    tables: dict[str, Calibration] = {}
    runs: dict[str, Run] = {}
    for name, crippled in SEARCH_KINDS.items():
        study = battery(scale=scale, crippled=crippled, seed=seed)
        own = Path(folder) / name
        if crippled:  # the same networks, made once
            shutil.copytree(Path(folder) / "usual" / "networks", own / "networks", dirs_exist_ok=True)
        run = run_study(study, own, executor=executor(), on_progress=on_progress(name))
        ungated = collect_verdicts(study.model_copy(update={"competence": 0.0}), run.measurements)
        tables[name], runs[name] = calibrate(study, run.verdicts, ungated), run
    plain = {name: table.to_json() for name, table in tables.items()}
    Store(folder).renew(Path(folder) / "calibration.json", (json.dumps(plain, indent=1) + "\n").encode())
    return BatteryResult(tables=tables, runs=runs)
