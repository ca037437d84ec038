"""The confusion table of verdicts on networks with known ground truth."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from scipy.stats import beta

from interlocus.alignment.dimensions import equal_size
from interlocus.controls.ground_truth.source import SIZED_RECIPES, GroundTruthNetworks
from interlocus.core.json_record import JsonObject
from interlocus.core.statistics import CONFIDENCE
from interlocus.studies.calibration.battery import BATTERY_VERSION, SEALED_SEED, Scale, battery
from interlocus.studies.executors import AbstractExecutor
from interlocus.studies.results.verdicts import collect_verdicts
from interlocus.studies.run import Run, run_study
from interlocus.studies.spec.networks import NetworkGroup
from interlocus.studies.spec.study import SCHEMA, Study
from interlocus.studies.stages import OnStageProgress
from interlocus.studies.store import Store
from interlocus.verdicts.network import NetworkVerdict
from interlocus.verdicts.verdict import Verdict
from interlocus.verdicts.words import FOUND, MISSING, VERDICT_WORDS, Word, least_known

ExpectedFinding = Literal["there", "not there", "not-learned"]
"""Ground truth of a network: whether the variables are at its site, or that it does not solve the task."""


@dataclass(frozen=True, kw_only=True)
class BatteryCase:
    """One network of the battery, at the site with the known ground truth.

    Args:
        network: Name of the network.
        kind: How the network was made, for people.
        architecture: Description of the architecture; equal for networks that differ in their parameters only.
        truth: Whether the variables are at the site.
        words: The word of the verdict on each variable.
        size: The smallest size at which the variables were found; `None` where they were not.
        planted: Directions per variable in which they were planted; `None` where that is not a number.
        ungated: The words of the verdicts that would be given if the accuracy of the network were ignored.
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
    def reported_found(self) -> bool:
        """Whether a verdict says that a variable is at the site."""
        return any(word in FOUND for word in self.words)

    @property
    def reported_missing(self) -> bool:
        """Whether a verdict says that a variable is not at the site, or not needed there."""
        return any(word in (*MISSING, "unused") for word in self.words)

    @property
    def size_within(self) -> bool:
        """Whether the variables were found with no more directions than they were planted in."""
        return (self.size or 0) <= (self.planted or 0)


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How often an event happened, in networks that are not independent draws.

    Args:
        count: Number of networks in which it happened.
        of: Number of networks in all.
        low: Lower end of the one-sided 95 % interval (Clopper–Pearson) of the share, as if networks were independent.
        high: Upper end of the same interval; with none of n it is about 3/n.
        architectures: Number of architectures in which it happened at least once.
        of_architectures: Number of architectures in all.
        high_clustered: Upper end of the same interval over architectures, which holds for another architecture.
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
    """The confusion table of verdicts, and rates of errors.

    Args:
        cases: All networks of the battery.
        table: For each kind of network how often each word was given. If the words of several variables differ, the
            least certain one counts.
        false_found: Rate of networks without the variables in which one is reported as computed or entangled.
        false_missing: Rate of networks that use the variables in which one is reported as absent, consumed, bypassed or
            unused.
        undecided: Rate of undecided networks among those that solve the task.
        size_right: Rate of networks with variables in one direction each whose reported size is 1 or 2.
        size_within: Rate of networks with variables whose reported size is at most the planted one.
        ungated: Rate of not-learned networks in which a variable would be reported as found if accuracy were ignored.
    """

    cases: tuple[BatteryCase, ...]
    table: dict[str, dict[str, int]]
    false_found: Rate
    false_missing: Rate
    undecided: Rate
    size_right: Rate
    size_within: Rate
    ungated: Rate

    @property
    def errors(self) -> dict[str, Rate]:
        """Rates that should be low, by a description for people."""
        return {
            "reported as found, but not there": self.false_found,
            "reported as missing, but there": self.false_missing,
            "undecided, although the task is solved": self.undecided,
            "not learned, but found if accuracy is ignored": self.ungated,
        }

    @property
    def successes(self) -> dict[str, Rate]:
        """Rates that should be high, by a description for people."""
        return {
            "reported size at most 2 for planted size 1": self.size_right,
            "reported size at most the planted size": self.size_within,
        }

    def to_json(self) -> JsonObject:
        """Plain values."""
        return {"schema": SCHEMA, "battery": BATTERY_VERSION} | asdict(self)


