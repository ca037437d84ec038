"""The interface of a control, which measures, stores and explains one quantity beside the scores of a search.

A new control is one file in this package and one line in `core.plugins`. A control does not decide; the rules of
verdicts are in `verdicts.rules`.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Generic, TypeVar, get_args, get_origin

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.evaluation import evaluate
from interlocus.controls.criteria import Effect, Thresholds
from interlocus.controls.used.natural import natural_iia
from interlocus.controls.used.search import RestrictedResult, search_restricted
from interlocus.controls.used.subspace import STRICT_AGREEMENT, UsedSubspace, as_rotation, used_subspaces
from interlocus.core.json_record import JsonValue, from_json, to_json
from interlocus.networks import AbstractNetworks
from interlocus.searches.portfolio import Portfolio
from interlocus.tasks import AbstractTask

Result = TypeVar("Result")

NEAR_THE_BAR = 0.10
"""A search inside the used subspace that misses the bar by at most this much is repeated with more restarts."""
MORE_RESTARTS = 3
"""Factor by which the restarts are multiplied then."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What one control says about a variable at a site.

    Args:
        control: Name of the control as readers see it, with spaces.
        text: One sentence with the measured numbers, which ends with a full stop.
        passes: Whether it supports the variable; `None` if it decides nothing or was not measured.
    """

    control: str
    text: str
    passes: bool | None


@dataclass(frozen=True, kw_only=True)
class EvidenceContext:
    """The other measurements that a control may use when it explains its result.

    Args:
        variable: Name of the variable that the verdict is about.
        inside: Effects of the searches inside the used subspace; empty if it has fewer directions than there are
            variables, `None` if it was not searched.
        null_level: IIA that untrained networks reach; a found effect exceeds it.
        impossible: Why no search could find the variable here; `None` if a search could.
        thresholds: The study's thresholds, with which scores are compared.
    """

    variable: str
    inside: tuple[Effect, ...] | None
    null_level: float
    impossible: str | None
    thresholds: Thresholds


@dataclass(frozen=True, kw_only=True)
class ControlContext:
    """The networks, site and searches that controls measure. Intermediate results are computed once and shared.

    Args:
        portfolio: The searches that the study makes at the site.
        task: The task that the networks solve.
        networks: Networks of one architecture, measured together.
        site: Name of the site, a key of `networks.sites`.
        controls: Names of all controls that are measured in this context.
        alignments: For each network the alignment that represents the site; `None` for a network without one.
        thresholds: The study's thresholds, with which scores are compared.
        on_progress: Called with the share of the work that is done, from 0 to 1.
    """

    portfolio: Portfolio
    task: AbstractTask
    networks: AbstractNetworks
    site: str
    controls: tuple[str, ...]
    alignments: Sequence[Alignment | None]
    thresholds: Thresholds
    on_progress: Callable[[float], None] = lambda share: None

    @property
    def used(self) -> list[UsedSubspace]:
        """For each network the smallest subspace that keeps its answers."""
        return [used for used, _ in self._inside]

    @property
    def restricted(self) -> list[RestrictedResult]:
        """For each network the results of the searches inside its used subspace."""
        return [restricted for _, restricted in self._inside]

    @cached_property
    def _inside(self) -> list[tuple[UsedSubspace, RestrictedResult]]:
        """The used subspaces with what is found there.

        Where an alignment counts as found in the full state and nothing does inside, both are repeated with a stricter
        subspace: the directions that a few answers in a thousand need may be those that hold the variable. Where the
        bar is missed by little, the searches are repeated with more restarts.
        """
        hypothesis, bar = self.portfolio.hypothesis, self.thresholds.found
        every = range(len(self.networks))
        found = self._searched(every, self._used(every, self.thresholds.agreement), self.portfolio)
        lost = [i for i, (_, inside) in enumerate(found) if inside.best_iia(hypothesis) < bar <= self._full_iia(i)]
        for i, again in zip(
            lost, self._searched(lost, self._used(lost, STRICT_AGREEMENT), self.portfolio), strict=True
        ):
            if again[1].best_iia(hypothesis) > found[i][1].best_iia(hypothesis):
                found[i] = again
        near = [i for i, (_, inside) in enumerate(found) if bar - NEAR_THE_BAR <= inside.best_iia(hypothesis) < bar]
        starts = {name: MORE_RESTARTS * count for name, count in self.portfolio.starts.items()}
        more = self._searched(near, [found[i][0] for i in near], replace(self.portfolio, starts=starts))
        for i, again in zip(near, more, strict=True):
            found[i] = again  # with the restarts that were made before
        return found

    @cached_property
    def natural(self) -> list[float | None]:
        """For each network the IIA of its alignment within the range of natural states; `None` without an alignment."""
        return [
            None if alignment is None else natural_iia(alignment, self.networks[i], self.task, seed=self.portfolio.seed)
            for i, alignment in enumerate(self.alignments)
        ]

    def _used(self, indices: Sequence[int], agreement: float) -> list[UsedSubspace]:
        """The used subspaces of some of the networks at one level of agreement.

        Answers after exchanges have to be kept, too. Where the alignment works only with states that do not occur, the
        directions that it reads are exchanged instead, since elsewhere a network may read what it reads for no input.
        """
        if not indices:
            return []
        bar = self.thresholds.worst_transition
        return used_subspaces(
            self.networks.select(indices),
            self.task,
            site=self.site,
            agreement=agreement,
            alignments=[
                alignment if alignment is None or (self.natural[i] or 0.0) >= bar else as_rotation(alignment)
                for i, alignment in ((i, self.alignments[i]) for i in indices)
            ],
            seed=self.portfolio.seed,
        )

    def _searched(
        self, indices: Sequence[int], used: Sequence[UsedSubspace], portfolio: Portfolio
    ) -> list[tuple[UsedSubspace, RestrictedResult]]:
        """The used subspaces of some of the networks with what a portfolio finds there."""
        if not indices:
            return []
        restricted = search_restricted(
            portfolio,
            self.networks.select(indices),
            self.task,
            self.site,
            used,
            alignments=[self.alignments[i] for i in indices],
            on_progress=self.on_progress,
        )
        return list(zip(used, restricted, strict=True))

    def _full_iia(self, index: int) -> float:
        """IIA of a network's alignment in the full state; 0 for a network without one."""
        alignment = self.alignments[index]
        if alignment is None:
            return 0.0
        portfolio = self.portfolio
        score = evaluate(alignment, self.networks[index], self.task, budget=portfolio.budget, seed=portfolio.seed)
        return score.iia


