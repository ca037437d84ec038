"""The interface of a control, which measures, stores and explains one quantity beside the scores of a search.

A new control is one file in this package and one line in `core.plugins`. A control does not decide; the rules of
verdicts are in `verdicts.rules`.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Generic, TypeVar, get_args, get_origin

from interlocus.alignment.alignment import Alignment
from interlocus.controls.criteria import Effect, Thresholds
from interlocus.controls.used.inside import InsideSearch
from interlocus.controls.used.search import RestrictedResult
from interlocus.controls.used.subspace import UsedSubspace
from interlocus.core.json_record import JsonValue, from_json, to_json
from interlocus.networks import AbstractNetworks
from interlocus.searches.portfolio import Portfolio
from interlocus.tasks import AbstractTask

Result = TypeVar("Result")


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
        return [used for used, _ in self._inside.found]

    @property
    def restricted(self) -> list[RestrictedResult]:
        """For each network the results of the searches inside its used subspace."""
        return [restricted for _, restricted in self._inside.found]

    @property
    def natural(self) -> list[float | None]:
        """For each network the IIA of its alignment within the range of natural states; `None` without an alignment."""
        return self._inside.natural

    @cached_property
    def _inside(self) -> InsideSearch:
        return InsideSearch(
            portfolio=self.portfolio,
            task=self.task,
            networks=self.networks,
            site=self.site,
            alignments=self.alignments,
            thresholds=self.thresholds,
            on_progress=self.on_progress,
        )


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