def confusion_of(study: Study, verdicts: Sequence[NetworkVerdict], ungated: Sequence[NetworkVerdict]) -> Calibration:
    """Compare verdicts with the ground truth.

    Args:
        study: The study of the battery.
        verdicts: The verdicts on its networks.
        ungated: The verdicts on the same networks with a competence of zero.
    """
    groups = {group.name: group for group in study.networks}
    cases = tuple(
        _case(groups[network.group], row, free, network)
        for network, other in zip(verdicts, ungated, strict=True)
        for row, free in zip(network.sites, other.sites, strict=True)
    )
    present = [case for case in cases if case.truth == "there"]
    absent = [case for case in cases if case.truth != "there"]
    competent = [case for case in cases if case.truth != "not-learned"]
    not_learned = [case for case in cases if case.truth == "not-learned"]
    sized = [case for case in present if case.size is not None and case.planted is not None]
    in_one = [case for case in sized if case.planted == 1]
    return Calibration(
        cases=cases,
        table=_table(cases),
        false_found=_rate([case for case in absent if case.reported_found], absent),
        false_missing=_rate([case for case in present if case.reported_missing], present),
        undecided=_rate([case for case in competent if "undecided" in case.words], competent),
        size_right=_rate([case for case in in_one if (case.size or 0) <= 2], in_one),
        size_within=_rate([case for case in sized if case.size_within], sized),
        ungated=_rate([case for case in not_learned if any(word in FOUND for word in case.ungated)], not_learned),
    )


def _case(group: NetworkGroup, row: Sequence[Verdict], free: Sequence[Verdict], network: NetworkVerdict) -> BatteryCase:
    source = group.source
    words: tuple[Word, ...] = tuple(verdict.word for verdict in row)
    if isinstance(source, GroundTruthNetworks):
        truth: ExpectedFinding = source.truth
        planted = source.size if source.construction in SIZED_RECIPES else None
    else:  # what follows the only hidden layer is linear, so the variables cannot be there
        truth = "not there" if group.trained and group.steps is None else "not-learned"
        planted = None
    return BatteryCase(
        network=network.network,
        kind=_kind(group),
        architecture=source.architecture,
        truth=truth,
        words=words,
        size=equal_size(row[0].effect.size) if all(word in FOUND for word in words) else None,
        planted=planted,
        ungated=tuple(verdict.word for verdict in free),
    )


def _kind(group: NetworkGroup) -> str:
    """How the networks of a group were made, for people."""
    source = group.source
    if isinstance(source, GroundTruthNetworks):
        is_random = source.construction == "random_subspace"
        return f"{source.construction} {source.size}" if is_random else source.construction
    if not group.trained:
        return "untrained"
    return "not-learned" if group.steps is not None else "trained, one layer"


def _table(cases: Sequence[BatteryCase]) -> dict[str, dict[str, int]]:
    table: dict[str, dict[str, int]] = {}
    for case in cases:
        row = table.setdefault(f"{case.kind}: {case.truth}", dict.fromkeys(VERDICT_WORDS, 0))
        row[least_known(case.words)] += 1
    return table


def _rate(happened: Sequence[BatteryCase], among: Sequence[BatteryCase]) -> Rate:
    architectures = {case.architecture for case in among}
    with_event = {case.architecture for case in happened}
    return Rate(
        count=len(happened),
        of=len(among),
        low=_low(len(happened), len(among)),
        high=_high(len(happened), len(among)),
        architectures=len(with_event),
        of_architectures=len(architectures),
        high_clustered=_high(len(with_event), len(architectures)),
    )


def _low(count: int, of: int) -> float:
    """Lower end of Clopper and Pearson's one-sided interval."""
    return 0.0 if count == 0 else float(beta.ppf(1 - CONFIDENCE, count, of - count + 1))


def _high(count: int, of: int) -> float:
    """Upper end of Clopper and Pearson's one-sided interval."""
    return 1.0 if count >= of else float(beta.ppf(CONFIDENCE, count + 1, of - count))


SEARCH_KINDS: Mapping[str, bool] = {"usual": False, "weakened": True}
"""The two ways in which the battery is searched, and whether the search is weakened."""


@dataclass(frozen=True, kw_only=True)
class BatteryResult:
    """The confusion tables of both searches.

    Args:
        tables: The confusion table of each search, `usual` and `weakened`.
        runs: The run of each search.
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
    """Run the battery, or what a folder lacks of it, and compare the verdicts with the ground truth.

    Args:
        folder: Folder for the results; `calibration.json` is written into it.
        scale: `whole`, or `small` for a first look.
        seed: Seed of everything that is drawn; by default that of the sealed battery.
        executor: Makes the executor of one search.
        on_progress: Makes, from the name of a search, the function that is told its progress.

    Raises:
        RunFolderError: The folder holds another run, or cannot be written.
    """
    tables: dict[str, Calibration] = {}
    runs: dict[str, Run] = {}
    for name, weakened in SEARCH_KINDS.items():
        study = battery(scale=scale, weakened=weakened, seed=seed)
        run_folder = Path(folder) / name
        if weakened:  # both searches use the same networks
            shutil.copytree(Path(folder) / "usual" / "networks", run_folder / "networks", dirs_exist_ok=True)
        run = run_study(study, run_folder, executor=executor(), on_progress=on_progress(name))
        ungated = collect_verdicts(study.model_copy(update={"competence": 0.0}), run.measurements)
        tables[name], runs[name] = confusion_of(study, run.verdicts, ungated), run
    plain = {name: table.to_json() for name, table in tables.items()}
    Store(folder).renew(Path(folder) / "calibration.json", (json.dumps(plain, indent=1) + "\n").encode())
    return BatteryResult(tables=tables, runs=runs)
