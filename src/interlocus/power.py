"""What a search did not find, could it have found? It is put to networks in which the variables are planted."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from interlocus.data import Data
from interlocus.engine import solve
from interlocus.entries import entry_of
from interlocus.errors import SpecificationError
from interlocus.family import Family
from interlocus.networks import MLP, AbstractNetworks
from interlocus.planting import ADMITTED, Plantable, Planted
from interlocus.portfolio import portfolio
from interlocus.seeds import stream
from interlocus.seen import Entry, Power, is_found
from interlocus.size import mean_size
from interlocus.store import Store
from interlocus.study import Study
from interlocus.tasks import AbstractTask
from interlocus.thresholds import Thresholds
from interlocus.twins import KINDS

TWINS = 16
"""All of 16 found says that at least .806 would be; of fewer, less than the default threshold can be said."""
RECOVERED = 0.02
"""A variable that is there in part counts as found when the searches come so near to its true IIA."""
SPARE = 4
"""So many more are begun, for the last take longest to get where they should be."""
ROUNDS = 3
"""So many times as many are planted at most, where planting fails in some."""
APART = 100
"""Seeds of rounds are so far apart, for a round takes some that follow."""
VAIN = 3
"""After so many failures without a success no more are planted."""


@dataclass(frozen=True, kw_only=True)
class Twins:
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
    def from_json(cls, data: dict[str, Any]) -> Twins:
        """What `asdict` gave."""
        plain: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in data.items()}
        return cls(**plain)


def has_twins(family: Family, task: AbstractTask) -> bool:
    """Whether networks like these with planted variables can be made."""
    return family.kind.plantable(task)


def twins_of(store: Store, family: Family, site: str) -> list[Twins]:
    """What was measured of a family's architecture at a site, a kind each."""
    kept = [store.twins(twins_name(family, site, kind)) for kind in KINDS]
    return [Twins.from_json(data) for data in kept if data is not None]


def hardest_of(measured: Sequence[Twins], least: float) -> Twins | None:
    """The kind of which the smallest share may be found.

    `None` while that is unknown: kinds are left, and none of those that were measured is too hard.

    Args:
        measured: a kind each.
        least: lower end of the share from which on there is power.
    """
    told = [one for one in measured if one.count]
    hardest = min(told, key=lambda one: one.power.low, default=None)
    if hardest is None or (len(measured) < len(KINDS) and hardest.power.low >= least):
        return None
    return hardest


