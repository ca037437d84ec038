"""What a search did not find, could it have found? It is put to networks in which the variables are planted."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from interlocus.alignment.dimensions import mean_size
from interlocus.controls.criteria import Effect, Thresholds, effect_of, is_found
from interlocus.controls.ground_truth.planting import ADMITTED_IIA, Plantable, Planted
from interlocus.controls.ground_truth.recipes import PLANTING_RECIPES
from interlocus.core.errors import SpecificationError
from interlocus.core.random import derived_generator
from interlocus.core.statistics import wilson
from interlocus.networks import MLP, AbstractNetworks
from interlocus.searches.engine import solve
from interlocus.searches.portfolio import portfolio
from interlocus.studies.spec.networks import NetworkGroup
from interlocus.studies.spec.study import Study
from interlocus.studies.store import Store
from interlocus.tasks import AbstractTask
from interlocus.tasks.splits import DataSplits

PLANTED_COUNT = 16
"""All of 16 found says that at least .806 would be; of fewer, less than the default threshold can be said."""
IIA_TOLERANCE = 0.02
"""A variable that is there in part counts as found when the searches come so near to its true IIA."""
ALLOWED_FAILURES = 4
"""So many more are begun, for the last take longest to get where they should be."""
MAX_PLANTING_ROUNDS = 3
"""So many times as many are planted at most, where planting fails in some."""
SEED_STRIDE = 100
"""Seeds of rounds are so far apart, for a round takes some that follow."""
GIVE_UP_AFTER = 3
"""After so many failures without a success no more are planted."""


@dataclass(frozen=True, kw_only=True)
class Power:
    """In how many networks with a planted variable the same search finds it, for the hardest kind of planting.

    Args:
        kind: of planting.
        found: in how many.
        of: of how many.
    """

    kind: str
    found: int
    of: int

    @property
    def low(self) -> float:
        """Lower end of Wilson's interval of the share."""
        return wilson(self.found, self.of)[0]


@dataclass(frozen=True, kw_only=True)
class PlantedResult:
    """What became of the planted networks of one kind.

    Args:
        kind: of planting.
        planted: IIA through the known subspace, of each network in which the variable certainly is.
        best: the highest IIA that the searches of the study reached in it; they end with the first that finds it.
        hits: whether one of them passes for found, or comes near to the true IIA where that is less than one.
        left_out: networks in which planting failed.
    """

    kind: str
    planted: tuple[float, ...]
    best: tuple[float, ...]
    hits: tuple[bool, ...]
    left_out: int

    @property
    def found(self) -> int:
        """In how many."""
        return sum(self.hits)

    @property
    def count(self) -> int:
        """Of how many."""
        return len(self.hits)

    @property
    def power(self) -> Power:
        """The same as a verdict looks at it."""
        return Power(kind=self.kind, found=self.found, of=self.count)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> PlantedResult:
        """What `asdict` gave."""
        plain: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in data.items()}
        return cls(**plain)


def has_planted(group: NetworkGroup, task: AbstractTask) -> bool:
    """Whether networks like these with planted variables can be made."""
    return group.source.can_be_trained(task)


def planted_results_of(store: Store, group: NetworkGroup, site: str) -> list[PlantedResult]:
    """What was measured of a family's architecture at a site, a kind each."""
    kept = [store.twins(planted_name(group, site, kind)) for kind in PLANTING_RECIPES]
    return [PlantedResult.from_json(data) for data in kept if data is not None]


def hardest_of(measured: Sequence[PlantedResult], least: float) -> PlantedResult | None:
    """The kind of which the smallest share may be found.

    `None` while that is unknown: kinds are left, and none of those that were measured is too hard.

    Args:
        measured: a kind each.
        least: lower end of the share from which on there is power.
    """
    told = [one for one in measured if one.count]
    hardest = min(told, key=lambda one: one.power.low, default=None)
    if hardest is None or (len(measured) < len(PLANTING_RECIPES) and hardest.power.low >= least):
        return None
    return hardest


def measure_power(
    study: Study,
    groups: Sequence[NetworkGroup],
    site: str,
    folder: str | Path,
    device: str,
    report: Callable[[float], None],
) -> None:
    """Plant the variables that are asked for in networks like these, put the study's searches to them, and keep what
    was found.

    Kind after kind; once one is too hard for a family, others would change nothing.

    Args:
        study: whose searches are tried.
        groups: of one architecture.
        site: where.
        folder: of the run.
        device: where searches run.
        report: is told the share that is done.
    """
    store, task = Store(folder), study.task.build()
    for number, group in enumerate(groups):
        _of_group(
            study,
            task,
            group,
            site,
            store,
            device,
            lambda share, number=number: report((number + share) / len(groups)),
        )


def _of_group(
    study: Study,
    task: AbstractTask,
    group: NetworkGroup,
    site: str,
    store: Store,
    device: str,
    report: Callable[[float], None],
) -> None:
    for number, kind in enumerate(PLANTING_RECIPES):
        name = planted_name(group, site, kind)
        kept = store.twins(name)
        if kept is None:
            stacks = group.source.load(task, [store.network_path(one) for one in group.networks], seed=study.seed)
            likes = [one for one in stacks if isinstance(one, Plantable)]
            about = {
                "device": device,
                "report": lambda share, number=number: report((number + share) / len(PLANTING_RECIPES)),
            }
            kept = asdict(measure_planted(study, task, likes, site, kind, **about))
            store.add_twins(name, kept)
        twins = PlantedResult.from_json(kept)
        if twins.count and twins.power.low < study.verdict.power:
            return


