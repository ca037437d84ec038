"""What a control is: it measures, stores and explains one figure beside the scores of a search.

A new control is one file in this package and one line in `core.plugins`. It decides nothing by itself; what a verdict
makes of it is a rule in `verdicts.rules`.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Generic, TypeVar

from interlocus.alignment.alignment import Alignment
from interlocus.controls.criteria import Effect, Thresholds
from interlocus.controls.restricted_search import RestrictedResult, search_restricted
from interlocus.controls.sufficient_subspace import UsedSubspace, hint_of, used_subspaces
from interlocus.networks import AbstractNetworks
from interlocus.searches.portfolio import Portfolio
from interlocus.tasks import AbstractTask

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What one control says about a variable at a site.

    Args:
        control: Name of the control, as people read it.
        text: One sentence with the figures.
        passes: Whether it speaks for the variable; `None` where it decides nothing or was not measured.
    """

    control: str
    text: str
    passes: bool | None


@dataclass(frozen=True, kw_only=True)
class EvidenceContext:
    """What a control may look at when it explains its result.

    Args:
        variable: Name of the variable that the verdict is about.
        inside: Effects of the searches inside the used subspace; empty where nothing was measured there.
        bar: IIA that random directions or untrained networks reach; an effect has to lie above it.
        impossible: Why no search could find the variable here; `None` where one could.
        thresholds: From which score on something counts.
    """

    variable: str
    inside: tuple[Effect, ...]
    bar: float
    impossible: str | None
    thresholds: Thresholds


@dataclass(frozen=True, kw_only=True)
class ControlContext:
    """What a control measures, and on what. Intermediate results that several controls need are computed once.

    Args:
        portfolio: What the study searches at the site.
        task: The task that the networks solve.
        networks: Networks of one architecture, measured together.
        site: Name of the site.
        controls: Names of all controls that are measured in this context.
        alignments: For each network the alignment by which the site is judged; `None` where there is none.
        thresholds: From which score on something counts.
        on_progress: Called with the share that is done, from 0 to 1.
    """

    portfolio: Portfolio
    task: AbstractTask
    networks: AbstractNetworks
    site: str
    controls: tuple[str, ...]
    alignments: Sequence[Alignment | None]
    thresholds: Thresholds
    on_progress: Callable[[float], None] = lambda share: None

    @cached_property
    def used(self) -> list[UsedSubspace]:
        """For each network the smallest subspace that keeps its answers."""
        return used_subspaces(
            self.networks,
            self.task,
            site=self.site,
            agreement=self.thresholds.agreement,
            hints=[hint_of(alignment) for alignment in self.alignments],
            seed=self.portfolio.seed,
        )

    @cached_property
    def restricted(self) -> list[RestrictedResult]:
        """For each network the results of the searches inside its used subspace."""
        return search_restricted(
            self.portfolio, self.networks, self.task, self.site, self.used, on_progress=self.on_progress
        )


class AbstractControl(abc.ABC, Generic[Result]):
    """One control.

    Attributes:
        name: As it stands in a study and in records.
        description: A clause for the methods paragraph of a page; may name the thresholds in braces.
        deferred: Whether it is measured later, and only where a verdict waits for it.
    """

    name: ClassVar[str]
    description: ClassVar[str]
    deferred: ClassVar[bool] = False

    @abc.abstractmethod
    def measure(self, context: ControlContext) -> list[Result | None]:
        """One result for each network; `None` where it cannot be measured."""

    @abc.abstractmethod
    def to_json(self, result: Result) -> Any:
        """Plain values for a record."""

    @abc.abstractmethod
    def from_json(self, data: Any) -> Result:
        """The result that `to_json` wrote."""

    @abc.abstractmethod
    def evidence(self, result: Result | None, context: EvidenceContext) -> list[Evidence]:
        """What the result says of a variable.

        Args:
            result: What was measured; `None` where it was not measured.
            context: The variable, and what else was measured inside the used subspace.
        """