def measure_power(
    study: Study,
    families: Sequence[Family],
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
        families: of one architecture.
        site: where.
        folder: of the run.
        device: where searches run.
        report: is told the share that is done.
    """
    store, task = Store(folder), study.task.build()
    for number, family in enumerate(families):
        _of_family(
            study,
            task,
            family,
            site,
            store,
            device,
            lambda share, number=number: report((number + share) / len(families)),
        )


def _of_family(
    study: Study,
    task: AbstractTask,
    family: Family,
    site: str,
    store: Store,
    device: str,
    report: Callable[[float], None],
) -> None:
    for number, kind in enumerate(KINDS):
        name = twins_name(family, site, kind)
        kept = store.twins(name)
        if kept is None:
            stacks = family.kind.load(task, [store.network_path(one) for one in family.networks], seed=study.seed)
            likes = [one for one in stacks if isinstance(one, Plantable)]
            about = {"device": device, "report": lambda share, number=number: report((number + share) / len(KINDS))}
            kept = asdict(planted_twins(study, task, likes, site, kind, **about))
            store.add_twins(name, kept)
        twins = Twins.from_json(kept)
        if twins.count and twins.power.low < study.verdict.power:
            return


def planted_twins(
    study: Study,
    task: AbstractTask,
    likes: Sequence[Plantable],
    site: str,
    kind: str,
    device: str = "cpu",
    report: Callable[[float], None] = lambda share: None,
) -> Twins:
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
    seed = stream(study.seed, "twins", kind).initial_seed() % 2**31  # their own: no twin is a network of the study
    together, spare = (TWINS + SPARE, SPARE) if isinstance(likes[0], MLP) else (1, 0)
    rounds: list[Twins] = []
    for number in range(ROUNDS if spare else ROUNDS * TWINS):
        like, own = likes[number % len(likes)], seed + APART * number
        try:
            about = {"like": like, "count": together, "spare": spare, "seed": own}
            planted = KINDS[kind](task, hypothesis=study.asked, site=site, **about)
        except SpecificationError:  # variables that depend on the same inputs have no neurons of their own, say
            return Twins(kind=kind, planted=(), best=(), hits=(), left_out=together)
        rounds.append(search_twins(study, task, planted, site, kind, device))
        made = sum(one.count for one in rounds)
        report(min(1.0, made / TWINS))
        if made >= TWINS or (not made and together * len(rounds) >= VAIN):
            break  # there are enough, or this kind does not take here
    return _added(rounds)


def _added(rounds: Sequence[Twins]) -> Twins:
    """All rounds as one; of more networks than are asked for the first."""
    return Twins(
        kind=rounds[0].kind,
        planted=tuple(iia for one in rounds for iia in one.planted)[:TWINS],
        best=tuple(iia for one in rounds for iia in one.best)[:TWINS],
        hits=tuple(hit for one in rounds for hit in one.hits)[:TWINS],
        left_out=sum(one.left_out for one in rounds),
    )


def search_twins(
    study: Study,
    task: AbstractTask,
    planted: Planted,
    site: str,
    kind: str,
    device: str = "cpu",
) -> Twins:
    """Put the searches of a study to planted networks, to those in which the variables certainly are."""
    admitted = planted.admitted
    left_out = len(planted.scores) - len(admitted)
    if not admitted:
        return Twins(kind=kind, planted=(), best=(), hits=(), left_out=left_out)
    asked = task.hypothesis(study.asked)
    data = Data.draw(task, study.budget, seed=study.seed, hypotheses=[asked.name])
    best, hits = [0.0] * len(admitted), [False] * len(admitted)
    maps, every = study.featurizers_of(study.asked, site), study.sizes_of(study.asked, site)
    *others, largest = sorted(every, key=mean_size)
    for featurizer, sizes in itertools.product(maps, ([largest], others)):
        left = [own for own, hit in enumerate(hits) if not hit]
        if not left or not sizes:
            continue  # what one class of maps finds at one size, the portfolio finds
        request = portfolio(study, site=site, hypotheses=(asked,), sizes=sizes, featurizer=featurizer)
        networks: AbstractNetworks = planted.networks.only([admitted[own] for own in left]).to(device)
        for finding in solve(networks, data, request):
            for attempts in finding.sizes:
                score, own = attempts.best.score, left[finding.network]
                entries = [
                    entry_of(score, variable, map=featurizer, size=attempts.size, looks=len(maps) * len(every))
                    for variable in asked.variables
                ]
                best[own] = max(best[own], score.iia)
                hits[own] = hits[own] or _passes(entries, planted.scores[admitted[own]].iia, study.verdict)
    return Twins(
        kind=kind,
        planted=tuple(planted.scores[i].iia for i in admitted),
        best=tuple(best),
        hits=tuple(hits),
        left_out=left_out,
    )


def _passes(entries: Sequence[Entry], there: float, bars: Thresholds) -> bool:
    """Whether what is there was found: in full it has to pass for found, in part its true IIA has to be reached."""
    if there >= ADMITTED:
        return all(is_found(entry, bars) for entry in entries)
    return entries[0].iia >= there - RECOVERED


def twins_name(family: Family, site: str, kind: str) -> str:
    """Fresh twins belong to an architecture, and those made from the studied networks to a family."""
    return f"{family.name if kind == 'fine_tuned' else family.kind.architecture}.{site}.{kind}"