class AbstractControl(abc.ABC, Generic[Result]):
    """A measurement beside the scores of a search, such as a probe or a chance level.

    Attributes:
        name: Name of the control in a study and in its records.
        description: A clause for the methods paragraph of a page. It may name thresholds in braces.
        deferred: Whether it is measured later, and only if a verdict depends on it.
    """

    name: ClassVar[str]
    description: ClassVar[str]
    deferred: ClassVar[bool] = False

    @abc.abstractmethod
    def measure(self, context: ControlContext) -> list[Result | None]:
        """Measure every network of a context; the result is `None` for a network that cannot be measured.

        Args:
            context: The networks and the site, with what other controls computed for them.
        """

    @abc.abstractmethod
    def evidence(self, result: Result | None, context: EvidenceContext) -> list[Evidence]:
        """Explain what the result says about a variable; the list may be empty.

        Args:
            result: The result for one network; `None` if it was not measured.
            context: The variable, and other measurements of the same network and site.
        """

    def to_json(self, result: Result) -> JsonValue:
        """The result as plain values, for a record.

        Args:
            result: A result of `measure`, not `None`.
        """
        return to_json(self._result_type(), result)

    def from_json(self, data: object) -> Result:
        """Read a result from a record.

        Args:
            data: The values that `to_json` returned, after JSON stored them.

        Raises:
            ValueError: They are not of the type that the control declares.
        """
        return from_json(self._result_type(), data)

    @classmethod
    def _result_type(cls) -> object:
        """The argument of `AbstractControl[...]` among the base classes."""
        bases: tuple[object, ...] = cls.__orig_bases__  # pyright: ignore[reportAttributeAccessIssue]: set by typing
        return next(get_args(base)[0] for base in bases if get_origin(base) is AbstractControl)