def measure_planted(
    study: Study,
    task: AbstractTask,
    likes: Sequence[Plantable],
    site: str,
    kind: str,
    device: str = "cpu",
    report: Callable[[float], None] = lambda share: None,
) -> PlantedResult:
    """Plant what a study asks for in networks like some, and put its searches to them.

    Args:
        study: whose searches are tried.
        task: what the networks solve.
        likes: networks of that architecture: perceptrons in one stack, or modules.
        site: where.
        kind: of planting.
        device: where searches run.
        report: is told the share that is done.
    """
    seed = (
        derived_generator(study.seed, "twins", kind).initial_seed() % 2**31
    )  # their own: no twin is a network of the study
    together, allowed_failures = (
        (PLANTED_COUNT + ALLOWED_FAILURES, ALLOWED_FAILURES) if isinstance(likes[0], MLP) else (1, 0)
    )
    rounds: list[PlantedResult] = []
    for number in range(MAX_PLANTING_ROUNDS if allowed_failures else MAX_PLANTING_ROUNDS * PLANTED_COUNT):
        like, own = likes[number % len(likes)], seed + SEED_STRIDE * number
        try:
            about = {"like": like, "count": together, "spare": allowed_failures, "seed": own}
            planted = PLANTING_RECIPES[kind](task, hypothesis=study.asked, site=site, **about)
        except SpecificationError:  # variables that depend on the same inputs have no neurons of their own, say
            return PlantedResult(kind=kind, planted=(), best=(), hits=(), left_out=together)
        rounds.append(search_planted(study, task, planted, site, kind, device))
        made = sum(one.count for one in rounds)
        report(min(1.0, made / PLANTED_COUNT))
        if made >= PLANTED_COUNT or (not made and together * len(rounds) >= GIVE_UP_AFTER):
            break  # there are enough, or this kind does not take here
    return _added(rounds)


def _added(rounds: Sequence[PlantedResult]) -> PlantedResult:
    """All rounds as one; of more networks than are asked for the first."""
    return PlantedResult(
        kind=rounds[0].kind,
        planted=tuple(iia for one in rounds for iia in one.planted)[:PLANTED_COUNT],
        best=tuple(iia for one in rounds for iia in one.best)[:PLANTED_COUNT],
        hits=tuple(hit for one in rounds for hit in one.hits)[:PLANTED_COUNT],
        left_out=sum(one.left_out for one in rounds),
    )


def search_planted(
    study: Study,
    task: AbstractTask,
    planted: Planted,
    site: str,
    kind: str,
    device: str = "cpu",
) -> PlantedResult:
    """Put the searches of a study to planted networks, to those in which the variables certainly are."""
    admitted = planted.admitted
    left_out = len(planted.scores) - len(admitted)
    if not admitted:
        return PlantedResult(kind=kind, planted=(), best=(), hits=(), left_out=left_out)
    asked = task.hypothesis(study.asked)
    data = DataSplits.draw(task, study.budget, seed=study.seed, hypotheses=[asked.name])
    best, hits = [0.0] * len(admitted), [False] * len(admitted)
    maps, every = study.featurizers_of(study.asked, site), study.sizes_of(study.asked, site)
    *others, largest = sorted(every, key=mean_size)
    for featurizer, sizes in itertools.product(maps, ([largest], others)):
        left = [own for own, hit in enumerate(hits) if not hit]
        if not left or not sizes:
            continue  # what one class of maps finds at one size, the portfolio finds
        request = portfolio(study, site=site, hypotheses=(asked,), sizes=sizes, featurizer=featurizer)
        networks: AbstractNetworks = planted.networks.select([admitted[own] for own in left]).to(device)
        for finding in solve(networks, data, request):
            for restarts in finding.sizes:
                score, own = restarts.best.score, left[finding.network]
                entries = [
                    effect_of(score, variable, map=featurizer, size=restarts.size, looks=len(maps) * len(every))
                    for variable in asked.variables
                ]
                best[own] = max(best[own], score.iia)
                hits[own] = hits[own] or _passes(entries, planted.scores[admitted[own]].iia, study.verdict)
    return PlantedResult(
        kind=kind,
        planted=tuple(planted.scores[i].iia for i in admitted),
        best=tuple(best),
        hits=tuple(hits),
        left_out=left_out,
    )


def _passes(entries: Sequence[Effect], there: float, bars: Thresholds) -> bool:
    """Whether what is there was found: in full it has to pass for found, in part its true IIA has to be reached."""
    if there >= ADMITTED_IIA:
        return all(is_found(entry, bars) for entry in entries)
    return entries[0].iia >= there - IIA_TOLERANCE


def planted_name(group: NetworkGroup, site: str, kind: str) -> str:
    """Fresh twins belong to an architecture, and those made from the studied networks to a family."""
    return f"{group.name if kind == 'fine_tuned' else group.source.architecture}.{site}.{kind}"
