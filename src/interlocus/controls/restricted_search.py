"""The searches of a study, repeated inside used subspaces: what is found there is read by the rest of the network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.dimensions import Size
from interlocus.causal.hypothesis import Hypothesis
from interlocus.controls.operand_leakage import operand_leakage
from interlocus.controls.used_subspace import UsedSubspace, restrict_to
from interlocus.networks import AbstractNetworks
from interlocus.networks.subspace import SubspaceRestricted
from interlocus.searches.engine import solve
from interlocus.searches.portfolio import portfolio
from interlocus.searches.request import Request
from interlocus.searches.results import ProblemResult, Restarts
from interlocus.searches.starts import find_start
from interlocus.studies.spec.study import Study
from interlocus.tasks import AbstractTask
from interlocus.tasks.splits import DataSplits

OUTPUT_SIZES = (1, 2)
"""Smaller than the variables together, which determine the output."""
OUTPUT = "output"
CLOSED_FORM = ("covariance", "mean_difference")
"""Starts that are put to used subspaces whatever a study begins with: values coded by spread, and by means."""
HALVING_INTERVAL = 200
"""Steps after which the better half of the searches inside a used subspace go on: only the best of them counts."""
NEARLY_FOUND = 0.02
"""Whose IIA is so far below what counts as found is not looked into."""


@dataclass(frozen=True, kw_only=True)
class RestrictedSearch:
    """The searches of a study, repeated inside used subspaces."""

    study: Study
    task: AbstractTask
    networks: AbstractNetworks
    site: str

    def search(self, needed: Sequence[UsedSubspace], report: Callable[[float], None]) -> dict[int, tuple[Any, Any]]:
        """For each network what was found, and how much of the operands rides along in it.

        Networks that need about equally many directions are searched together.
        """
        variables = len(self.task.hypothesis(self.study.asked).variables)
        rooms = [one.rank if one.rank < variables else _room(one.rank, variables) for one in needed]
        result: dict[int, tuple[Any, Any]] = {}
        for done, room in enumerate(sorted(set(rooms))):
            indices = [i for i, other in enumerate(rooms) if other == room]
            confined = restrict_to(self.networks.select(indices), [needed[i] for i in indices], room=room)
            report(done / len(set(rooms)))
            for i, own in zip(indices, self._together(confined, room), strict=True):
                result[i] = own
        return result

    def _together(self, confined: SubspaceRestricted, room: int) -> list[tuple[Any, Any]]:
        study, task = self.study, self.task
        output = Hypothesis(name=OUTPUT, model=task.model, variables=(task.model.output,))
        sought = [task.hypothesis(name) for name in (study.asked, *study.rivals)]
        data = DataSplits.draw(task, study.budget, seed=study.seed, hypotheses=[one.name for one in sought])
        inside: list[dict[str, dict[str, tuple[Restarts, ...]]]] = [{} for _ in range(len(confined))]
        pure: list[dict[str, dict[str, dict[Size, float]]]] = [{} for _ in range(len(confined))]
        for hypothesis in (*sought, output):
            variables = len(hypothesis.variables)
            own = OUTPUT_SIZES if hypothesis is output else (*study.sizes_of(study.asked, self.site), room // variables)
            sizes = sorted({size for size in own if 0 < size * variables <= room})
            maps = study.featurizers_of(study.asked, self.site) if sizes else ()
            for featurizer in maps if hypothesis is sought[0] else maps[:1]:
                request = portfolio(study, site=self.site, hypotheses=(hypothesis,), sizes=sizes, featurizer=featurizer)
                for finding in solve(confined, data, _eased(request)):
                    inside[finding.network].setdefault(hypothesis.name, {})[featurizer] = finding.sizes
                    if hypothesis is not output and "purity" in study.controls:
                        for variable, by_size in self._pure(confined[finding.network], finding, featurizer).items():
                            pure[finding.network].setdefault(variable, {})[featurizer] = by_size
        return list(zip(inside, pure, strict=True))

    def _pure(
        self, network: SubspaceRestricted, finding: ProblemResult, featurizer: str
    ) -> dict[str, dict[Size, float]]:
        """How much of the operands rides along, wherever the variables are about found."""
        hypothesis = self.task.hypothesis(finding.hypothesis)
        found: dict[str, dict[Size, float]] = {name: {} for name in hypothesis.variables}
        for entry, frames in zip(finding.sizes, finding.frames, strict=True):
            if entry.best.score.iia < self.study.verdict.found - NEARLY_FOUND:
                continue
            alignment = Alignment(
                site=self.site,
                hypothesis=hypothesis.name,
                variables=hypothesis.variables,
                featurizer=featurizer,
                network=network.fingerprint(),
                task=self.task.name,
                frames=frames,
            )
            for variable in hypothesis.variables:
                riding = operand_leakage(alignment, variable, network, self.task, seed=self.study.seed)
                found[variable][entry.size] = riding.r2
        return found


def _eased(request: Request) -> Request:
    """The same as a race, with one of each closed-form start: what is missed inside the used subspace would be called
    unused.

    What a search finds in the whole state it may well miss in two directions, where a random start has little to hold
    on to; power is shown for the whole state only.
    """
    known = {start.name for start, _ in request.starts}
    more = tuple((find_start(name), 1) for name in CLOSED_FORM if name not in known)
    budget = (
        request.budget
        if request.budget.halving_interval
        else request.budget.model_copy(update={"halving_interval": HALVING_INTERVAL})
    )
    return replace(request, starts=request.starts + more, budget=budget)


def _room(rank: int, variables: int) -> int:
    """Directions in which a used subspace is searched: enough for equal sizes, and few different numbers of them.

    What is beyond the rank has no effect on the network, so nothing can be read or written there.
    """
    room = variables
    while room < rank:
        room *= 2
    return room
